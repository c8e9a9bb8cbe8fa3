"""Channels that pruning can only remove together, and how many of them a specification's counts leave.

Every output channel of a convolution is a channel of its own until something ties it to others:

- a sum: channel c of both inputs
- a depthwise convolution: an output and the inputs it sees; other groups: the same position in every group, of inputs
  and of outputs, so that groups stay equally large
- depth_to_space: the factor**2 channels that become one
- a complex convolution: real and imaginary part, of inputs and of outputs

space_to_depth repeats channels, a concatenation puts them behind each other, pooling leaves them. What is tied is a
unit: it survives or goes as a whole. Channels of the port and of the output are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from typing import NoReturn

from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.layers import Layer
from hwgen.spec.network import Network, Placed
from hwgen.yamlmarks import wrong


@dataclass(frozen=True)
class Group:
    """Units that have channels of the same convolutions, as many of each: they compete with each other.

    Parameters
    ----------
    units
        In the order of their first channels.
    channels
        Of each convolution, by name: so many channels has one unit.
    fixed
        Whether they are channels of the port or the output.
    """

    units: tuple[int, ...]
    channels: Mapping[str, int]
    fixed: bool


@dataclass(frozen=True)
class ChannelGroups:
    """The units of a network before pruning.

    Parameters
    ----------
    streams
        Unit of every channel, of the port and of every layer's output.
    groups
        In the order of their first channels.
    """

    streams: Mapping[str, tuple[int, ...]]
    groups: tuple[Group, ...]


class _Ties:
    """Numbers that are tied to each other: a forest whose roots are the smallest ones."""

    def __init__(self) -> None:
        self.above: list[int] = []

    def fresh(self, count: int) -> list[int]:
        first = len(self.above)
        self.above.extend(range(first, first + count))
        return list(range(first, first + count))

    def root(self, one: int) -> int:
        while self.above[one] != one:
            self.above[one] = self.above[self.above[one]]
            one = self.above[one]
        return one

    def tie(self, numbers: Sequence[int]) -> None:
        roots = {self.root(one) for one in numbers}
        for root in roots:
            self.above[root] = min(roots)


def channel_groups(network: Network) -> ChannelGroups:
    """The units of a network, which must be one before pruning: `ModelSpec.parent`."""
    ties = _Ties()
    port = ties.fresh(network.port.channels)
    streams = {network.source: port}
    for placed in network.layers:
        streams[placed.name] = _output(placed.layer, placed, [streams[name] for name in placed.sources], ties)
    units = {name: tuple(ties.root(one) for one in stream) for name, stream in streams.items()}
    held = {*units[network.source], *units[network.last.name]}
    made: dict[int, dict[str, int]] = {}
    for placed in network.layers:
        if isinstance(placed.layer, Layer):
            for unit in units[placed.name]:
                channels = made.setdefault(unit, {})
                channels[placed.name] = channels.get(placed.name, 0) + 1
    kinds: dict[tuple[object, ...], list[int]] = {}
    for unit, channels in sorted(made.items()):
        kinds.setdefault((*channels.items(), unit in held), []).append(unit)
    groups = [Group(tuple(found), made[found[0]], found[0] in held) for found in kinds.values()]
    return ChannelGroups(units, tuple(groups))


@singledispatch
def _output(layer: Kinds, placed: Placed, taken: list[list[int]], ties: _Ties) -> list[int]:
    """The channels of a layer's output, after tying what it ties."""
    raise NotImplementedError(type(layer).__name__)


@_output.register
def _(layer: Layer, placed: Placed, taken: list[list[int]], ties: _Ties) -> list[int]:
    first, given = taken[0], ties.fresh(placed.given.channels)
    if layer.complex:
        for stream in (first, given):
            for pair in _pieces(stream, 2):
                ties.tie(pair)
    if layer.groups > 1 and layer.groups == layer.channels:
        for output, inputs in zip(given, _pieces(first, len(first) // layer.groups), strict=True):
            ties.tie([output, *inputs])
    elif layer.groups > 1:
        for stream in (first, given):
            for same in zip(*_pieces(stream, len(stream) // layer.groups), strict=True):
                ties.tie(same)
    return given


@_output.register
def _(layer: Add, placed: Placed, taken: list[list[int]], ties: _Ties) -> list[int]:
    for both in zip(*taken, strict=True):
        ties.tie(both)
    return taken[0]


@_output.register
def _(layer: Concat, placed: Placed, taken: list[list[int]], ties: _Ties) -> list[int]:
    return [one for stream in taken for one in stream]


@_output.register
def _(layer: SpaceToDepth, placed: Placed, taken: list[list[int]], ties: _Ties) -> list[int]:
    return [one for one in taken[0] for _ in range(layer.factor**2)]


@_output.register
def _(layer: DepthToSpace, placed: Placed, taken: list[list[int]], ties: _Ties) -> list[int]:
    blocks = _pieces(taken[0], layer.factor**2)
    for block in blocks:
        ties.tie(block)
    return [block[0] for block in blocks]


@_output.register(MaxPool)
@_output.register(AveragePool)
def _(layer: MaxPool | AveragePool, placed: Placed, taken: list[list[int]], ties: _Ties) -> list[int]:
    return taken[0]


def _pieces(stream: list[int], length: int) -> list[list[int]]:
    return [stream[start : start + length] for start in range(0, len(stream), length)]


def units_by_ratio(groups: Sequence[Group], ratio: Fraction, protected: Collection[str] = ()) -> tuple[int, ...]:
    """Numbers of units that every group has left where a share of them goes, rounded up; one stays.

    protected : convolutions that keep all their channels
    """
    sizes = [(len(group.units), group.fixed or not group.channels.keys().isdisjoint(protected)) for group in groups]
    return tuple(units if fixed else max(1, units - math.ceil(units * ratio)) for units, fixed in sizes)


def by_ratio(network: Network, ratio: Fraction, protected: Collection[str] = ()) -> tuple[int, ...]:
    """The surviving channels of every convolution where a share of every group's units goes: `units_by_ratio`."""
    groups = channel_groups(network).groups
    parts = {placed.name: placed.layer.parts for placed in network.layers if isinstance(placed.layer, Layer)}
    left = dict.fromkeys(parts, 0)
    for group, units in zip(groups, units_by_ratio(groups, ratio, protected), strict=True):
        for name, channels in group.channels.items():
            left[name] += units * channels
    return tuple(count // parts[name] for name, count in left.items())


def surviving(groups: Sequence[Group], network: Network, counts: Sequence[int]) -> tuple[int, ...]:
    """Numbers of units that every group has left where convolutions have these counts.

    Parameters
    ----------
    counts
        Of every convolution, as the specification counts its channels.

    Raises
    ------
    PydanticCustomError
        At pruning.channels.SIDE[i]: a count that does not go with those of the layers whose channels it meets, or that
        whole units cannot have.
    """
    layers = {placed.name: placed.layer for placed in network.layers if isinstance(placed.layer, Layer)}
    channels = {name: count * layers[name].parts for name, count in zip(layers, counts, strict=True)}
    found = {index: len(group.units) for index, group in enumerate(groups) if group.fixed}
    deciders: dict[int, str] = {}
    waiting = list(layers)

    def refuse(name: str, wanted: str) -> NoReturn:
        position = list(layers).index(name)
        raise wrong(wanted, counts[position], "pruning", "channels", network.side, position)

    def unknown(name: str) -> list[int]:
        return [index for index, group in enumerate(groups) if name in group.channels and index not in found]

    while waiting:
        name = next((name for name in waiting if len(unknown(name)) < 2), None)
        if name is None:
            refuse(waiting[0], "channels that meet those of other layers in fewer ways")
        waiting.remove(name)
        known = [index for index, group in enumerate(groups) if name in group.channels and index in found]
        sum_ = sum(found[index] * groups[index].channels[name] for index in known)
        rest = channels[name] - sum_
        for index in unknown(name):
            group = groups[index]
            if rest % group.channels[name]:
                refuse(name, f"channels of {name} in whole units of {group.channels[name]}")
            if not 0 <= rest // group.channels[name] <= len(group.units):
                refuse(name, f"{sum_} to {sum_ + group.channels[name] * len(group.units)} channels of {name}")
            found[index], deciders[index] = rest // group.channels[name], name
            rest = 0
        if rest:
            others = " and ".join(dict.fromkeys(deciders[index] for index in known if index in deciders))
            refuse(name, f"{sum_ // layers[name].parts}: channels of {name} meet those of {others or 'the port'}")
    return tuple(found[index] for index in range(len(groups)))
