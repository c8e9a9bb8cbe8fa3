"""One side's layers as a graph: their names, sources, channels and sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import singledispatch
from typing import Literal

from hwgen.limits import MOST_CHANNELS
from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.layers import TABLES, DecoderLayer, Entry, Layer
from hwgen.yamlmarks import wrong

Side = Literal["encoder", "decoder"]
PORTS: dict[Side, str] = {"encoder": "pixels", "decoder": "symbols"}
RESERVED = (
    "pixels", "symbols", "input", "output", "gain", "power", "received", "precoder", "equaliser", "sigmoid",
)  # fmt: skip
"""Names of what stands beside the layers."""
SUFFIXES = ("fork", "patches", *TABLES)
"""NAME_SUFFIX is what a graph or a design puts in beside the layer NAME."""


@dataclass(frozen=True)
class Stream:
    """A layer's output: channels, bits and sign of its values, its frame's size relative to the port's."""

    channels: int
    bits: int
    signed: bool
    scale: Fraction = Fraction(1)


@dataclass(frozen=True)
class Placed:
    """A layer in its network.

    Attributes
    ----------
    index
        Its place in the specification's list.
    sources
        Names of the layers whose outputs it takes, or the port's.
    taken
        Those outputs.
    given
        Its own output.
    groups
        Of a convolution, of the surviving channels.
    """

    index: int
    name: str
    layer: Kinds
    sources: tuple[str, ...]
    taken: tuple[Stream, ...]
    given: Stream
    groups: int = 1


@dataclass(frozen=True)
class Network:
    """All layers of a side, every one behind its sources."""

    side: Side
    port: Stream
    layers: tuple[Placed, ...]

    @property
    def source(self) -> str:
        """The name of the input port."""
        return PORTS[self.side]

    @property
    def last(self) -> Placed:
        """The layer that gives the output."""
        return self.layers[-1]

    @property
    def multiple(self) -> int:
        """Divisor that the width and height of the port's frames must have."""
        return math.lcm(*(placed.given.scale.denominator for placed in self.layers))

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output for port frames of that size."""
        return self.sizes(height, width)[self.last.name]

    def sizes(self, height: int, width: int) -> dict[str, tuple[int, int]]:
        """(height, width) of the port's frames, which is given, and of every layer's output, by name.

        Raises
        ------
        PydanticCustomError
            At a layer's inputs: they are not of one size.
        """
        sizes = {self.source: (height, width)}
        for placed in self.layers:
            found = {size_of(placed.layer, *sizes[name]) for name in placed.sources}
            if len(found) > 1:
                text = " and ".join(f"{w}x{h}" for h, w in sorted(found))
                raise wrong("inputs of one size", text, self.side, placed.index, "inputs")
            sizes[placed.name] = found.pop()
        return sizes

    @property
    def ends(self) -> tuple[Placed, ...]:
        """The layer behind which only depth_to_space stands, and these: the first one makes the output's values."""
        by_name = {placed.name: placed for placed in self.layers}
        found = [self.last]
        while isinstance(found[0].layer, DepthToSpace) and found[0].sources[0] in by_name:
            found.insert(0, by_name[found[0].sources[0]])
        return tuple(found)

    @property
    def fixed(self) -> frozenset[str]:
        """The layers whose values reach the output without another convolution: moved, pooled, joined, in sums."""
        by_name = {placed.name: placed for placed in self.layers}
        found: set[str] = set()
        stack = [self.last.name]
        while stack:
            name = stack.pop()
            if name in found or name not in by_name:
                continue
            found.add(name)
            placed = by_name[name]
            if not isinstance(placed.layer, Layer):
                stack.extend(placed.sources)
        return frozenset(found)


def name_of(side: Side, index: int, layer: Entry) -> str:
    """A layer's name: its own, or one that tells its kind and place."""
    if layer.name is not None:
        return layer.name
    if isinstance(layer, Layer):
        return f"{'conv' if side == 'encoder' else 'deconv'}{index}"
    return f"{getattr(layer, 'kind')}{index}"  # noqa: B009  every kind has one


def place(side: Side, layers: Sequence[Kinds], port: Stream, counts: Sequence[int] | None = None) -> Network:
    """Put layers in their places.

    Parameters
    ----------
    port
        The input's stream.
    counts
        Output channels of every convolution, instead of the specification's.

    Raises
    ------
    PydanticCustomError
        At the layer's key: layers that do not fit together.
    """
    streams = {PORTS[side]: port}
    placed: list[Placed] = []
    left = list(counts) if counts is not None else [x.channels for x in layers if isinstance(x, Layer)]
    dense = list(left) if counts is None else [x.channels for x in layers if isinstance(x, Layer)]
    before = PORTS[side]
    for index, layer in enumerate(layers):
        name = name_of(side, index, layer)
        if name in streams or name in RESERVED:
            raise wrong("a name that nothing else has", name, side, index, "name")
        sources = layer.inputs or (before,)
        for position, source in enumerate(sources):
            if source not in streams:
                known = ", ".join(streams)
                raise wrong(f"the name of a layer before it, one of {known}", source, side, index, "inputs", position)
        taken = tuple(streams[source] for source in sources)
        scales = {stream.scale for stream in taken}
        if len(scales) > 1:
            text = " and ".join(f"1/{1 / scale}" if scale < 1 else str(scale) for scale in sorted(scales))
            raise wrong("inputs of one size", f"{text} of the port's", side, index, "inputs")
        groups = 1
        if isinstance(layer, Layer):
            count, parent = left.pop(0), dense.pop(0)
            groups = _groups(side, index, layer, taken[0].channels, count, parent)
            given = Stream(count * layer.parts, layer.activation_bits, layer.signed, taken[0].scale * _scale(layer))
            if layer.complex and taken[0].channels % 2:
                raise wrong("an even number of channels before a complex layer", taken[0].channels,
                            side, index, "complex")  # fmt: skip
        else:
            given = _given(layer, taken, (side, index))
        if given.channels > MOST_CHANNELS:
            raise wrong(f"at most {MOST_CHANNELS} channels behind it", given.channels, side, index)
        streams[name] = given
        placed.append(Placed(index, name, layer, sources, taken, given, groups))
        before = name
    for one in placed:
        name, _, suffix = one.name.rpartition("_")
        if suffix in SUFFIXES and (name == "input" or any(other.name == name for other in placed)):
            wanted = f"another name: {name} may get a {one.name} of its own"
            raise wrong(wanted, one.name, side, one.index, "name")
    used = {source for one in placed for source in one.sources}
    for one in placed[:-1]:
        if one.name not in used:
            raise wrong("a layer that takes its output", f"none for {one.name}", side, one.index)
    return Network(side, port, tuple(placed))


def _groups(side: Side, index: int, layer: Layer, inputs: int, count: int, dense: int) -> int:
    """A convolution's groups; those of a depthwise one are as many as its surviving channels."""
    if layer.groups == 1:
        return 1
    groups = count if layer.groups == dense else layer.groups
    for what, channels in (("channels that come in", inputs), ("surviving channels", count)):
        if channels % groups:
            raise wrong(f"a divisor of the {channels} {what}", groups, side, index, "groups")
    return groups


def _scale(layer: Layer) -> Fraction:
    return Fraction(layer.stride) if isinstance(layer, DecoderLayer) else Fraction(1, layer.stride)


@singledispatch
def size_of(layer: Kinds, height: int, width: int) -> tuple[int, int]:
    """(height, width) of a layer's output for inputs of that size."""
    raise NotImplementedError(type(layer).__name__)


@size_of.register(Add)
@size_of.register(Concat)
def _(layer: Add | Concat, height: int, width: int) -> tuple[int, int]:
    return height, width


@size_of.register
def _(layer: Layer, height: int, width: int) -> tuple[int, int]:
    return layer.output_size(height, width)


@size_of.register
def _(layer: SpaceToDepth, height: int, width: int) -> tuple[int, int]:
    return height // layer.factor, width // layer.factor


@size_of.register
def _(layer: DepthToSpace, height: int, width: int) -> tuple[int, int]:
    return height * layer.factor, width * layer.factor


@size_of.register(MaxPool)
@size_of.register(AveragePool)
def _(layer: MaxPool | AveragePool, height: int, width: int) -> tuple[int, int]:
    return layer.output_size(height, width)


Where = tuple[Side, int]
"""A layer's place, for errors."""


@singledispatch
def _given(layer: Kinds, taken: tuple[Stream, ...], at: Where) -> Stream:
    """The output of a layer without weights."""
    raise NotImplementedError(type(layer).__name__)


@_given.register
def _(layer: Add, taken: tuple[Stream, ...], at: Where) -> Stream:
    first, second = taken
    if first.channels != second.channels:
        got = f"{first.channels} and {second.channels}"
        raise wrong("two inputs of one number of channels, pruned alike", got, *at, "inputs")
    return Stream(first.channels, layer.activation_bits, layer.activation == "none", first.scale)


@_given.register
def _(layer: Concat, taken: tuple[Stream, ...], at: Where) -> Stream:
    kinds = sorted({(stream.bits, "signed" if stream.signed else "unsigned") for stream in taken})
    if len(kinds) > 1:
        raise wrong("inputs of one type", ", ".join(f"{bits} bits {sign}" for bits, sign in kinds), *at, "inputs")
    return replace(taken[0], channels=sum(stream.channels for stream in taken))


@_given.register
def _(layer: SpaceToDepth, taken: tuple[Stream, ...], at: Where) -> Stream:
    first = taken[0]
    return replace(first, channels=first.channels * layer.factor**2, scale=first.scale / layer.factor)


@_given.register
def _(layer: DepthToSpace, taken: tuple[Stream, ...], at: Where) -> Stream:
    first = taken[0]
    if first.channels % layer.factor**2:
        wanted = f"a factor whose square divides the {first.channels} channels"
        raise wrong(wanted, layer.factor, *at, "factor")
    return replace(first, channels=first.channels // layer.factor**2, scale=first.scale * layer.factor)


@_given.register
def _(layer: MaxPool, taken: tuple[Stream, ...], at: Where) -> Stream:
    return replace(taken[0], scale=taken[0].scale / layer.step)


@_given.register
def _(layer: AveragePool, taken: tuple[Stream, ...], at: Where) -> Stream:
    first = taken[0]
    return replace(first, bits=layer.activation_bits or first.bits, scale=first.scale / layer.step)
