"""Checkpoint to graph: every integer against first principles, and shipped graphs against their checkpoints."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from support.quantised_samples import sample_checkpoint, sample_images, sample_spec

from hwgen.cli.main import main
from hwgen.errors import HwgenError
from hwgen.export import clipped_values, export, export_model
from hwgen.ir.execute import execute
from hwgen.ir.nodes import Gain
from hwgen.ir.nodes.convolution import accumulator_bound
from hwgen.ir.serialize import load
from hwgen.spec.layers import Layer
from hwgen.spec.model import available, load as load_spec
from hwgen.train.checkpoint import read, write

TRAINED = [name for name in available() if load_spec(name).checkpoint_path.is_file()]


@pytest.mark.parametrize("name", TRAINED)
def test_shipped_graph_is_the_export_of_its_checkpoint(name: str, tmp_path: Path) -> None:
    spec = load_spec(name)
    export_model(spec, out=tmp_path)
    assert (tmp_path / "graph.json").read_bytes() == spec.graph_path.read_bytes()
    assert (tmp_path / "weights.npz").read_bytes() == spec.weights_path.read_bytes()


@pytest.mark.parametrize("name", TRAINED)
def test_shipped_graph_is_the_specifications(name: str) -> None:
    spec = load_spec(name)
    graph = load(spec.folder)
    assert graph.model == name
    assert graph.frame == (spec.frame.width, spec.frame.height)
    assert spec.data is not None
    assert graph.terms == {"license": spec.data.license, "source": spec.data.source}
    pairs = zip(spec.encoder_network.layers, spec.encoder, strict=True)
    layers = [(placed, layer) for placed, layer in pairs if isinstance(layer, Layer)]
    for node, (placed, layer) in zip(graph.convolutions, layers, strict=True):
        assert node.out_channels == placed.given.channels
        assert (node.kernel, node.stride, node.activation) == (layer.kernel, layer.stride, layer.activation)
        assert (node.weight_bits, node.output.bits) == (layer.weight_bits, layer.activation_bits)


def exact(value: float) -> Fraction:
    return Fraction(value)  # a float is a fraction, exactly


def test_integers_are_the_rounded_parameters(tmp_path: Path) -> None:
    """Weights, biases, slopes and the gain, in fractions, from the numbers in the file."""
    spec = sample_spec(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    network = sample_checkpoint(spec, path)
    graph = export(spec, path)
    tensors, _ = read(path)
    exponent = -8
    for index, node in enumerate(graph.convolutions):
        assert node.name == f"conv{index}"
        assert node.input_exponent == exponent
        limit = 2 ** (node.weight_bits - 1) - 1
        weight = tensors[f"encoder.{index}.conv.weight"].tolist()
        bias = tensors[f"encoder.{index}.conv.bias"].tolist()
        for o in range(node.out_channels):
            scale = Fraction(2) ** int(node.weight_exponent[o])
            flat = np.array(weight[o]).reshape(-1).tolist()
            wanted = [min(max(round(exact(v) / scale), -limit), limit) for v in flat]
            assert node.weight[o].reshape(-1).tolist() == wanted
            assert int(node.bias[o]) == round(exact(bias[o]) / (scale * Fraction(2) ** exponent))
            assert int(node.shift[o]) == node.output_exponent - exponent - int(node.weight_exponent[o])
        if node.slope is not None:
            slopes = tensors[f"encoder.{index}.activation.weight"].tolist()
            assert node.slope.tolist() == [min(max(round(exact(v) * 64), -128), 127) for v in slopes]
        exponent = node.output_exponent
        assert node.accumulator_bits == accumulator_bound(node.weight, node.bias, node.input).bit_length() + 1
    gain = graph.nodes[-1]
    assert isinstance(gain, Gain)
    assert (gain.factor, gain.shift) == network.gain


def test_what_clips_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bias beyond 2^31 of its grid, slopes beyond 127 / 64 and weights beyond their scales, in a made checkpoint."""
    spec = sample_spec(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    sample_checkpoint(spec, path)
    before = clipped_values(spec, path)
    assert not any("bias" in line or "slope" in line for line in before)
    tensors, header = read(path)
    bias = next(name for name in tensors if name.startswith("encoder.1.") and name.endswith("conv.bias"))
    tensors[bias][0], tensors[bias][1] = 1e12, -1e12
    slope = next((name for name in tensors if name.endswith("activation.weight") and "encoder" in name), None)
    if slope is not None:
        tensors[slope][0] = 1e3
    write(path, tensors, {key: value for key, value in header.items() if key != "format_version"})
    found = [line for line in clipped_values(spec, path) if line not in before]
    layer = spec.encoder_network.layers[1].name
    total = len(tensors[bias])
    assert f"encoder {layer}: 2 of {total} biases beyond their integers, clipped" in found
    assert slope is None or any(f"1 of {len(tensors[slope])} slopes beyond" in line for line in found)
    assert len(found) == 1 + (slope is not None)
    assert main(["export", "--model", str(spec.path), "--checkpoint", str(path), "--out", str(tmp_path / "o")]) == 0
    assert f"note: {found[0]}\n" in capsys.readouterr().err
    node = next(node for node in load(tmp_path / "o").convolutions if node.name == layer)
    assert (int(node.bias[0]), int(node.bias[1])) == (2**31 - 1, -(2**31))


def test_accumulator_bounds_hold_for_the_worst_input(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    sample_checkpoint(spec, tmp_path / "c.safetensors")
    for node in export(spec, tmp_path / "c.safetensors").convolutions:
        low, high = node.input.bounds
        limit = 2 ** (node.accumulator_bits - 1)
        upper = (np.where(node.weight > 0, high, low) * node.weight).sum(axis=(1, 2, 3)) + node.bias
        lower = (np.where(node.weight > 0, low, high) * node.weight).sum(axis=(1, 2, 3)) + node.bias
        assert -limit <= lower.min() and upper.max() < limit


def test_export_equals_the_network_in_float32(tmp_path: Path) -> None:
    """The very network that training evaluates, not only its float64 copy."""
    spec = sample_spec(tmp_path)
    network = sample_checkpoint(spec, tmp_path / "c.safetensors")
    graph = export(spec, tmp_path / "c.safetensors")
    images = sample_images(3, seed=5)
    with torch.no_grad():
        symbols = network.transmit(images) * 4096
    for image, wanted in zip(images, symbols, strict=True):
        found = execute(graph, (image * 256).byte().permute(1, 2, 0).numpy())
        assert np.array_equal(found["gain"], wanted.permute(1, 2, 0).numpy())


def test_exporting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    sample_checkpoint(spec, spec.checkpoint_path)
    export_model(spec)
    export_model(spec, out=tmp_path / "again")
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_integers_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    sample_checkpoint(spec, spec.checkpoint_path)
    tensors, header = read(spec.checkpoint_path)
    tensors["encoder.1.conv.weight_quant.tensor_quant.scaling_impl.value"] -= 40.0
    write(spec.checkpoint_path, tensors, header)
    with pytest.raises(HwgenError, match=r"checkpoint.safetensors: conv1\.\w+: wanted"):
        export_model(spec, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    with pytest.raises(HwgenError, match="checkpoint.safetensors: wanted a checkpoint"):
        export_model(spec, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_terms_are_the_checkpoints(tmp_path: Path) -> None:
    """Weights carry the terms of what they were trained on, whatever the specification says later."""
    spec = sample_spec(tmp_path)
    sample_checkpoint(spec, spec.checkpoint_path)
    tensors, header = read(spec.checkpoint_path)
    said = {"license": "CC0", "source": "noise"}
    assert "terms" not in header
    assert export(spec, spec.checkpoint_path).terms == said, "a header without terms: the specification's"
    write(spec.checkpoint_path, tensors, header | {"terms": said})
    assert export(spec, spec.checkpoint_path).terms == said
    other = said | {"license": "research only"}
    write(spec.checkpoint_path, tensors, header | {"terms": other})
    with pytest.raises(
        HwgenError, match=r"checkpoint.safetensors: terms: license: wanted 'CC0', as .*spec.yaml.* got 'research only'"
    ):
        export_model(spec, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export(sample_spec(tmp_path, data=None), spec.checkpoint_path).terms == other
    for damaged in ("CC0", {"license": 1}):
        write(spec.checkpoint_path, tensors, header | {"terms": damaged})
        with pytest.raises(HwgenError, match="checkpoint.safetensors: terms: wanted license and source, got"):
            export(spec, spec.checkpoint_path)
