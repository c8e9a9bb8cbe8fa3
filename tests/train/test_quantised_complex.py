"""Quantised complex layers: integers on one grid, exact in float64, both parts with their own bits, and they learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.quantised_samples import LAYERS, sample_checkpoint, sample_images, sample_network, sample_spec
from torch import Tensor

from hwgen.export import export
from hwgen.ir.execute import execute
from hwgen.numerics.complex import power_normalise
from hwgen.numerics.integer import prelu, requantise
from hwgen.numerics.words import pack_symbols
from hwgen.spec.model import ModelSpec
from hwgen.train.calibration import MSE
from hwgen.train.channel import symbol_power
from hwgen.train.checkpoint import write
from hwgen.train.network import pruned
from hwgen.train.quantised import build, from_checkpoint
from hwgen.train.quantised_layers.complex import QuantComplexLayer
from hwgen.train.quantised_layers.convolution import QuantLayer
from hwgen.train.quantised_network import PIXEL_EXPONENT, QuantDeepJSCC
from hwgen.train.quantisers import QuantParts, QuantPReLU, coarse, exponents


def complex_spec(folder: Path, **changes: Any) -> ModelSpec:
    six = {"complex": True, "imag_weight_bits": 6, "imag_activation_bits": 6}
    layers = {
        "encoder": [
            LAYERS["encoder"][0] | {"channels": 8, "stride": 2},
            {"kernel": 3, "stride": 2, "channels": 5, "activation": "prelu", **six},
            {"kernel": 1, "channels": 4, "activation": "none", **six},
        ],
        "decoder": [
            {"kernel": 3, "channels": 6, **six, "weight_bits": 7, "imag_weight_bits": 4},
            {"kernel": 4, "stride": 2, "channels": 6, "activation": "relu"},
            {"kernel": 5, "stride": 2, "channels": 3, "activation": "clamp"},
        ],
    }
    return sample_spec(folder, **(layers | {"gain": {"mode": "per_image"}, "bandwidth_ratio": "1/12"} | changes))


def spread(network: QuantDeepJSCC) -> QuantDeepJSCC:
    """Biases that matter, so that their rounding is tested."""
    torch.manual_seed(4)
    for layer in [*network.encoder, *network.decoder]:
        layer.conv.bias.data.normal_(0.0, 0.1)
    network.calibrate([sample_images()])
    return network


def naive(x: np.ndarray, real: np.ndarray, imag: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """A complex convolution of (H, W, 2 I) int64, part by part: (H', W', 2 O)."""
    height, width, _ = x.shape
    outputs, _, size, _ = real.shape
    half = size // 2
    rows, columns = -(-height // stride), -(-width // stride)
    out = np.tile(bias, (rows, columns, 1))
    for y in range(rows):
        for c in range(columns):
            for i in range(size):
                for j in range(size):
                    v, h = y * stride + i - half, c * stride + j - half
                    if 0 <= v < height and 0 <= h < width:
                        re, im = x[v, h, 0::2], x[v, h, 1::2]
                        wr, wi = real[:, :, i, j], imag[:, :, i, j]
                        out[y, c, 0::2] += wr @ re - wi @ im
                        out[y, c, 1::2] += wr @ im + wi @ re
    assert out.shape == (rows, columns, 2 * outputs)
    return out


def frame(x: Tensor, exponent: int) -> np.ndarray:
    """(H, W, C) int64 of a batch's first image, refusing what is no integer times the scale."""
    scaled = x[0].permute(1, 2, 0).double() * 2.0**-exponent
    assert torch.equal(scaled, scaled.round())
    return scaled.long().numpy()


def layer_of_integers(layer: QuantComplexLayer, x: np.ndarray, exponent: int) -> np.ndarray:
    """The layer by the rules of docs/numeric_contract.md."""
    found = layer.integers(exponent)
    largest = 2 ** (layer.weight_bits - 1) - 1
    assert abs(found.weight_real).max() <= largest and abs(found.weight_imag).max() <= largest
    acc = naive(x, found.weight_real, found.weight_imag, found.bias, layer.conv.stride[0])
    shift = layer.exponent - (exponent + found.weight_exponent.repeat(2))
    if isinstance(layer.activation, QuantPReLU):
        fraction = layer.activation.fraction
        acc = prelu(acc, layer.activation.integers().long().numpy(), fraction)
        shift = shift + fraction
    assert layer.coarse is not None
    imag_bits, left = layer.coarse
    out = requantise(acc, shift, layer.bits, True)
    out[..., 1::2] = requantise(acc, shift + left, imag_bits, True)[..., 1::2] << left
    return out


def test_every_layer_equals_integers(tmp_path: Path) -> None:
    network = spread(sample_network(complex_spec(tmp_path))).double()
    images = sample_images(count=1, seed=3).double()
    with torch.no_grad():
        x, exponent = network.pixel_quantiser(images), PIXEL_EXPONENT
        checked = 0
        for side in (network.encoder, network.decoder):
            if side is network.decoder:
                symbols = network.transmit(images)
                x = network.received_quantiser(symbols)
                exponent = int(exponents(network.received_quantiser, 7))
                split = coarse(network.received_quantiser)
                assert split is not None and split[0] == 6
                integers = frame(symbols, -12)
                wanted = requantise(integers, exponent + 12, 8, True)
                wanted[..., 1::2] = requantise(integers, exponent + 12 + split[1], 6, True)[..., 1::2] << split[1]
                assert np.array_equal(frame(x.value, exponent), wanted)
            for layer in list(side)[: 3 if side is network.encoder else 2]:
                assert isinstance(layer, QuantLayer)
                y = layer(x)
                if isinstance(layer, QuantComplexLayer):
                    wanted = layer_of_integers(layer, frame(x.value, exponent), exponent)
                    assert np.array_equal(frame(y.value, layer.exponent), wanted)
                    assert np.unique(wanted[..., 1::2]).size > 8 and np.unique(wanted[..., 0::2]).size > 16
                    checked += 1
                x, exponent = y, layer.exponent
    assert checked == 3


def test_weights_of_both_parts_have_their_bits(tmp_path: Path) -> None:
    network = sample_network(complex_spec(tmp_path))
    layer = network.decoder[0]
    assert isinstance(layer, QuantComplexLayer)
    found = layer.integers(-7)
    left = exponents(layer.conv.imag, 3) - exponents(layer.conv.real, 6)
    assert int(left.min()) >= 0 and int(left.max()) <= 7 - 4
    narrow = found.weight_imag >> left.view(-1, 1, 1, 1).numpy()
    assert np.array_equal(narrow << left.view(-1, 1, 1, 1).numpy(), found.weight_imag)
    assert abs(narrow).max() <= 7 and abs(found.weight_real).max() <= 63
    real = torch.from_numpy(found.weight_real) * 2.0 ** torch.from_numpy(found.weight_exponent).view(-1, 1, 1, 1)
    error = (real - layer.conv.real.weight).square().mean() / layer.conv.real.weight.square().mean()
    assert error < 1e-2


def test_equal_bits_need_no_grid_of_their_own(tmp_path: Path) -> None:
    spec = complex_spec(tmp_path)
    sides = {side: [dict(layer) for layer in spec.model_dump()[side]] for side in ("encoder", "decoder")}
    for values in sides["encoder"] + sides["decoder"]:
        if values["complex"]:
            values.update(imag_weight_bits=values["weight_bits"], imag_activation_bits=values["activation_bits"])
    network = sample_network(complex_spec(tmp_path, **sides))
    layer = network.encoder[1]
    assert isinstance(layer, QuantComplexLayer)
    assert layer.coarse is None and coarse(network.received_quantiser) is None
    assert torch.equal(exponents(layer.conv.real, 7), exponents(layer.conv.imag, 7))
    with torch.no_grad():
        assert network.decode(network.transmit(sample_images())).shape == (8, 3, 24, 32)


def test_power_is_the_integer_rule(tmp_path: Path) -> None:
    network = sample_network(complex_spec(tmp_path, channel={"power": 2.0}))
    images = sample_images(count=3, seed=5)
    with torch.no_grad():
        latent, symbols = network.encode(images), network.transmit(images)
    for which in range(3):
        integers = frame(latent[which : which + 1], network.latent_exponent)
        assert np.array_equal(frame(symbols[which : which + 1], -12), power_normalise(integers, 2 << 16))
    assert symbol_power(symbols).tolist() == pytest.approx([2.0] * 3, rel=2e-3)


def test_close_to_the_float_network(tmp_path: Path) -> None:
    spec = complex_spec(tmp_path)
    torch.manual_seed(1)
    reference = pruned(spec).eval()
    network = build(spec, reference.state_dict())
    images = sample_images()
    network.calibrate([images])
    network.eval()
    with torch.no_grad():
        wanted, got = reference.encode(images), network.encode(images)
    assert (got - wanted).square().mean() < 1e-2 * wanted.square().mean()


def test_training_learns_and_keeps_the_scales(tmp_path: Path) -> None:
    spec = complex_spec(tmp_path)
    torch.manual_seed(0)
    network = build(spec, pruned(spec).state_dict()).train()
    images, generator = sample_images(), torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam((p for p in network.parameters() if p.requires_grad), lr=5e-3)
    losses = []
    for _ in range(60):
        loss = (network(images, torch.full((8,), 15.0), generator) - images).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    assert trained == set(pruned(spec).state_dict())
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters() if p.requires_grad)


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    spec = complex_spec(tmp_path)
    network = sample_checkpoint(spec, tmp_path / "checkpoint.safetensors")
    loaded = from_checkpoint(spec, tmp_path / "checkpoint.safetensors")
    assert loaded.mode == "per_image"
    with torch.no_grad():
        symbols = network.transmit(sample_images(seed=9))
        assert torch.equal(loaded.decode(symbols), network.decode(symbols))


@pytest.mark.parametrize("gain", ["static", "per_image"])
def test_both_sides_exported_are_the_trained_network(tmp_path: Path, gain: str) -> None:
    """Pixels to symbols, and noisy symbols to pixels: integer graphs = Brevitas."""
    spec = complex_spec(tmp_path, gain={"mode": gain})
    network, path = spread(sample_network(spec)), tmp_path / "checkpoint.safetensors"
    assert spec.data is not None
    write(path, network.state_dict(), {"terms": spec.data.model_dump()})
    network = network.double()
    images = sample_images(count=1, seed=3).double()
    transmitter = export(spec, path, "tx")
    found = execute(transmitter, frame(images, PIXEL_EXPONENT).astype(np.uint8))
    with torch.no_grad():
        symbols = network.transmit(images)
        assert np.array_equal(found[transmitter.nodes[-1].name], frame(symbols, -12))
        noise = torch.randn(symbols.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        received = symbols + 0.3 * noise
        wanted = frame(network.decode(received), PIXEL_EXPONENT)
    words = pack_symbols((received * 4096).round().clamp(-32768, 32767)[0].permute(1, 2, 0).long().numpy())
    assert np.array_equal(execute(export(spec, path, "rx"), words)["pixels"], wanted)


def test_scales_of_both_parts() -> None:
    """The imaginary one is 0 .. the difference in bits above the real one, both near the values."""
    generator = torch.Generator().manual_seed(2)
    values = torch.randn(2, 1000, generator=generator)
    for factor, wanted in ((1.0, (-5, -3)), (0.25, (-5, -5)), (0.01, (-5, -5)), (16.0, (-1, 1))):
        found = MSE.pair((values[0], -128, 127), (factor * values[1], -32, 31), 2)
        assert 0 <= found[1] - found[0] <= 2
        assert found == pytest.approx(wanted, abs=1)
    zero = torch.zeros(5)
    assert MSE.pair((zero, -128, 127), (zero, -32, 31), 2) == (0, 0)
    assert MSE.pair((zero, -128, 127), (values[1], -32, 31), 2)[1] in (-3, -4)


def test_parts_round_once() -> None:
    quantiser = QuantParts(8, 6)
    x = torch.randn(2, 6, 5, 5, generator=torch.Generator().manual_seed(1)) * 3
    quantiser.fit(x)
    out = quantiser(x).value
    exponent, left = int(exponents(quantiser, 7)), quantiser.imag_left
    for part, bits, e in ((0, 8, exponent), (1, 6, exponent + left)):
        integers = (x[:, part::2] * 2.0**-e).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        assert torch.equal(out[:, part::2], integers * 2.0**e)


def test_what_clips_is_counted(tmp_path: Path) -> None:
    network = QuantDeepJSCC(complex_spec(tmp_path))
    layer = next(layer for layer in network.encoder if isinstance(layer, QuantComplexLayer))
    layer.fit_weights()
    before = layer.clipped(-8)
    layer.conv.bias.data[0] = 1e12
    layer.conv.imag.weight.data[0, 0, 0, 0] = 1e9
    after = layer.clipped(-8)
    weights = layer.conv.real.weight.numel() + layer.conv.imag.weight.numel()
    assert after["weights"] == (before["weights"][0] + 1, weights)
    assert (before["biases"][0], after["biases"]) == (0, (1, len(layer.conv.bias)))
