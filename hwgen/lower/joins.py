"""The hardware side that components of whole beats share: forks, sums, concatenations, pooling."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.lower.base import Buffer, Config, Depths, Lowering, NodeEvents, Options, Steady, amounts
from hwgen.lower.value_by_value import later
from hwgen.plan.events import Beats, Chain, Constraint, Cycles, Events, Together, Wait
from hwgen.rtl.add import AddConfig
from hwgen.rtl.concat import ConcatConfig
from hwgen.rtl.primitives import Cost

Join = TypeVar("Join", AddConfig, ConcatConfig)


class BeatLowering(Lowering[Config]):
    """A component of beats of several values, as many in each input beat as in each output beat."""

    @property
    def lanes_offered(self) -> list[int]:
        """Several, within the widest beat; three as well where there are three channels, as in the port's pixels."""
        return sorted({*self.output.lane_choices, *({self.output.channels} if self.output.channels == 3 else ())})

    @property
    def lanes_accepted(self) -> list[int] | None:
        """The numbers that it can pass on."""
        return self.lanes_offered

    @abstractmethod
    def config_of(self, lanes: int) -> Config:
        """The config with so many values per beat, its memories in block RAM."""

    def configs_of(self, lanes: int, ultra: bool) -> Sequence[Config]:
        """Configs with so many values per beat, `config_of` first.

        ultra : whether the part has UltraRAM
        """
        return [self.config_of(lanes)]

    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[Config]:
        """The configs for each number of values per beat that all neighbours can have."""
        lanes = sorted(set(outputs).intersection(*inputs), reverse=True)
        ultra = board.resources.uram > 0
        configs = tuple(config for count in lanes for config in self.configs_of(count, ultra))
        return Options(
            np.array([self.cycles(config) for config in configs], dtype=np.int64),
            np.array([amounts(self.cost(config, board.family)) for config in configs], dtype=np.int64),
            np.array([[self.lanes_out(config)] * (len(self.inputs) + 1) for config in configs], dtype=np.int64),
            configs,
        )

    def steady(self, config: Config) -> Steady | None:
        """None: branches wait for each other."""
        return None

    def lanes_in(self, config: Config) -> int:
        """As the output's."""
        return self.lanes_out(config)

    def cycles(self, config: Config) -> int:
        """A beat in every cycle."""
        return self.output.pixels * self.output.beats(self.lanes_out(config))


class JoinLowering(BeatLowering[Join]):
    """Branches that meet in a component whose only buffer is the FIFO behind it."""

    def cost(self, config: Join, family: str) -> Cost:
        """The component's own."""
        return config.cost(family)

    def build(self, config: Join) -> Component:
        """The component."""
        return config.build()

    def buffers(self, config: Join) -> tuple[Buffer, ...]:
        """The FIFO."""
        entries, full_rate = self.cycles(config), config.default_depth
        return (Buffer(self.name, "fifo", f"{self.name}.fifo", entries, 1, full_rate, full_rate),)

    def with_depths(self, config: Join, depths: Mapping[str, int]) -> Join:
        """With the depth of the FIFO."""
        return replace(config, depth=depths["fifo"])

    def depths(self, config: Join) -> dict[str, int]:
        """Depth of the FIFO."""
        return {f"{self.name}.fifo": config.depth}

    def lanes_out(self, config: Join) -> int:
        """As chosen."""
        return config.lanes


class ForkEvents(NodeEvents):
    """A beat moves when every branch's FIFO has room: in[b] after out_j[b - depth_j], out_j[k] = in[k] + latency."""

    def __init__(self, branches: Sequence[Beats], latency: int, fifos: Sequence[Buffer]) -> None:
        self.outputs, self.latency, self.fifos = tuple(branches), latency, fifos

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """As the class says."""
        (taken,) = inputs
        found: list[Constraint] = []
        for given, fifo in zip(self.outputs, self.fifos, strict=True):
            if fifo in depths:
                room = later(given, given.frame(frame) - depths[fifo], 1)
                found.append(Wait(taken.events, taken.events.span(frame), given.events, room, fifo))
            came = later(taken, taken.frame(frame), self.latency)
            found.append(Wait(given.events, given.events.span(frame), taken.events, came))
            found.append(Chain(given.events, frame, np.arange(given.per_frame), 1))
        return found


class TurnEvents(NodeEvents):
    """Beats of several inputs in turns: taken[k] is the input's beat whose turn it is, after taken[k - 1].

        taken[k] after out[k - depth], out[k] after taken[k] + latency

    turns : of each input the numbers of its beats among the output's of a frame
    """

    def __init__(self, output: Beats, turns: Sequence[Cycles], latency: int, fifo: Buffer) -> None:
        self.taken = Events(output.per_frame)
        self.outputs, self.own = (output,), (self.taken,)
        self.turns, self.latency, self.fifo = turns, latency, fifo

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """As the class says."""
        (given,) = self.outputs
        found: list[Constraint] = []
        if self.fifo in depths:
            room = later(given, given.frame(frame) - depths[self.fifo], 1)
            found.append(Wait(self.taken, self.taken.span(frame), given.events, room, self.fifo))
        for one, turn in zip(inputs, self.turns, strict=True):
            places = turn + frame * self.taken.per_frame
            found.append(Together(self.taken, places, one.events, one.frame(frame)))  # a beat moves when it is taken
        found += [
            Chain(self.taken, frame, np.arange(self.taken.per_frame), 1),
            Wait(given.events, given.events.span(frame), self.taken, lambda: (given.frame(frame), self.latency)),
            Chain(given.events, frame, np.arange(given.per_frame), 1),
        ]
        return found

