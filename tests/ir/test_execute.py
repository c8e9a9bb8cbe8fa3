"""The interpreter against naive loops over plain Python integers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from support.graphs import random_dag
from support.ir_samples import conv_values, sample_graph
from support.naive import naive_conv, naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.execute import execute
from hwgen.ir.nodes import Conv2d, Gain, correlate
from hwgen.ir.types import IntType


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("activation", ["none", "relu", "prelu"])
def test_convolution_equals_naive_loops(kernel: int, stride: int, activation: str) -> None:
    rng = np.random.default_rng([kernel, stride, len(activation)])
    bits, weight_bits = (int(v) for v in rng.integers(2, 9, 2))
    input = IntType(int(rng.integers(2, 9)), bool(rng.integers(2)))
    v = conv_values(rng, "c", (3, 5), kernel, stride, activation, input, -3, weight_bits, bits, (-2, 9))
    x = rng.integers(input.bounds[0], input.bounds[1] + 1, (7, 6, 3))
    assert Conv2d(**v).execute(x).tolist() == naive_conv(v, x.tolist())


def test_execute_chains_nodes_and_packs() -> None:
    graph = sample_graph(3)
    pixels = np.random.default_rng(3).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    found = execute(graph, pixels)
    assert list(found) == ["pixels", "conv0", "conv1", "conv2", "gain", "symbols"]
    x = pixels.tolist()
    for node in graph.convolutions:
        x = naive_conv({f.name: getattr(node, f.name) for f in dataclasses.fields(node)}, x)
        assert found[node.name].tolist() == x
        assert found[node.name].dtype == np.int64
    gain = graph.nodes[-1]
    assert isinstance(gain, Gain)
    flat = [naive_requantise(v * gain.factor, gain.shift, -32768, 32767) for row in x for p in row for v in p] + [0]
    wanted = [(flat[i] & 0xFFFF) | (flat[i + 1] & 0xFFFF) << 16 for i in range(0, len(flat) - 1, 2)]
    assert found["symbols"].tolist() == wanted
    assert len(wanted) == 23  # 45 values
    assert {name: a.shape for name, a in found.items() if name != "symbols"} == graph.shapes(20, 12)


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = sample_graph(5)
    pixels = np.random.default_rng(5).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    whole = execute(graph, pixels)
    monkeypatch.setattr(correlate, "CHUNK_VALUES", 1)
    for name, array in execute(graph, pixels).items():
        assert np.array_equal(array, whole[name])


def test_widest_accumulators_stay_exact() -> None:
    rng = np.random.default_rng(6)
    v = conv_values(rng, "c", (64, 2), 7, 1, "none", IntType(8, False), shifts=(0, 0))
    v["weight"] = np.full((2, 64, 7, 7), 127)
    v["weight"][1] = -127
    v["bias"] = np.array([2**31 - 1, -(2**31)])
    v["accumulator_bits"] = 34
    node = Conv2d(**v)
    acc = node.accumulate(np.full((7, 7, 64), 255))
    assert acc[3, 3].tolist() == [64 * 49 * 127 * 255 + 2**31 - 1, -64 * 49 * 127 * 255 - 2**31]


@pytest.mark.parametrize("pixels", [np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8)])
def test_wrong_pixels_are_refused(pixels: Any) -> None:
    with pytest.raises(HwgenError, match=r"pixels: wanted uint8 \(H, W, 3\), got"):
        execute(sample_graph(), pixels)


@pytest.mark.parametrize("words", [np.zeros(7, np.uint32), np.zeros(64, np.int64), np.zeros((8, 8), np.uint32)])
def test_wrong_symbols_are_refused(words: Any) -> None:
    graph = random_dag(np.random.default_rng(1), "rx", 2)
    wanted = graph.symbols(*graph.frame)
    with pytest.raises(HwgenError, match=rf"symbols: wanted uint32 \({wanted},\), got"):
        execute(graph, words)


def test_frames_the_strides_do_not_divide_are_refused() -> None:
    with pytest.raises(HwgenError, match="frame width: wanted a multiple of 4, got 10"):
        execute(sample_graph(), np.zeros((8, 10, 3), np.uint8))
