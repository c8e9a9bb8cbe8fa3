"""Random integer graphs with branches, for tests of everything behind the specification.

Every layer's shifts are chosen on a sample frame, so that its outputs vary and some of them saturate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, SYMBOL, SYMBOL_EXPONENT, Edge
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import (
    Add,
    AveragePool,
    ComplexConv2d,
    Concat,
    Conv2d,
    Convolution,
    ConvTranspose2d,
    DepthToSpace,
    Gain,
    MaxPool,
    Power,
    Receive,
    SpaceToDepth,
    Table,
)
from hwgen.ir.nodes.complex_conv2d import complex_weight
from hwgen.ir.nodes.convolution import accumulator_bits
from hwgen.ir.nodes.pooling import averaging
from hwgen.ir.types import SHIFTS, IntType
from hwgen.numerics.integer import IntArray

EXPONENT = -4
"""Exponent of most layers' outputs."""


class Builder:
    """A graph under construction: nodes, their edges, and a sample frame's values on each of these."""

    def __init__(self, rng: np.random.Generator, side: str, channels: int, size: tuple[int, int]) -> None:
        """size : (rows, columns) of the port's frames; a receiver begins with its `Receive`."""
        self.rng, self.side, self.channels = rng, side, channels
        self.nodes: list[Node] = []
        self.inputs: dict[str, tuple[str, ...]] = {}
        if side == "tx":
            self.last = "pixels"
            self.edges = {self.last: Edge(channels, PIXEL, PIXEL_EXPONENT)}
            self.samples: dict[str, IntArray] = {self.last: rng.integers(0, 256, (*size, channels))}
        else:
            self.last = "symbols"
            self.edges = {self.last: Edge(channels, SYMBOL, SYMBOL_EXPONENT)}
            noise = np.rint(rng.normal(0, 3000, (*size, channels))).astype(np.int64)
            self.samples = {self.last: np.clip(noise, -32768, 32767)}
            self.add(Receive("received", channels, 6, IntType(8, True), -6))

    def add(self, node: Node, *sources: str) -> str:
        """Append a node behind `sources`, by default the last one; its name."""
        sources = sources or (self.last,)
        self.nodes.append(node)
        self.inputs[node.name] = sources
        self.edges[node.name] = node.infer(*(self.edges[source] for source in sources))
        self.samples[node.name] = node.execute(*(self.samples[source] for source in sources))
        self.last = node.name
        return node.name

    def name(self, kind: str) -> str:
        """A new node's name."""
        return f"{kind}{len(self.nodes)}"

    def size(self, name: str) -> tuple[int, int]:
        """(rows, columns) of the sample on an edge."""
        rows, columns, _ = self.samples[name].shape
        return rows, columns

    def conv(self, source: str, channels: int, kind: type[Convolution] = Conv2d, **changes: Any) -> str:
        """Append a convolution of `source`.

        changes : of any field; `kernel_size` (rows, columns), `type` and `exponent` of the output, `index_bits` of a
        codebook
        """
        rng, edge = self.rng, self.edges[source]
        activation = changes.pop("activation", rng.choice(["none", "relu", "prelu", "clip"]))
        output = changes.pop("type", IntType(int(rng.integers(3, 9)), activation not in ("relu", "clip")))
        if output.signed != (activation not in ("relu", "clip")):
            activation = "none" if output.signed else "relu"
        rows, columns = changes.pop("kernel_size", (3, 3))
        exponent, groups = changes.pop("exponent", EXPONENT), changes.get("groups", 1)
        dilation, weight_bits = changes.get("dilation", 1), int(rng.integers(2, 9))
        largest = 2 ** (weight_bits - 1) - 1
        shape = channels, edge.channels // groups, rows, columns
        if kind is ComplexConv2d:
            half = channels // 2, edge.channels // 2, rows, columns
            weight = complex_weight(*(rng.integers(-largest, largest + 1, half) for _ in range(2)))
        else:
            weight = rng.integers(-largest, largest + 1, shape)
            weight[~weight.any(axis=(1, 2, 3)), 0, 0, 0] = 1
        codebook = None
        if index_bits := min(changes.pop("index_bits", 0), weight_bits - 1):
            codebook = np.sort(rng.choice(np.arange(-largest, largest + 1), 1 << index_bits, replace=False))
            weight = codebook[rng.integers(0, len(codebook), shape)]
        own = {} if kind is ConvTranspose2d else dict(
            kernel_height=rows, kernel_width=columns,
            padding_height=dilation * (rows // 2), padding_width=dilation * (columns // 2),
        )  # fmt: skip
        changes = own | changes
        changes.setdefault("padding", max(changes.get("padding_height", 0), changes.get("padding_width", 0)))
        prelu = activation == "prelu"
        zeros = np.zeros(channels, dtype=np.int64)
        values: dict[str, Any] = dict(
            name=self.name("conv"), in_channels=edge.channels, out_channels=channels, kernel=max(rows, columns),
            stride=1, weight=weight, weight_bits=weight_bits, bias=zeros, activation=activation,
            slope=rng.integers(-128, 128, channels) if prelu else None, slope_bits=8 if prelu else 0,
            slope_fraction=6 if prelu else 0, shift=zeros, input=edge.type, output=output,
            input_exponent=edge.exponent, weight_exponent=exponent - edge.exponent + zeros,
            output_exponent=exponent, accumulator_bits=48 - 8,
            codebook=codebook, ceiling=int(rng.integers(1, output.bounds[1] + 1)) if activation == "clip" else 0,
        ) | changes  # fmt: skip
        sums = kind(**values).accumulate(self.samples[source])
        spread = sums.std(axis=(0, 1)) + 1
        bias = np.rint(rng.normal(0, 0.3, channels) * spread).astype(np.int64)
        room = 0.5 * 2 ** (output.bits - output.signed)
        shift = np.clip(np.rint(np.log2(spread / room)).astype(np.int64), *SHIFTS)
        if kind is ComplexConv2d:
            shift[1::2] = shift[0::2]
        exponents = exponent - edge.exponent - shift
        bits = max(2, accumulator_bits(weight, bias, edge.type))
        return self.add(
            kind(**values | dict(bias=bias, shift=shift, weight_exponent=exponents, accumulator_bits=bits)), source
        )

    def up(self, source: str) -> str:
        """Append what doubles the frame's sides."""
        if self.rng.integers(2):
            return self.conv(source, 3, ConvTranspose2d, kernel_size=(4, 4), stride=2, padding=1)
        wide = self.conv(source, 8)
        edge = self.edges[wide]
        return self.add(DepthToSpace(self.name("shuffle"), 8, edge.type, exponent_of(edge), 2), wide)

    def down(self, source: str) -> str:
        """Append what halves the frame's sides."""
        edge, rng = self.edges[source], self.rng
        same = edge.channels, edge.type, exponent_of(edge)
        match int(rng.integers(5)):
            case 0:
                return self.add(MaxPool(self.name("pool"), *same, 2), source)
            case 1:
                output = IntType(int(rng.integers(2, 9)), edge.type.signed)
                return self.add(
                    AveragePool(self.name("average"), edge.channels, 2, edge.type, same[2], 2, output, same[2]), source
                )
            case 2 if edge.channels <= 6:
                return self.add(SpaceToDepth(self.name("unshuffle"), *same, 2), source)
            case 3:
                return self.conv(source, 4, kernel_size=(2, 2), stride=2, padding=0, padding_height=0, padding_width=0)
        return self.conv(source, 4, stride=2)

    def graph(self, model: str = "random") -> Graph:
        """The finished graph, for frames of the sample's size."""
        rows, columns = self.size("pixels" if self.side == "tx" else self.last)
        port = self.edges["pixels" if self.side == "tx" else "symbols"]
        return Graph(
            model, (columns, rows), tuple(self.nodes), self.side, port.channels, port.type, exponent_of(port),
            {"license": "none", "source": "random integers"}, self.inputs,
        )  # fmt: skip


def exponent_of(edge: Edge) -> int:
    """An edge's exponent, which a builder always knows."""
    assert edge.exponent is not None
    return edge.exponent


def layer(b: Builder) -> None:
    """A convolution: its kernel's sides apart, perhaps dilated."""
    dilation = int(b.rng.integers(1, 3))
    sides = tuple(int(side) for side in b.rng.choice([1, 2, 3, 5], 2))
    b.conv(b.last, int(b.rng.integers(2, 6)), kernel_size=(sides[0] | 1, sides[1] | 1), dilation=dilation)


def wide_kernel(b: Builder) -> None:
    """A convolution of 9x9 or 7x9."""
    b.conv(b.last, 2, kernel_size=(int(b.rng.choice([7, 9])), 9))


def depthwise(b: Builder) -> None:
    """A depthwise convolution and a pointwise one behind it."""
    channels = b.edges[b.last].channels
    b.conv(b.last, channels, groups=channels)
    b.conv(b.last, int(b.rng.integers(2, 6)), kernel_size=(1, 1))


def depthwise_of_any_kernel(b: Builder) -> None:
    """A depthwise convolution, perhaps dilated or of stride 2, and a pointwise one behind it."""
    channels, rng = b.edges[b.last].channels, b.rng
    kernel = (int(rng.choice([2, 3, 5])), int(rng.choice([1, 3, 4])))
    b.conv(b.last, channels, groups=channels, kernel_size=kernel, dilation=int(rng.integers(1, 3)),
           stride=int(rng.choice([1, 1, 2])))  # fmt: skip
    b.conv(b.last, int(rng.integers(2, 6)), kernel_size=(1, 1))


def codebook(b: Builder) -> None:
    """A convolution whose weights are a few integers."""
    b.conv(b.last, int(b.rng.integers(2, 6)), index_bits=int(b.rng.integers(1, 5)))


def grouped(b: Builder) -> None:
    """A convolution of two groups."""
    b.conv(b.last, 4)
    b.conv(b.last, 6, groups=2)


def residual(b: Builder) -> None:
    """One or two convolutions and the sum of their output and their input."""
    source = b.last if b.last not in ("pixels",) else b.conv(b.last, 4)
    edge = b.edges[source]
    if b.rng.integers(2):
        b.conv(source, 3)
    inner = b.conv(b.last, edge.channels, exponent=exponent_of(edge))
    add_of(b, inner, source)


def projection(b: Builder) -> None:
    """The sum of two branches with convolutions on both, of different depth."""
    source, channels = b.last, int(b.rng.integers(2, 6))
    short = b.conv(source, channels, kernel_size=(1, 1))
    b.conv(source, 3)
    add_of(b, short, b.conv(b.last, channels))


def add_of(b: Builder, first: str, second: str) -> str:
    """Append the sum of two edges."""
    one, other, shift = b.edges[first], b.edges[second], int(b.rng.integers(2))
    relu = bool(b.rng.integers(2))
    output = IntType(int(b.rng.integers(4, 9)), not relu)
    exponent = exponent_of(one)
    return b.add(
        Add(b.name("add"), one.channels, one.type, other.type, exponent, shift, "relu" if relu else "none", output,
            exponent + shift),
        first, second,
    )  # fmt: skip


def twice(b: Builder) -> None:
    """The sum of an edge and itself."""
    source = b.conv(b.last, 3)
    add_of(b, source, source)


def u_shape(b: Builder) -> None:
    """Down, a layer, up again, beside what goes straight on: the channels of both."""
    source = b.conv(b.last, 3)
    if any(side % 2 for side in b.size(source)):
        return
    edge = b.edges[source]
    b.conv(b.down(source), 4)
    inner = b.conv(b.up(b.last), int(b.rng.integers(1, 5)), type=edge.type, exponent=exponent_of(edge))
    sources = (source, inner) if b.rng.integers(2) else (inner, source)
    concat_of(b, *sources)


def branches(b: Builder) -> None:
    """Three or four branches side by side."""
    source, kind = b.last, IntType(int(b.rng.integers(3, 9)), bool(b.rng.integers(2)))
    sides = [1, 3, 5, 3][: int(b.rng.integers(3, 5))]
    concat_of(b, *(b.conv(source, 2, kernel_size=(side, side), type=kind) for side in sides))


def concat_of(b: Builder, *sources: str) -> str:
    """Append the channels of all edges."""
    edges = [b.edges[source] for source in sources]
    node = Concat(b.name("concat"), tuple(e.channels for e in edges), edges[0].type, exponent_of(edges[0]))
    return b.add(node, *sources)


def table(b: Builder) -> None:
    """A layer without activation and a random table of its outputs."""
    source = b.conv(b.last, 3, activation="none", type=IntType(int(b.rng.integers(4, 13)), True))
    edge, output = b.edges[source], IntType(int(b.rng.integers(2, 9)), bool(b.rng.integers(2)))
    values = b.rng.integers(output.bounds[0], output.bounds[1] + 1, 1 << edge.type.bits)
    b.add(Table(b.name("table"), edge.channels, values, edge.type, exponent_of(edge), output, EXPONENT), source)


def complex_layer(b: Builder) -> None:
    """A complex convolution."""
    b.conv(b.last, 4)
    b.conv(b.last, 4, ComplexConv2d, type=IntType(8, True))


def down(b: Builder) -> None:
    """Half of a transmitter's frame, for good."""
    if b.side == "tx" and not any(side % 4 for side in b.size(b.last)):
        b.down(b.last)


def patches(b: Builder) -> None:
    """A quarter of a transmitter's frame, by a convolution whose kernel is its stride."""
    if b.side == "tx" and not any(side % 8 for side in b.size(b.last)):
        b.conv(b.last, 5, kernel_size=(4, 4), stride=4, padding_height=0, padding_width=0)


def windows(b: Builder) -> None:
    """Pooling of windows that overlap, 1 apart or, of a transmitter, 2."""
    rng, edge = b.rng, b.edges[b.last]
    halves = b.side == "tx" and not any(side % 4 for side in b.size(b.last))
    kernel, stride = int(rng.choice([3, 5])), 1 + int(halves and rng.integers(2))
    size, exponent = (stride, kernel // 2), exponent_of(edge)
    if rng.integers(2):
        b.add(MaxPool(b.name("pool"), edge.channels, edge.type, exponent, kernel, *size))
        return
    name, finer, output = b.name("average"), int(rng.integers(2)), IntType(int(rng.integers(2, 9)), edge.type.signed)
    multiplier, shift = averaging(name, kernel, edge.type, finer)
    b.add(AveragePool(name, edge.channels, kernel, edge.type, exponent, shift, output, exponent - finer, *size,
                      multiplier))  # fmt: skip


def up(b: Builder) -> None:
    """Twice a receiver's frame, for good."""
    if b.side == "rx" and max(b.size(b.last)) < 24:
        b.up(b.last)


BLOCKS: tuple[Callable[[Builder], None], ...] = (
    layer, wide_kernel, depthwise, codebook, grouped, residual, projection, twice, u_shape, branches, table,
    complex_layer, down, patches, windows, up,
)  # fmt: skip


def random_dag(
    rng: np.random.Generator,
    side: str = "tx",
    blocks: int = 4,
    kinds: Sequence[Callable[[Builder], None]] = BLOCKS,
    size: tuple[int, int] | None = None,
) -> Graph:
    """A valid graph of some of this module's blocks in a row, with the ends of its side.

    Parameters
    ----------
    blocks
        How many.
    kinds
        To draw from.
    size
        (rows, columns) of the port's frames: of the image (tx, 16x24 by default) or of the latent (rx, 4x8).
    """
    channels = int(rng.choice([1, 3])) if side == "tx" else int(rng.integers(2, 6))
    b = Builder(rng, side, channels, size or ((16, 24) if side == "tx" else (4, 8)))
    for _ in range(blocks):
        kinds[int(rng.integers(len(kinds)))](b)
    if side == "rx":
        b.conv(b.last, int(rng.choice([1, 3])), type=PIXEL, exponent=PIXEL_EXPONENT, activation="relu")
        return b.graph()
    size_left = min(b.size(b.last))
    bare = {"padding_height": 0, "padding_width": 0} if size_left > 3 and rng.integers(2) else {}
    kind = IntType(int(rng.integers(4, 9)), True)
    latent = b.conv(b.last, int(rng.integers(1, 5)), activation="none", type=kind, **bare)
    edge = b.edges[latent]
    if rng.integers(2):
        b.add(Power("power", edge.channels, 1 << 16, edge.type))
    else:
        # Values of about half of their range become about 1.5, 3 or 6: symbols' parts end at 8.
        shift = max(0, math.ceil(math.log2(40000 / (4096 * 6 / 2**edge.type.bits)))) - int(rng.integers(3))
        b.add(Gain("gain", edge.channels, 40000 + int(rng.integers(1000)), 16, shift, edge.type))
    return b.graph()
