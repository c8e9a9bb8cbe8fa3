"""The hardware side that components of one value a cycle behind a FIFO share: gain, received symbols, table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from hwgen.board import Board
from hwgen.lower.base import Buffer, Depths, Lowering, NodeEvents, Options, Steady, amounts
from hwgen.plan.events import Beats, Chain, Constraint, Cycles, Together, Wait
from hwgen.rtl.primitives import Cost


@dataclass(frozen=True)
class Fixed:
    """The config of a component that has no choice but the depth of its FIFO."""

    depth: int


class ComponentConfig(Protocol):
    """A component's config, which knows its cost."""

    def cost(self, family: str) -> Cost:
        """Resources of the component."""


class ValueByValueLowering(Lowering[Fixed]):
    """One value in, one value out, `latency` cycles later, with a FIFO behind."""

    latency: int
    default_depth: int

    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[Fixed]:
        """One."""
        config = Fixed(self.default_depth)
        taken = amounts(self.cost(config, board.family))
        return Options(
            np.array([self.cycles(config)], dtype=np.int64),
            np.array([taken], dtype=np.int64),
            np.ones((1, len(self.inputs) + 1), dtype=np.int64),
            (config,),
        )

    @abstractmethod
    def component(self, config: Fixed) -> ComponentConfig:
        """The component's own config."""

    def cost(self, config: Fixed, family: str) -> Cost:
        """The component's own."""
        return self.component(config).cost(family)

    def cycles(self, config: Fixed) -> int:
        """A value a cycle."""
        return self.output.values

    def buffers(self, config: Fixed) -> tuple[Buffer, ...]:
        """The FIFO."""
        full_rate = self.default_depth
        return (Buffer(self.name, "fifo", f"{self.name}.fifo", self.output.values, 1, full_rate, full_rate),)

    def with_depths(self, config: Fixed, depths: Mapping[str, int]) -> Fixed:
        """The FIFO's."""
        return replace(config, depth=depths["fifo"])

    def depths(self, config: Fixed) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": config.depth}

    def events(self, config: Fixed, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """Each value, `latency` later."""
        return PipelineEvents(Beats(self.output.values, self.output.pixels), self.latency, self.buffers(config)[0])

    def steady(self, config: Fixed) -> Steady:
        """Its latency."""
        return Steady(self.latency, self.latency)

    @abstractmethod
    def manifest(self, config: Fixed) -> dict[str, Any]:
        """The kind's own numbers."""


class PipelineEvents(NodeEvents):
    """The events of a pipeline of `latency` cycles with a FIFO behind: out[k] = max(in[k] + latency, out[k - 1] + 1).

    A beat is accepted, of all inputs at once, when the FIFO has room: in[k] after out[k - depth].
    """

    def __init__(self, output: Beats, latency: int, fifo: Buffer) -> None:
        self.outputs, self.latency, self.fifo = (output,), latency, fifo

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """As the class says."""
        (given,) = self.outputs
        found: list[Constraint] = []

        for taken in inputs:
            if self.fifo in depths:
                room = later(given, given.frame(frame) - depths[self.fifo], 1)
                found.append(Wait(taken.events, taken.events.span(frame), given.events, room, self.fifo))
            came = later(taken, taken.frame(frame), self.latency)
            found.append(Wait(given.events, given.events.span(frame), taken.events, came))
        for one, other in zip(inputs, inputs[1:], strict=False):
            # Beats of several inputs move together.
            found.append(Together(one.events, one.frame(frame), other.events, other.frame(frame)))
        found.append(Chain(given.events, frame, np.arange(given.per_frame), 1))
        return found


def later(beats: Beats, which: Cycles, cycles: int) -> Callable[[], tuple[Cycles, int | Cycles]]:
    """When some beats of a stream have moved, and so many cycles more."""

    def where() -> tuple[Cycles, int | Cycles]:
        index, delay = beats.of(which)
        return index, delay + cycles

    return where
