"""Brevitas = interpreter, exactly, at every layer; PReLU and gain against plain Python integers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.ir_samples import conv_values, photos, sample_graph
from support.naive import naive_conv, naive_requantise
from support.quantised_samples import sample_checkpoint, sample_spec
from support.spec_samples import random_layers, spec_of

from hwgen.errors import HwgenError
from hwgen.export import export
from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Conv2d, Gain
from hwgen.ir.serialize import load
from hwgen.ir.types import IntType
from hwgen.random_init import random_graph
from hwgen.reference.brevitas.convolution import brevitas_layer
from hwgen.reference.golden import golden
from hwgen.spec.model import available, load as load_spec
from hwgen.train.quantisers import quant_activation, set_exponents

MODELS = [name for name in available() if load_spec(name).graph_path.is_file()]
TRAINED = [name for name in MODELS if load_spec(name).checkpoint_path.is_file()]


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype, name
        assert np.array_equal(found[name], array), name


@pytest.mark.parametrize("seed", range(30))
def test_random_graphs(tmp_path: Path, seed: int) -> None:
    """Kernels, strides, widths, activations and channel counts mixed; two real photos each."""
    spec = spec_of(tmp_path, random_layers(np.random.default_rng([9, seed])))
    graph = random_graph(spec, seed)
    for image, size in zip(photos(36, 20)[:1] + photos(68, 44)[2:], ((20, 36), (44, 68)), strict=True):
        assert image.shape[:2] == size
        same(golden(spec, graph, image), execute(graph, image))


@pytest.mark.parametrize("name", available())
def test_random_integers_in_every_shipped_specification(name: str) -> None:
    spec = load_spec(name)
    graph = random_graph(spec, 3)
    graph = graph.at_profile(graph.profiles - 1)
    same(golden(spec, graph, photos(64, 32)[1]), execute(graph, photos(64, 32)[1]))


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("photo", range(3))
def test_trained_network(name: str, photo: int) -> None:
    """The checkpoint in Brevitas against the shipped graph in NumPy, on a real photo at 256x128.

    Profiles are shared out among the photos.
    """
    spec = load_spec(name)
    graph = load(spec.folder)
    pixels = photos(256, 128)[photo]
    for profile in range(photo % graph.profiles, graph.profiles, 3):
        own = graph.at_profile(profile)
        same(golden(spec, own, pixels, spec.checkpoint_path), execute(own, pixels))


@pytest.mark.parametrize("name", MODELS)
def test_shipped_graph_loaded_into_brevitas_at_its_own_frame(name: str) -> None:
    spec = load_spec(name)
    graph = load(spec.folder).at_profile(0)
    pixels = photos(*graph.frame)[0]
    same(golden(spec, graph, pixels), execute(graph, pixels))


def test_a_network_of_every_kind_of_layer(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    sample_checkpoint(spec, spec.checkpoint_path)
    graph = export(spec, spec.checkpoint_path)
    pixels = photos(64, 48)[2]
    same(golden(spec, graph, pixels, spec.checkpoint_path), execute(graph, pixels))
    same(golden(spec, graph, pixels), execute(graph, pixels))


def test_noise_pixels_and_extremes() -> None:
    graph = sample_graph(2)
    rng = np.random.default_rng(2)
    for pixels in (
        rng.integers(0, 256, (16, 24, 3), dtype=np.uint8),
        np.zeros((16, 24, 3), np.uint8),
        np.full((16, 24, 3), 255, np.uint8),
        (rng.integers(0, 2, (16, 24, 3)) * 255).astype(np.uint8),
    ):
        same(golden(None, graph, pixels), execute(graph, pixels))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_prelu_equals_plain_integers(seed: int) -> None:
    """The one layer that Brevitas does not have, with slopes of both signs, ties and saturation."""
    rng = np.random.default_rng(seed)
    v = conv_values(rng, "c", (2, 9), 3, 1, "prelu", IntType(6, True), -2, 5, int(rng.integers(2, 9)), (-2, 6))
    x = rng.integers(-32, 32, (6, 5, 2))
    layer = brevitas_layer(Conv2d(**v))
    source = quant_activation(6, signed=True).double().eval()
    set_exponents(source, -2, 5)
    with torch.no_grad():
        out = layer(source(torch.from_numpy(x * 2.0**-2).permute(2, 0, 1)[None])).value * 2.0**4
    assert out[0].permute(1, 2, 0).tolist() == naive_conv(v, x.tolist())


@pytest.mark.parametrize(("factor", "shift"), [(1, 1), (40960, 7), (65535, 0), (3, -4), (9, 30), (12345, 6)])
def test_gain_equals_plain_integers(factor: int, shift: int) -> None:
    graph = sample_graph(4)
    gain = Gain("gain", 3, factor, 16, shift, graph.nodes[-1].input)
    graph = dataclasses.replace(graph, nodes=(*graph.nodes[:-1], gain))
    found = golden(None, graph, photos(24, 16)[0])  # type: ignore[arg-type]
    wanted = [naive_requantise(v * factor, shift, -32768, 32767) for v in found["conv2"].reshape(-1).tolist()]
    assert found["gain"].reshape(-1).tolist() == wanted


def changed(graph: Graph, **edit: Any) -> Graph:
    nodes = list(graph.nodes)
    nodes[1] = dataclasses.replace(nodes[1], **edit)
    return dataclasses.replace(graph, nodes=tuple(nodes))


def test_one_weight_makes_a_difference_in_its_layer_only_and_after() -> None:
    graph = sample_graph(5)
    node = graph.convolutions[1]
    weight = node.weight.copy()
    weight[3, 2, 1, 1] ^= 1
    other = changed(graph, weight=weight, accumulator_bits=30)
    pixels = photos(24, 16)[1]
    found, wanted = golden(None, other, pixels), execute(graph, pixels)  # type: ignore[arg-type]
    assert np.array_equal(found["conv0"], wanted["conv0"])
    assert not np.array_equal(found["conv1"], wanted["conv1"])


def test_a_graph_of_another_checkpoint_shows(tmp_path: Path) -> None:
    spec = sample_spec(tmp_path)
    sample_checkpoint(spec, spec.checkpoint_path, seed=0)
    sample_checkpoint(spec, tmp_path / "other.safetensors", seed=1)
    graph = export(spec, tmp_path / "other.safetensors")
    pixels = photos(32, 24)[0]
    found = golden(spec, graph, pixels, spec.checkpoint_path)
    assert not np.array_equal(found["conv0"], execute(graph, pixels)["conv0"])


def test_inexact_products_are_refused() -> None:
    rng = np.random.default_rng(0)
    node = Conv2d(**(conv_values(rng) | {"slope_bits": 10, "accumulator_bits": 44}))
    with pytest.raises(HwgenError, match="conv0.accumulator_bits: wanted at most 53 with the slope's, got 54"):
        brevitas_layer(node)


@pytest.mark.parametrize(("shape", "kind"), [((16, 24, 3), "f8"), ((16, 24), "u1"), ((15, 24, 3), "u1")])
def test_wrong_pixels_are_refused(shape: tuple[int, ...], kind: str) -> None:
    pixels = np.zeros(shape, kind)
    with pytest.raises(HwgenError, match="(pixels|frame height): wanted "):
        golden(None, sample_graph(), pixels)  # type: ignore[arg-type]
