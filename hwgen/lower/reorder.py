"""The hardware side of space to depth and back: a ring buffer read in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.ir.nodes import DepthToSpace, SpaceToDepth
from hwgen.lower.base import Buffer, Depths, Lowering, NodeEvents, Options, Steady, amounts
from hwgen.lower.value_by_value import later
from hwgen.plan.events import Beats, Chain, Constraint, Cycles, Events, Wait
from hwgen.rtl.blocks import BlocksConfig
from hwgen.rtl.depth_to_space import DepthToSpaceConfig
from hwgen.rtl.primitives import Cost
from hwgen.rtl.reorder import ReorderConfig
from hwgen.rtl.space_to_depth import SpaceToDepthConfig


class ReorderLowering(Lowering[BlocksConfig]):
    """Single values, as many out as in."""

    node: SpaceToDepth | DepthToSpace
    kind: type[BlocksConfig]

    def config(self) -> BlocksConfig:
        """The component's for the frame's width, with the ring and the FIFO that keep a value per cycle going."""
        taken = self.inputs[0]
        return self.kind(taken.channels, taken.columns, self.node.factor, taken.type.bits, storage=self.storage)

    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[BlocksConfig]:
        """One, and the same with its ring in UltraRAM."""
        config = self.config()
        choices = self.storage.choices(config.reorder.depth, board.resources.uram > 0)
        configs = tuple(replace(config, storage=storage) for storage in choices)
        return Options(
            np.array([self.cycles(config) for config in configs], dtype=np.int64),
            np.array([amounts(self.cost(config, board.family)) for config in configs], dtype=np.int64),
            np.ones((len(configs), 2), dtype=np.int64),
            configs,
        )

    def cost(self, config: BlocksConfig, family: str) -> Cost:
        """The component's own."""
        return config.cost(family)

    def cycles(self, config: BlocksConfig) -> int:
        """A value in every cycle."""
        return self.output.values

    def build(self, config: BlocksConfig) -> Component:
        """The ring."""
        return config.build()

    def buffers(self, config: BlocksConfig) -> tuple[Buffer, ...]:
        """The FIFO's values, and the ring's."""
        full_rate, values = ReorderConfig.default_fifo_depth, self.output.values
        reorder = config.reorder
        return (
            Buffer(self.name, "fifo", f"{self.name}.fifo", values, 1, full_rate, full_rate),
            Buffer(self.name, "ring", f"{self.name}.ring", values, reorder.least_depth, reorder.full_rate_depth,
                   reorder.full_rate_depth, grows=True),
        )  # fmt: skip

    def with_depths(self, config: BlocksConfig, depths: Mapping[str, int]) -> BlocksConfig:
        """With the depths of the ring and the FIFO."""
        return replace(config, depth=depths["ring"], fifo_depth=depths["fifo"])

    def depths(self, config: BlocksConfig) -> dict[str, int]:
        """Depths of the ring and the FIFO."""
        return {f"{self.name}.ring": config.reorder.depth, f"{self.name}.fifo": config.reorder.fifo_depth}

    def events(self, config: BlocksConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """The readings of the ring."""
        return ReorderEvents(self, config)

    def steady(self, config: BlocksConfig) -> Steady | None:
        """None: a block's values wait for its last row."""
        return None

    @property
    def lag(self) -> float:
        """Share of a frame that the ring holds."""
        return self.config().reorder.full_rate_depth / self.inputs[0].values

    def manifest(self, config: BlocksConfig) -> dict[str, Any]:
        """The factor."""
        return {"factor": config.factor}


class SpaceToDepthLowering(ReorderLowering):
    """BlocksConfig of pixels to channels."""

    node: SpaceToDepth
    kind = SpaceToDepthConfig


class DepthToSpaceLowering(ReorderLowering):
    """Channels to blocks of pixels."""

    node: DepthToSpace
    kind = DepthToSpaceConfig


class ReorderEvents(NodeEvents):
    """issued[k] is the reading of output k, as `hwgen.rtl.reorder.ReorderConfig` says."""

    def __init__(self, lowering: ReorderLowering, config: BlocksConfig) -> None:
        reorder: ReorderConfig = config.reorder
        values = lowering.output.values
        bands = np.arange(values // reorder.values, dtype=np.int64)[:, None] * reorder.values
        self.needed: Cycles = (bands + reorder.needed).ravel()
        released = (bands + reorder.released).ravel()
        self.release = np.searchsorted(released, np.arange(values), side="right")
        self.issued = Events(values)
        self.outputs, self.own = (Beats(values, lowering.output.pixels),), (self.issued,)
        self.fifo, self.ring = lowering.buffers(config)

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """As the class says."""
        (taken,), (given,) = inputs, self.outputs
        values = self.issued.per_frame
        found: list[Constraint] = []

        def room() -> tuple[Cycles, int | Cycles]:
            frames, value = np.divmod(taken.frame(frame) - depths[self.ring], values)
            return frames * values + self.release[value], 1

        def read() -> tuple[Cycles, int | Cycles]:
            return given.frame(frame), ReorderConfig.drain

        if self.ring in depths:
            found.append(Wait(taken.events, taken.events.span(frame), self.issued, room, self.ring))
        there = later(taken, frame * values + self.needed, ReorderConfig.arrival)
        found.append(Wait(self.issued, self.issued.span(frame), taken.events, there))
        if self.fifo in depths:
            left = later(given, given.frame(frame) - depths[self.fifo], 1)
            found.append(Wait(self.issued, self.issued.span(frame), given.events, left, self.fifo))
        found += [
            Chain(self.issued, frame, np.arange(values), 1),
            Wait(given.events, given.events.span(frame), self.issued, read),
            Chain(given.events, frame, np.arange(values), 1),
        ]
        return found
