"""Complex convolutions equal torch's own complex arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hwgen.spec.counts import parameters
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.network import Stream, place
from hwgen.train.complex_layers import ComplexConv2d, interleaved, parts
from hwgen.train.deep_jscc import DeepJSCC


def filled(layer: ComplexConv2d) -> ComplexConv2d:
    generator = torch.Generator().manual_seed(1)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, generator=generator)
    return layer


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    [((1, 1), 1, None, 1), ((3, 3), 1, None, 1), ((5, 5), 2, None, 1), ((3, 5), 1, (0, 1), 1), ((3, 3), 2, (2, 2), 2),
     ((2, 2), 2, (0, 0), 1)],
)  # fmt: skip
def test_equals_a_convolution_of_complex_numbers(
    kernel: tuple[int, int], stride: int, padding: tuple[int, int] | None, dilation: int
) -> None:
    layer = filled(ComplexConv2d(3, 4, kernel, stride, padding, dilation))
    x = torch.randn(2, 6, 8, 10, generator=torch.Generator().manual_seed(2))
    weight = torch.complex(layer.real.weight, layer.imag.weight)
    bias = torch.complex(layer.bias[0::2], layer.bias[1::2])
    pads = (kernel[0] // 2, kernel[1] // 2) if padding is None else padding
    wanted = nn.functional.conv2d(torch.complex(x[:, 0::2], x[:, 1::2]), weight, bias, stride, pads, dilation)
    got = layer(x)
    assert got.shape == (2, 8, *wanted.shape[2:])
    assert torch.allclose(torch.complex(got[:, 0::2], got[:, 1::2]), wanted, atol=1e-4)


def test_both_forms_of_a_kernel() -> None:
    layer = filled(ComplexConv2d(3, 4, (3, 3)))
    kernel = interleaved(layer.real.weight, layer.imag.weight)
    assert kernel.shape == (8, 6, 3, 3)
    assert torch.equal(kernel[1::2, 1::2], layer.real.weight) and torch.equal(kernel[0::2, 1::2], -layer.imag.weight)
    for got, wanted in zip(parts(kernel), layer.kernels, strict=True):
        assert torch.equal(got, wanted)


def test_in_a_network() -> None:
    """Shapes, names, counted parameters, and a fresh network that keeps activations of one size."""
    down = [
        Layer(kernel=3, stride=2, channels=6),
        Layer(kernel=3, channels=5, complex=True),
        Layer(kernel=1, channels=4, activation="none", complex=True),
    ]
    up = [
        DecoderLayer(kernel=3, channels=7, complex=True),
        DecoderLayer(kernel=4, stride=2, channels=3, activation="clamp"),
    ]
    encoder = place("encoder", down, Stream(3, 8, signed=False))
    decoder = place("decoder", up, Stream(8, 8, signed=True))
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
    assert sum(p.numel() for p in network.decoder.parameters()) == parameters(decoder)
    assert 0.1 < latent.std() < 10.0
