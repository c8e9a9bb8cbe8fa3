"""The quantised network: scales, straight-through training, static gain, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.quantised_samples import sample_checkpoint, sample_images, sample_network, sample_spec
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.train.channel import symbol_power
from hwgen.train.checkpoint import read, write
from hwgen.train.network import pruned
from hwgen.train.quantised import build, from_checkpoint
from hwgen.train.quantised_layers.convolution import QuantLayer
from hwgen.train.quantised_network import integer_gain


def is_multiple(x: Tensor, scale: float) -> bool:
    return bool(torch.equal((x.double() / scale).round() * scale, x.double()))


PIXEL_SCALE = "pixel_quantiser.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"


def test_parameters_have_the_float_networks_names(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    state = pruned(spec).state_dict()
    network = build(spec, state)
    for name, value in state.items():
        assert torch.equal(network.state_dict()[name], value)


def test_close_to_the_float_network(tmp_path: Path) -> None:
    narrow = sample_spec(tmp_path).model_dump()
    wide = {side: [dict(layer, weight_bits=8, activation_bits=8) for layer in narrow[side]]
            for side in ("encoder", "decoder")}  # fmt: skip
    spec = sample_spec(tmp_path, **wide)
    torch.manual_seed(1)
    reference = pruned(spec).eval()
    network = build(spec, reference.state_dict())
    images = sample_images()
    network.calibrate([images])
    network.eval()
    with torch.no_grad():
        wanted, got = reference.encode(images), network.encode(images)
        assert (got - wanted).square().mean() < 1e-3 * wanted.square().mean()
        seen, reference_seen = network.decode(got), reference.decode(wanted)
        assert (seen - reference_seen).square().mean() < 1e-2 * reference_seen.var()


def test_outputs_are_integers_times_the_scale(tmp_path: Path) -> None:
    network = sample_network(sample_spec(tmp_path))
    images = sample_images(seed=3)
    with torch.no_grad():
        x = network.pixel_quantiser(images)
        assert torch.equal(x.value, images)
        for layer in network.encoder:
            assert isinstance(layer, QuantLayer)
            x = layer(x)
            integers = x.value * 2.0**-layer.exponent
            assert is_multiple(integers, 1.0)
            half = 2 ** (layer.bits - 1)
            low, high = (-half, half - 1) if layer.signed else (0, 2 * half - 1)
            assert low <= integers.min() and integers.max() <= high
            assert integers.unique().numel() >= min(16, 2**layer.bits - 1)
        pixels = network.decode(network.transmit(images)) * 256
    assert is_multiple(pixels, 1.0)
    assert pixels.min() >= 0 and pixels.max() <= 255


def test_transmit_is_q3_12_of_the_wanted_power(tmp_path: Path) -> None:
    network = sample_network(sample_spec(tmp_path, channel={"power": 2.0}))
    images = sample_images(count=16, seed=4)
    network.calibrate_gain([images[:5], images[5:]])
    with torch.no_grad():
        symbols = network.transmit(images)
        assert is_multiple(symbols, 2.0**-12)
        assert symbol_power(symbols).mean() == pytest.approx(2.0, rel=1e-3)
        network.mode = "per_image"
        assert symbol_power(network.transmit(images)).tolist() == pytest.approx([2.0] * 16, rel=1e-4)


def test_symbols_saturate(tmp_path: Path) -> None:
    network = sample_network(sample_spec(tmp_path))
    network.latent_power.fill_(1e-6)
    with torch.no_grad():
        symbols = network.transmit(sample_images())
    assert (symbols.min(), symbols.max()) == (-8.0, 8.0 - 2.0**-12)


@pytest.mark.parametrize("exponent", [-9, -4, 0])
@pytest.mark.parametrize("power", [1e-3, 0.5, 1.0, 3.7, 900.0])
def test_integer_gain_is_the_closest_16_bit_factor(exponent: int, power: float) -> None:
    factor, shift = integer_gain(exponent, power, 1.0)
    real = math.sqrt(1.0 / power) * 2.0 ** (exponent + 12)
    assert 2**15 <= factor < 2**16
    assert abs(factor * 2.0**-shift - real) <= 2.0 ** (-shift - 1)


def test_integer_gain_that_rounds_up_to_17_bits() -> None:
    assert integer_gain(-12, 1.0, (2 - 2**-20) ** 2) == (32768, 14)


def test_training_calibrates_itself_and_learns(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    torch.manual_seed(0)
    network = build(spec, pruned(spec).state_dict()).train()
    assert not network.calibrated
    images, generator = sample_images(), torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        output = network(images, torch.full((8,), 15.0), generator)
        loss = (output - images).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert network.calibrated
    assert network.latent_power > 0
    assert losses[-1] < 0.5 * losses[0]
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    assert trained == set(pruned(spec).state_dict())


def test_scales_stay_while_training(tmp_path: Path) -> None:
    network = sample_network(sample_spec(tmp_path)).train()
    network.load_state_dict(network.state_dict())  # as a resumed training does
    before = {k: v.clone() for k, v in network.state_dict().items() if k.endswith("scaling_impl.value")}
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(3):
        network(sample_images(), torch.full((8,), 5.0), torch.Generator().manual_seed(2)).square().mean().backward()
        optimiser.step()
    assert before
    for name, value in before.items():
        assert torch.equal(network.state_dict()[name], value)


def test_sigmoid_decoder(tmp_path: Path) -> None:
    decoder = sample_spec(tmp_path).model_dump()["decoder"]
    decoder[-1]["activation"] = "sigmoid"
    network = sample_network(sample_spec(tmp_path, decoder=list(decoder)))
    with torch.no_grad():
        pixels = network.decode(network.transmit(sample_images())) * 256
    assert is_multiple(pixels, 1.0)
    assert pixels.min() > 0 and pixels.max() < 255


def test_a_transmitter_only_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="decoder: wanted a decoder: the quantised network is trained end to end"):
        build(sample_spec(tmp_path, decoder=None))


def test_float_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    state = pruned(spec).state_dict()
    with pytest.raises(HwgenError, match=r"float weights: .*, got encoder.0.conv.bias missing"):
        build(spec, {name: value for name, value in state.items() if name != "encoder.0.conv.bias"})
    with pytest.raises(HwgenError, match="float weights: wanted the shapes of"):
        build(spec, state | {"encoder.0.conv.bias": torch.zeros(3)})


def test_gain_before_calibration_is_refused(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    with pytest.raises(HwgenError, match="static gain: wanted a calibrated network, got a latent power of 0"):
        _ = build(spec).gain


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    network = sample_checkpoint(spec, path)
    loaded = from_checkpoint(spec, path)
    assert loaded.gain == network.gain
    images = sample_images(seed=9)
    with torch.no_grad():
        assert torch.equal(loaded.transmit(images), network.transmit(images))
        assert torch.equal(loaded.decode(loaded.transmit(images)), network.decode(network.transmit(images)))


def drop(name: str) -> Callable[[dict[str, Tensor]], None]:
    return lambda tensors: tensors.__delitem__(name)


def put(name: str, value: Tensor) -> Callable[[dict[str, Tensor]], None]:
    return lambda tensors: tensors.__setitem__(name, value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (drop("encoder.0.conv.weight"), "encoder.0.conv.weight: wanted a tensor of .*, got nothing"),
        (drop("latent_power"), "latent_power: wanted a tensor of .*, got nothing"),
        (put("more", torch.zeros(1)), "more: wanted no tensor but those of .*, got it"),
        (put("encoder.0.conv.bias", torch.zeros(8)), r"encoder.0.conv.bias: wanted shape \(7,\), got \(8,\)"),
        (put("encoder.0.conv.bias", torch.full((7,), math.nan)), "encoder.0.conv.bias: wanted finite values, got inf"),
        (put(PIXEL_SCALE, torch.tensor(0.01)), f"{PIXEL_SCALE}: wanted powers of two as scales, got others"),
        (put(PIXEL_SCALE, torch.tensor(1.0)), r"pixel_quantiser: wanted scale 2\*\*-8, got 2\*\*-7"),
        (put("calibrated", torch.tensor(False)), "calibrated: wanted a calibrated network, got one that was never"),
    ],
)
def test_mismatched_checkpoints_are_refused(
    tmp_path: Path, edit: Callable[[dict[str, Tensor]], None], message: str
) -> None:
    spec = sample_spec(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    sample_checkpoint(spec, path)
    tensors, _ = read(path)
    edit(tensors)
    write(path, tensors, {})
    with pytest.raises(HwgenError, match=f"checkpoint.safetensors: {message}"):
        from_checkpoint(spec, path)


def test_missing_and_truncated_checkpoints_are_refused(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(HwgenError, match="checkpoint.safetensors: wanted a checkpoint"):
        from_checkpoint(spec, path)
    sample_checkpoint(spec, path)
    content = path.read_bytes()
    for keep in (0, 5, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        with pytest.raises(HwgenError, match="checkpoint.safetensors: wanted a safetensors checkpoint of hwgen"):
            from_checkpoint(spec, path)
