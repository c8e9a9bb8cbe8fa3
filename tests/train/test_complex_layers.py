"""Complex convolutions equal torch's own complex arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hwgen.train.complex_layers import ComplexConv2d, interleaved, parts
from hwgen.train.network import DeepJSCC, LayerShape, parameters


def filled(layer: ComplexConv2d) -> ComplexConv2d:
    generator = torch.Generator().manual_seed(1)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, generator=generator)
    return layer


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (5, 2)])
def test_equals_a_convolution_of_complex_numbers(kernel: int, stride: int) -> None:
    layer = filled(ComplexConv2d(3, 4, kernel, stride))
    x = torch.randn(2, 6, 8, 10, generator=torch.Generator().manual_seed(2))
    weight = torch.complex(layer.real.weight, layer.imag.weight)
    bias = torch.complex(layer.bias[0::2], layer.bias[1::2])
    wanted = nn.functional.conv2d(torch.complex(x[:, 0::2], x[:, 1::2]), weight, bias, stride, kernel // 2)
    got = layer(x)
    assert got.shape == (2, 8, 8 // stride, 10 // stride)
    assert torch.allclose(torch.complex(got[:, 0::2], got[:, 1::2]), wanted, atol=1e-4)


def test_both_forms_of_a_kernel() -> None:
    layer = filled(ComplexConv2d(3, 4, 3))
    kernel = interleaved(layer.real.weight, layer.imag.weight)
    assert kernel.shape == (8, 6, 3, 3)
    assert torch.equal(kernel[1::2, 1::2], layer.real.weight) and torch.equal(kernel[0::2, 1::2], -layer.imag.weight)
    for got, wanted in zip(parts(kernel), layer.kernels, strict=True):
        assert torch.equal(got, wanted)


def test_in_a_network() -> None:
    """Shapes, names, counted parameters, and a fresh network that keeps activations of one size."""
    encoder = [LayerShape(3, 2, 6, "prelu"), LayerShape(3, 1, 5, "prelu", True), LayerShape(1, 1, 4, "none", True)]
    decoder = [LayerShape(3, 1, 7, "prelu", True), LayerShape(4, 2, 3, "clamp")]
    torch.manual_seed(0)
    network = DeepJSCC(encoder, decoder)
    names = {name for name in network.state_dict() if name.startswith("encoder.1.")}
    assert names == {f"encoder.1.{name}" for name in
                     ("conv.real.weight", "conv.imag.weight", "conv.bias", "activation.weight")}  # fmt: skip
    images = torch.rand(2, 3, 16, 24)
    latent = network.encode(images)
    assert latent.shape == (2, 8, 8, 12)
    assert network.decode(latent).shape == images.shape
    assert sum(p.numel() for p in network.encoder.parameters()) == parameters(encoder)
    assert sum(p.numel() for p in network.decoder.parameters()) == parameters(decoder, 8)
    assert 0.1 < latent.std() < 10.0
