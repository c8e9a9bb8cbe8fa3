"""Random graphs: valid, repeatable, and rich enough in values, measured with plain fractions on real photos."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.ir_samples import photos
from support.spec_samples import COUNTS, random_layers, spec_of

from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Conv2d
from hwgen.ir.serialize import graph_bytes, load, save, weights_bytes
from hwgen.random_init import coverage, random_graph, synthetic_image


def facts(graph: Graph, images: list[np.ndarray]) -> list[tuple[str, int, int, Counter[str], set[int]]]:
    """For every convolution: name, bits, values, counts of what happened, output values; rules spelled out here."""
    found = []
    runs = [execute(graph, image) for image in images]
    names = ["pixels"] + [node.name for node in graph.nodes]
    for source, node in zip(names, graph.convolutions, strict=False):
        seen: Counter[str] = Counter()
        outputs: set[int] = set()
        low, high = node.output.bounds
        values = 0
        for run in runs:
            acc = node.accumulate(run[source].astype(np.int64))
            values += acc.size
            outputs |= set(np.unique(run[node.name]).tolist())
            seen["zero"] += int((run[node.name] == 0).sum())
            for o in range(node.out_channels):
                for a, times in zip(*np.unique(acc[:, :, o], return_counts=True), strict=True):
                    value = Fraction(int(a)) / Fraction(2) ** int(node.shift[o])
                    if node.slope is not None and a < 0:
                        value *= Fraction(int(node.slope[o]), 2**node.slope_fraction)
                    seen["low"] += int(times) * (round(value) < low)
                    seen["high"] += int(times) * (round(value) > high)
                    seen["tie"] += int(times) * (value.denominator == 2 and low <= value <= high)
        found.append((node.name, node.output.bits, values, seen, outputs))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_every_layer_meets_the_conditions_on_photos(tmp_path: Path, seed: int) -> None:
    layers = random_layers(np.random.default_rng([7, seed]))
    graph = random_graph(spec_of(tmp_path, layers), seed)
    for name, bits, values, seen, outputs in facts(graph, photos(36, 20)):
        assert len(outputs) >= min(16, 2**bits), name
        assert 2 * seen["zero"] <= values, name
        assert seen["high"] and seen["tie"], (name, seen)
        assert seen["low"], (name, seen)  # with ReLU: negative sums


DIRECTED: list[tuple[int, int, str, int, int]] = [
    # kernel, stride, activation, weight bits, activation bits
    (5, 2, "prelu", 8, 8), (3, 1, "relu", 4, 8), (1, 1, "prelu", 2, 6), (3, 2, "relu", 6, 8), (7, 1, "prelu", 8, 4),
    (3, 1, "none", 6, 8),
]  # fmt: skip


@pytest.mark.parametrize("size", [(36, 20), (68, 44)])
def test_every_layer_meets_the_conditions_on_every_single_photo(tmp_path: Path, size: tuple[int, int]) -> None:
    keys = ("kernel", "stride", "activation", "weight_bits", "activation_bits")
    layers = [dict(zip(keys, row, strict=True), channels=c) for row, c in zip(DIRECTED, COUNTS, strict=True)]
    spec = spec_of(tmp_path, layers, *size)
    for seed in range(3):
        graph = random_graph(spec, seed)
        for image in photos(*size):
            run = execute(graph, image)
            x = run["pixels"].astype(np.int64)
            for node in graph.nodes:
                assert coverage(node, x).missing == 0, (seed, node.name)
                x = run[node.name].astype(np.int64)


def test_sweep_misses_next_to_nothing_frame_by_frame(tmp_path: Path) -> None:
    """Each photo by itself at the smallest frame: 45 latent positions, so a rare miss is chance."""
    checked = missed = 0
    for seed in range(24):
        graph = random_graph(spec_of(tmp_path, random_layers(np.random.default_rng([8, seed]))), seed)
        for image in photos(36, 20):
            run = execute(graph, image)
            x = run["pixels"]
            for node in graph.nodes:
                checked += 1
                missed += coverage(node, x.astype(np.int64)).missing > 0
                x = run[node.name]
    assert checked > 200
    assert missed <= 0.05 * checked


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("activation", ["none", "relu", "prelu"])
def test_gain_saturates_ties_and_keeps_values_apart(tmp_path: Path, bits: int, activation: str) -> None:
    layer: dict[str, object] = {"kernel": 3, "channels": 8, "activation": activation, "activation_bits": bits}
    graph = random_graph(spec_of(tmp_path, [layer | {"stride": 2}]), bits)
    gain = graph.nodes[-1]
    runs = [execute(graph, image) for image in photos(36, 20)]
    x = np.concatenate([run["conv0"].reshape(-1).astype(np.int64) for run in runs])
    out = np.concatenate([run["gain"].reshape(-1) for run in runs])
    exact = [Fraction(int(v) * gain.factor) / Fraction(2) ** gain.shift for v in x]  # type: ignore[union-attr]
    assert any(v.denominator == 2 for v in exact)
    assert max(exact) > 32767 or min(exact) < -32768
    assert len(set(out.tolist())) >= min(16, 2**bits)


def test_shifts_vary_and_become_negative_and_slopes_too(tmp_path: Path) -> None:
    layers: list[dict[str, object]] = [
        {"kernel": 5, "channels": 16},
        {"kernel": 1, "channels": 16, "weight_bits": 2, "activation_bits": 2},
        {"kernel": 1, "channels": 16, "weight_bits": 2, "activation_bits": 8},
    ]
    graph = random_graph(spec_of(tmp_path, layers), 0)
    first, _, last = graph.convolutions
    assert len(set(first.shift.tolist())) > 1
    assert int(last.shift.min()) < 0
    for node in graph.convolutions:
        assert node.slope is not None
        assert node.slope.min() < 0 < node.slope.max()
        assert np.abs(node.bias).max() > 0
        assert node.weight.reshape(node.out_channels, -1).any(axis=1).all()


@pytest.mark.parametrize("weight_bits", range(2, 9))
def test_weights_use_their_narrow_range(tmp_path: Path, weight_bits: int) -> None:
    graph = random_graph(spec_of(tmp_path, [{"kernel": 5, "channels": 13, "weight_bits": weight_bits}]), 5)
    weight = graph.convolutions[0].weight
    assert (weight.min(), weight.max()) == (1 - 2 ** (weight_bits - 1), 2 ** (weight_bits - 1) - 1)


def test_same_seed_same_bytes_and_other_seed_others(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, random_layers(np.random.default_rng(3)))
    first, again, other = (weights_bytes(random_graph(spec, seed)) for seed in (1, 1, 2))
    assert first == again != other
    graph = random_graph(spec, 1)
    save(graph, tmp_path)
    loaded = load(tmp_path)
    assert graph_bytes(loaded, weights_bytes(loaded)) == graph_bytes(graph, first)


def test_a_single_narrow_channel_still_gives_a_graph(tmp_path: Path) -> None:
    """Four outputs at most: no draw can meet the conditions, and that must not fail or hang."""
    layer: dict[str, object] = {"kernel": 1, "channels": 1, "weight_bits": 2, "activation_bits": 2}
    graph = random_graph(spec_of(tmp_path, [dict(layer) for _ in range(3)]), 0)
    assert [node.out_channels for node in graph.nodes] == [1, 1, 1, 1]


def test_frame_and_terms(tmp_path: Path) -> None:
    graph = random_graph(spec_of(tmp_path, [{"kernel": 3, "channels": 4, "stride": 2}], 68, 44), 9)
    assert graph.frame == (68, 44)
    assert graph.terms == {"license": "none: not trained on any data", "source": "random integers, seed 9"}
    assert isinstance(graph.nodes[0], Conv2d)


def test_synthetic_images_have_the_asked_size_and_vary() -> None:
    image = synthetic_image(np.random.default_rng(0), 20, 36, 0, 255)
    assert image.shape == (20, 36, 3)
    assert image.dtype == np.uint8
    assert np.unique(image).size > 64
