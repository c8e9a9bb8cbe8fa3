"""Coverage of every layer by the frames of a verification: without it, equality says little.

A layer has cases (`CASES`). Each is met by the frames, proven unreachable from the graph's bounds
(`hwgen.verify.bounds`), or not met. What the layers have met is collected by `hwgen.verify.meter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from hwgen.numerics.integer import IntArray
from hwgen.sim.design import Design
from hwgen.sim.simulate import Recorded, Recording
from hwgen.verify.bounds import Bounds

SHOWN = 4
"""Gaps, and unreachable cases, that the terminal shows."""

MET, UNREACHABLE, NOT_MET = "met", "unreachable", "not met"
"""States of a case."""

CASES = {
    "saturated_low": "never saturated low",
    "saturated_high": "never saturated high",
    "ties_down": "no tie rounded down",
    "ties_up": "no tie rounded up",
    "rounded_beyond": "nothing rounded beyond the largest value",
    "positive": "no value of the PReLU's positive branch",
    "negative": "no value of the PReLU's negative branch",
    "channels": "constant channels",
    "weights": "idle weights",
    "full": "its stream never full",
    "empty": "its stream never empty",
    "short": "no frame too short",
    "long": "no frame too long",
}
"""The cases, and what is said of one that was not met."""


@dataclass(frozen=True)
class LayerCoverage:
    """Coverage of one layer, in numbers of values; None where it has nothing of the kind.

    saturated_low, saturated_high : limited at the smallest and at the largest value of the output
    ties_down, ties_up : half-way between two values of the output, rounded to the even one below and above
    rounded_beyond : of those limited at the largest value, what only rounding took beyond it
    positive, negative : branches of a PReLU
    constant_channels : channels whose output never changed, of `channels`
    idle_weights : weights that were multiplied by nothing but zeros, of `weights` that are not 0 themselves
    full_cycles, empty_cycles : cycles in which the stream waited for its receiver, and for its sender
    short, long : of an input port, frames whose TLAST came too early, and too late
    ends : smallest and largest value of each channel; not in the record
    waiting : (in_channels, kernel_height, kernel_width), the idle weights of each tap; not in the record
    bounds : what is proven of the layer
    stalled : whether the run had stalls, so that streams should have been full and empty
    """

    values: int
    channels: int
    constant_channels: int
    saturated_low: int | None = None
    saturated_high: int | None = None
    ties_down: int | None = None
    ties_up: int | None = None
    rounded_beyond: int | None = None
    positive: int | None = None
    negative: int | None = None
    weights: int | None = None
    idle_weights: int | None = None
    full_cycles: int | None = None
    empty_cycles: int | None = None
    short: int | None = None
    long: int | None = None
    ends: tuple[tuple[int, int], ...] = field(default=(), repr=False, compare=False)
    waiting: IntArray | None = field(default=None, repr=False, compare=False)
    bounds: Bounds = field(default=Bounds(), repr=False, compare=False)
    stalled: bool = field(default=False, repr=False, compare=False)

    @property
    def constant_and_free(self) -> int:
        """Channels that did not change and are not proven to be constant."""
        return self.constant_channels - len(self.bounds.constant)

    def states(self) -> dict[str, str]:
        """The layer's cases and their states, in the order of `CASES`."""
        met: dict[str, bool] = {key: count > 0 for key in CASES if (count := getattr(self, key, None)) is not None
                                and key not in ("channels", "weights")}  # fmt: skip
        if self.channels:
            met["channels"] = self.constant_and_free == 0 and self.constant_channels < self.channels
        if self.idle_weights is not None:
            met["weights"] = self.idle_weights == self.bounds.idle and self.idle_weights < (self.weights or 0)
        if self.stalled and self.full_cycles is not None and self.empty_cycles is not None:
            met |= {"full": self.full_cycles > 0, "empty": self.empty_cycles > 0}
        proven = self.bounds.unreachable
        wrong = [key for key, is_met in met.items() if is_met and key in proven]
        assert not wrong, f"met although proven unreachable: {wrong}"
        return {
            key: MET if met[key] else UNREACHABLE if key in proven else NOT_MET for key in CASES if key in met
        }  # fmt: skip

    def gaps(self) -> list[str]:
        """Cases that were not met, in words."""
        return [self._words(key) for key, state in self.states().items() if state == NOT_MET]

    def _words(self, key: str) -> str:
        if key == "channels":
            return f"{self.constant_and_free} of {self.channels} channels constant"
        if key == "weights":
            return f"{(self.idle_weights or 0) - self.bounds.idle} of {self.weights} weights multiplied by zeros alone"
        return CASES[key]

    def record(self) -> dict[str, Any]:
        """For JSON: the numbers, and "cases": each one's state, and the reason of one that is unreachable."""
        hidden = ("ends", "waiting", "bounds", "stalled")
        found = {part.name: getattr(self, part.name) for part in fields(self) if part.name not in hidden}
        reasons = self.bounds.unreachable
        cases = {
            key: {"state": state} | ({"reason": reasons[key]} if state == UNREACHABLE else {})
            for key, state in self.states().items()
        }
        return found | {"cases": cases}


Coverage = dict[str, LayerCoverage]


@dataclass(frozen=True)
class Total:
    """Numbers of cases, of all layers."""

    met: int
    unreachable: int
    not_met: int

    @property
    def percent(self) -> float:
        """The percentage that was met of the cases that are not proven unreachable; 100 where there are none."""
        reachable = self.met + self.not_met
        return 100.0 if not reachable else 100.0 * self.met / reachable

    def record(self) -> dict[str, Any]:
        """For JSON; a percentage of 100 means all of them."""
        return asdict(self) | {"percent": round(self.percent, 2) if self.not_met == 0 else min(99.99, self.percent)}


def total(coverage: Coverage) -> Total:
    """The numbers of cases of all layers together, by state."""
    states = [state for layer in coverage.values() for state in layer.states().values()]
    return Total(*(states.count(state) for state in (MET, UNREACHABLE, NOT_MET)))


def with_bounds(coverage: Coverage, bounds: Mapping[str, Bounds]) -> Coverage:
    """A coverage with every layer's proven bounds, by the layer's name, in place of its own."""
    return {name: replace(layer, bounds=bounds[name]) for name, layer in coverage.items()}


def with_streams(coverage: Coverage, recording: Recording, stalled: bool = False) -> Coverage:
    """A coverage with the cycles in which each layer's stream waited; `stalled`: in a run in which each should have."""
    streams = {recorded.name: recorded for recorded in recording.streams}
    # Of a layer with profiles the first one's entry has its stream's, which all of them share.
    streams |= {f"{name}@0": recorded for name, recorded in streams.items()}
    return {
        name: replace(layer, full_cycles=streams[name].stalled, empty_cycles=_idle(streams[name]), stalled=stalled)
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


def merged(found: Sequence[Coverage]) -> Coverage:
    """Coverage by several runs over the same layers together."""
    together = dict(found[0])
    for other in found[1:]:
        for name, layer in other.items():
            together[name] = _sum(together[name], layer)
    return together


def _sum(first: LayerCoverage, second: LayerCoverage) -> LayerCoverage:
    ends = tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(first.ends, second.ends, strict=True))
    same = ("channels", "weights", "bounds")
    own: dict[str, Any] = {key: getattr(first, key) for key in same}
    own |= {"constant_channels": constant(ends), "ends": ends, "stalled": first.stalled or second.stalled}
    if first.waiting is not None and second.waiting is not None:
        waiting = np.minimum(first.waiting, second.waiting)
        own |= {"waiting": waiting, "idle_weights": int(waiting.sum())}
    for key in (part.name for part in fields(first) if part.name not in own):
        value = getattr(first, key)
        own[key] = None if value is None else value + getattr(second, key)
    return LayerCoverage(**own)


def with_framing(coverage: Coverage, design: Design, recording: Recording) -> Coverage:
    """A coverage with the input ports: their frames that were too short, and too long."""
    ports = [("s_axis", recording.streams[0], design.input_beats)]
    if recording.coefficients is not None:
        ports.append(("s_coef", recording.coefficients, design.coefficient_beats))
    found = dict(coverage)
    for name, recorded, beats in ports:
        short, long = recorded.faults(beats)
        found[name] = LayerCoverage(len(recorded.values), 0, 0, short=short if beats > 1 else None, long=long)
    return found


def constant(ends: Iterable[tuple[int, int]]) -> int:
    """Channels whose smallest value is their largest one."""
    return sum(low == high for low, high in ends)


def summary(coverage: Coverage) -> str:
    """The gaps in words, the first few of them; empty where there are none."""
    return _some([f"{name} {gap}" for name, layer in coverage.items() for gap in layer.gaps()], "all")


def unreachable(coverage: Coverage) -> str:
    """The cases that are proven unreachable, in words, the first few of them."""
    found = [
        f"{name} {key.replace('_', ' ')}" for name, layer in coverage.items()
        for key, state in layer.states().items() if state == UNREACHABLE
    ]  # fmt: skip
    return _some(found, "all, and the reasons")


def _some(texts: Sequence[str], rest: str) -> str:
    more = f", and {len(texts) - SHOWN} more (--json has {rest})" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def as_record(coverage: Coverage) -> dict[str, Any]:
    """For JSON: a mapping for every layer."""
    return {name: layer.record() for name, layer in coverage.items()}
