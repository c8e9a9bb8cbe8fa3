"""Graphs with branches: structure, sizes, execution in topological order, and every refusal."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from support import graphs
from support.graphs import Builder, random_dag
from support.naive import naive_conv, naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, SYMBOLS, Edge
from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Add, AveragePool, Conv2d, DepthToSpace, Gain, MaxPool, SpaceToDepth
from hwgen.ir.types import IntType
from hwgen.numerics.words import pack_symbols, unpack_symbols

KIND = IntType(6, True)


def residual(seed: int = 0, **changes: Any) -> Graph:
    """pixels -> a -> b -> sum(b, a) -> gain."""
    b = Builder(np.random.default_rng(seed), "tx", 1, (8, 12))
    first = b.conv("pixels", 2, type=KIND, activation="none", name="a")
    second = b.conv(first, 2, type=KIND, activation="none", name="b")
    b.add(Add("sum", 2, KIND, KIND, -4, 1, "none", KIND, -3), second, first)
    b.add(Gain("gain", 2, 40000, 16, 6, KIND))
    return dataclasses.replace(b.graph(), **changes)


def test_structure() -> None:
    graph = residual()
    assert graph.inputs == {"a": ("pixels",), "b": ("a",), "sum": ("b", "a"), "gain": ("sum",)}
    assert (graph.source, graph.sink) == ("pixels", "gain")
    assert [graph.consumers(name) for name in ("pixels", "a", "b", "sum", "gain")] == [
        ("a",), ("b", "sum"), ("sum",), ("gain",), (),
    ]  # fmt: skip
    assert graph.edges["pixels"] == Edge(1, PIXEL, PIXEL_EXPONENT)
    assert graph.edges["sum"] == Edge(2, KIND, -3)
    assert [node.name for node in graph.convolutions] == ["a", "b"]
    assert graph.frame_multiple == 1
    assert graph.shapes(12, 8)["sum"] == (8, 12, 2)
    assert graph.macs(12, 8) == {"a": 96 * 9 * 2, "b": 96 * 9 * 4, "sum": 0, "gain": 0}


def test_an_edge_taken_twice_is_there_twice() -> None:
    graph = residual(inputs={"sum": ("b", "b"), "b": ("a",)})
    assert graph.consumers("b") == ("sum", "sum")
    assert graph.consumers("a") == ("b",)


def test_the_port_of_a_receiver_gives_symbols() -> None:
    graph = random_dag(np.random.default_rng(1), "rx")
    assert graph.source == "symbols"
    assert graph.edges["symbols"] == SYMBOLS


def test_execution_equals_naive_loops() -> None:
    graph = residual(3)
    pixels = np.random.default_rng(3).integers(0, 256, (8, 12, 1), dtype=np.uint8)
    found = execute(graph, pixels)
    assert list(found) == ["pixels", "a", "b", "sum", "gain", "symbols"]
    a, b = (vars(node) for node in graph.convolutions)
    first = naive_conv(a, pixels.tolist())
    second = naive_conv(b, first)
    sums = [
        [[naive_requantise(x + y, 1, -32, 31) for x, y in zip(*pair, strict=True)] for pair in zip(*rows, strict=True)]
        for rows in zip(second, first, strict=True)
    ]
    gains = [naive_requantise(40000 * x, 6, -32768, 32767) for row in sums for pixel in row for x in pixel]
    for name, wanted in (("a", first), ("b", second), ("sum", sums)):
        assert found[name].tolist() == wanted
    assert unpack_symbols(found["symbols"].astype(np.uint32)).reshape(-1).tolist() == gains


@pytest.mark.parametrize("side", ["tx", "rx"])
@pytest.mark.parametrize("seed", range(20))
def test_random_graphs(side: str, seed: int) -> None:
    """Every output has its edge's type and its shape, and is what its node gives for its sources."""
    rng = np.random.default_rng(seed)
    graph = random_dag(rng, side, 5)
    width, height = graph.frame
    if side == "tx":
        frame: Any = rng.integers(0, 256, (height, width, graph.input_channels), dtype=np.uint8)
    else:
        frame = rng.integers(0, 1 << 32, graph.symbols(width, height), dtype=np.uint32)
    found = execute(graph, frame)
    shapes = graph.shapes(width, height)
    values = {name: array.astype(np.int64) for name, array in found.items()}
    if side == "rx":
        assert found["pixels"].dtype == np.uint8
        rows, columns, channels = shapes["symbols"]
        values["symbols"] = unpack_symbols(frame).reshape(-1)[: rows * columns * channels].reshape(shapes["symbols"])
    else:
        assert np.array_equal(found["symbols"], pack_symbols(values[graph.sink]))
    for node in graph.nodes:
        out = values[node.name]
        assert out.shape == shapes[node.name]
        low, high = graph.edges[node.name].type.bounds
        assert low <= out.min()
        assert out.max() <= high
        assert np.array_equal(out, node.execute(*(values[name] for name in graph.inputs[node.name])))


def test_random_graphs_are_of_all_sorts() -> None:
    drawn = [random_dag(np.random.default_rng(seed), side) for seed in range(40) for side in ("tx", "rx")]
    assert any(len(graph.consumers(name)) > 2 for graph in drawn for name in graph.inputs)
    assert {graph.input_channels for graph in drawn if graph.side == "tx"} == {1, 3}
    nodes = [node for graph in drawn for node in graph.convolutions]
    assert {node.activation for node in nodes} == {"none", "relu", "prelu", "clip"}
    assert any(node.groups == node.in_channels > 1 for node in nodes)
    assert any(node.codebook is not None for node in nodes)
    assert any(node.dilation > 1 for node in nodes)
    assert any(node.kernel_height != node.kernel_width for node in nodes)
    assert max(node.kernel for node in nodes) == 9
    assert any(isinstance(node, Conv2d) and node.patches for node in nodes)
    assert any(isinstance(node, MaxPool | AveragePool) and not node.blocks for graph in drawn for node in graph.nodes)
    assert len(graphs.BLOCKS) == 16


def scaled(*steps: Any, side: str = "tx") -> Graph:
    """A graph whose frames shrink or grow by those steps: a positive factor shrinks, a negative one grows."""
    size = (48, 96) if side == "tx" else (2, 4)
    b = Builder(np.random.default_rng(0), side, 2 if side == "rx" else 1, size)
    for factor in steps:
        last = b.conv(b.last, factor**2 if factor < 0 else 1, type=KIND, activation="none", kernel_size=(1, 1))
        if factor < 0:
            b.add(DepthToSpace(b.name("up"), factor**2, KIND, -4, -factor), last)
        else:
            b.add(MaxPool(b.name("down"), 1, KIND, -4, factor), last)
    if side == "rx":
        b.conv(b.last, 1, type=PIXEL, exponent=PIXEL_EXPONENT, activation="relu")
    else:
        b.conv(b.last, 1, type=KIND, activation="none", kernel_size=(1, 1))
        b.add(Gain("gain", 1, 9, 16, 3, KIND))
    return b.graph()


@pytest.mark.parametrize(
    ("side", "steps", "multiple"),
    [
        ("tx", (), 1),
        ("tx", (2, 3), 6),
        ("tx", (2, -2), 2),
        ("tx", (2, -2, 2), 2),
        ("tx", (-2, 2), 1),
        ("tx", (-2, 4), 2),
        ("rx", (-2,), 2),
        ("rx", (-2, -3), 6),
        ("rx", (2, -2, -2), 4),
        ("rx", (2, -2), 2),
        ("rx", (-2, 2), 1),
    ],
)
def test_frame_multiple(side: str, steps: tuple[int, ...], multiple: int) -> None:
    """The smallest one: its frames are accepted, and of the sizes up to two of it no others."""
    graph = scaled(*steps, side=side)
    assert graph.frame_multiple == multiple
    for size in range(1, 2 * multiple + 1):
        if size % multiple == 0:
            assert graph.shapes(size, multiple)["gain" if side == "tx" else graph.sink][:2] != (0, 0)
        else:
            with pytest.raises(HwgenError, match=f"frame width: wanted a multiple of {multiple}, got {size}"):
                graph.shapes(size, multiple)


def test_frame_multiple_is_the_branches_common_one() -> None:
    b = Builder(np.random.default_rng(0), "tx", 1, (12, 24))
    first = b.conv("pixels", 1, type=KIND, activation="none")
    four = b.conv(first, 36, type=KIND, activation="none", stride=2)
    two = b.add(DepthToSpace("up2", 36, KIND, -4, 2), four)
    nine = b.add(MaxPool("down3", 1, KIND, -4, 3), first)
    wide = b.conv(nine, 81, type=KIND, activation="none")
    three = b.add(DepthToSpace("up3", 81, KIND, -4, 3), wide)
    b.add(Add("sum", 9, KIND, KIND, -4, 0, "none", KIND, -4), two, three)
    b.add(Gain("gain", 9, 9, 16, 3, KIND))
    graph = b.graph()
    assert graph.frame_multiple == 6
    assert graph.shapes(6, 12)["sum"] == (12, 6, 9)


def test_sizes_that_paddings_leave_are_refused_where_they_do_not_divide() -> None:
    b = Builder(np.random.default_rng(0), "tx", 1, (9, 17))
    bare = {"padding_height": 0, "padding_width": 0}
    b.conv("pixels", 1, type=KIND, activation="none", kernel_size=(2, 2), name="bare", **bare)
    b.add(SpaceToDepth("blocks", 1, KIND, -4, 2))
    b.conv(b.last, 1, type=KIND, activation="none")
    b.add(Gain("gain", 1, 9, 16, 3, KIND))
    with pytest.raises(HwgenError, match="frame height: wanted a multiple of 2, got 9"):
        b.graph().shapes(16, 9)
    with pytest.raises(HwgenError, match="blocks.factor: wanted sizes that are multiples of 2, got 15x7"):
        b.graph().shapes(16, 8)


def test_a_receiver_that_does_not_lead_back_is_refused() -> None:
    b = Builder(np.random.default_rng(0), "rx", 2, (4, 8))
    bare = {"padding_height": 0, "padding_width": 0}
    b.conv(b.last, 1, type=PIXEL, exponent=PIXEL_EXPONENT, activation="relu", **bare)
    with pytest.raises(HwgenError, match="nodes: wanted layers that lead to 8x4 pixels, got 6x2"):
        b.graph().shapes(8, 4)


def test_refusals() -> None:
    graph = residual()
    wide = IntType(7, True)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"inputs": {"c": ("a",)}}, "inputs: wanted names of nodes, got c"),
        ({"inputs": {"a": ("b",)}}, "a.inputs: wanted nodes before it, got b"),
        ({"inputs": {"a": ("a",)}}, "a.inputs: wanted nodes before it, got a"),
        ({"inputs": {"sum": ("b", "symbols")}}, "sum.inputs: wanted nodes before it, got symbols"),
        ({"inputs": {"sum": "b"}}, "sum.inputs: wanted names, got 'b'"),
        ({"inputs": {"sum": ("b", 1)}}, "sum.inputs: wanted names, got ('b', 1)"),
        ({"inputs": {}}, "sum.inputs: wanted 2, got 1"),
        ({"inputs": {"sum": ()}}, "sum.inputs: wanted names, got ()"),
        ({"inputs": {"b": ("pixels",), "sum": ("a", "b")}}, "b.in_channels: wanted 1, got 2"),
        ({"input_channels": 2}, "input_channels: wanted 1 or 3, got 2"),
        ({"nodes": (*graph.nodes[:2], dataclasses.replace(graph.nodes[2], other=wide), graph.nodes[3])},
         "sum.other: wanted 6 bits, signed, got 7 bits, signed"),
        ({"nodes": (dataclasses.replace(graph.nodes[0], name="input"), *graph.nodes[1:]), "inputs": {}},
         "nodes: wanted names other than pixels, symbols, input, output, got input"),
    ]  # fmt: skip
    for changes, message in cases:
        with pytest.raises(HwgenError) as error:
            dataclasses.replace(graph, **changes)
        assert message in str(error.value)


def test_branches_of_different_sizes_are_refused() -> None:
    b = Builder(np.random.default_rng(0), "tx", 1, (8, 8))
    first = b.conv("pixels", 1, type=KIND, activation="none", name="a")
    second = b.add(MaxPool("half", 1, KIND, -4, 2), first)
    b.nodes.append(Add("sum", 1, KIND, KIND, -4, 0, "none", KIND, -4))
    b.inputs["sum"] = first, second
    b.nodes.append(Gain("gain", 1, 9, 16, 3, KIND))
    b.last = "half"
    with pytest.raises(HwgenError, match="sum.inputs: wanted sources of one size, got 1/2 and 1"):
        b.graph()
