"""Coverage of every layer by the frames of a verification: without it, equality says little.

The values are the golden model's (which the integer graph, executed here, equals); waiting and idle streams are the
simulation's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from hwgen.ir.node import Node
from hwgen.ir.nodes import Convolution
from hwgen.ir.rounding import Met, rounding
from hwgen.numerics.integer import IntArray
from hwgen.sim.simulate import Recorded, Recording

SHOWN = 4
"""Gaps that the terminal shows."""


@dataclass(frozen=True)
class LayerCoverage:
    """Coverage of one layer, in numbers of values; None where it has nothing of the kind.

    saturated_low, saturated_high : limited at the smallest and at the largest value of the output
    ties_down, ties_up : half-way values, rounded to the even integer below and above
    positive, negative : branches of a PReLU
    constant_channels : channels whose output never changed, of `channels`
    ends : smallest and largest value of each channel; not in the record
    full_cycles, empty_cycles : cycles in which the stream waited for its receiver, and for its sender
    """

    values: int
    channels: int
    constant_channels: int
    saturated_low: int | None = None
    saturated_high: int | None = None
    ties_down: int | None = None
    ties_up: int | None = None
    positive: int | None = None
    negative: int | None = None
    full_cycles: int | None = None
    empty_cycles: int | None = None
    ends: tuple[tuple[int, int], ...] = field(default=(), repr=False, compare=False)

    def gaps(self) -> list[str]:
        """Cases that were not met, in words; waits of streams, which only runs with stalls have, are not among them."""
        found = [text for key, text in NEVER.items() if getattr(self, key) == 0]
        if self.constant_channels:
            found.append(f"{self.constant_channels} of {self.channels} channels constant")
        return found


NEVER = {
    "saturated_low": "never saturated low",
    "saturated_high": "never saturated high",
    "ties_down": "no tie rounded down",
    "ties_up": "no tie rounded up",
    "positive": "no value of the PReLU's positive branch",
    "negative": "no value of the PReLU's negative branch",
}
Coverage = dict[str, LayerCoverage]


class Meter:
    """Collects what the nodes of a graph meet, frame after frame; `answer` is for `hwgen.ir.execute.run`."""

    def __init__(self) -> None:
        self.coefficients: IntArray | None = None  # of the frame
        self._met: dict[str, Met] = {}
        self._signs: dict[str, tuple[int, int]] = {}
        self._ends: dict[str, tuple[IntArray, IntArray]] = {}
        self._values: dict[str, int] = {}

    def answer(self, node: Node, *inputs: IntArray) -> IntArray:
        """The node's output; what it meets on the way is counted."""
        found, name = rounding(node, *inputs), node.name
        if found is not None:
            met = found.met()
            self._met[name] = met + self._met[name] if name in self._met else met
        if isinstance(node, Convolution):
            assert found is not None and found.accumulators is not None
            out = node.activate(found.accumulators)  # as its `execute` does, which would accumulate once more
            if node.slope is not None:
                positive = int((found.accumulators >= 0).sum())
                before = self._signs.get(name, (0, 0))
                self._signs[name] = before[0] + positive, before[1] + out.size - positive
        else:
            out = node.execute(*inputs, coefficients=self.coefficients)
        flat = out.reshape(-1, out.shape[-1])
        low, high = flat.min(axis=0), flat.max(axis=0)
        if name in self._ends:
            low, high = np.minimum(low, self._ends[name][0]), np.maximum(high, self._ends[name][1])
        self._ends[name] = low, high
        self._values[name] = self._values.get(name, 0) + out.size
        return out

    def coverage(self) -> Coverage:
        """Coverage of every layer, in the order of the graph."""
        found = {}
        for name, (low, high) in self._ends.items():
            ends = tuple(zip(low.tolist(), high.tolist(), strict=True))
            layer = LayerCoverage(self._values[name], len(ends), _constant(ends), ends=ends)
            if name in self._met:
                layer = replace(layer, **asdict(self._met[name]))
            if name in self._signs:
                positive, negative = self._signs[name]
                layer = replace(layer, positive=positive, negative=negative)
            found[name] = layer
        return found


def with_streams(coverage: Coverage, recording: Recording) -> Coverage:
    """With how long the layers' streams waited."""
    streams = {recorded.name: recorded for recorded in recording.streams}
    return {
        name: replace(layer, full_cycles=streams[name].stalled, empty_cycles=_idle(streams[name]))
        if name in streams
        else layer
        for name, layer in coverage.items()
    }


def _idle(recorded: Recorded) -> int:
    """Cycles from the first beat to the last in which there was none to take."""
    if not len(recorded.cycles):
        return 0
    span = int(recorded.cycles[-1] - recorded.cycles[0]) + 1
    return max(0, span - len(recorded.cycles) - recorded.stalled)


def merged(found: list[Coverage]) -> Coverage:
    """Coverage by several runs over the same layers together."""
    total = dict(found[0])
    for other in found[1:]:
        for name, layer in other.items():
            total[name] = _sum(total[name], layer)
    return total


def _sum(first: LayerCoverage, second: LayerCoverage) -> LayerCoverage:
    ends = tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(first.ends, second.ends, strict=True))
    own: dict[str, Any] = {"channels": first.channels, "constant_channels": _constant(ends), "ends": ends}
    for part in fields(first):
        value = getattr(first, part.name)
        own.setdefault(part.name, None if value is None else value + getattr(second, part.name))
    return LayerCoverage(**own)


def _constant(ends: Sequence[tuple[int, int]]) -> int:
    return sum(low == high for low, high in ends)


def summary(coverage: Coverage) -> str:
    """The gaps in words, the first few of them; empty where there are none."""
    gaps = [f"{name} {gap}" for name, layer in coverage.items() for gap in layer.gaps()]
    more = f", and {len(gaps) - SHOWN} more (--json has all)" if len(gaps) > SHOWN else ""
    return ", ".join(gaps[:SHOWN]) + more


def as_record(coverage: Coverage) -> dict[str, Any]:
    """For JSON: a mapping for every layer."""
    return {
        name: {key: value for key, value in asdict(layer).items() if key != "ends"} for name, layer in coverage.items()
    }
