"""The hardware side of taking pixels apart; none where the first component takes whole pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.lower.base import Buffer, Lowering, NodeEvents, Options, Steady, amounts
from hwgen.plan.events import Beats
from hwgen.rtl.pixels import PixelSerialiserConfig
from hwgen.rtl.primitives import Cost


@dataclass(frozen=True)
class Serialising:
    """Values per beat behind it, and how many pixels it holds."""

    lanes: int
    depth: int = PixelSerialiserConfig.default_depth


class PixelSerialiserLowering(Lowering[Serialising]):
    """Whole pixels in; single values out, or whole pixels through a wire."""

    @property
    def lanes_offered(self) -> list[int]:
        """A value, or a pixel."""
        return sorted({1, self.output.channels})

    @property
    def lanes_accepted(self) -> None:
        """A pixel: what the port gives."""
        return

    def options(self, board: Board, inputs: Sequence[Sequence[int]], outputs: Sequence[int]) -> Options[Serialising]:
        """Both, of pixels of several values."""
        choices = tuple(Serialising(lanes) for lanes in sorted(outputs, reverse=True))  # by rising cycles
        return Options(
            np.array([self.cycles(config) for config in choices], dtype=np.int64),
            np.array([amounts(self.cost(config, board.family)) for config in choices], dtype=np.int64),
            np.array([(0, config.lanes) for config in choices], dtype=np.int64),
            choices,
        )

    def is_wire(self, config: Serialising) -> bool:
        """Whether nothing is taken apart."""
        return config.lanes == self.output.channels

    def component(self, config: Serialising) -> PixelSerialiserConfig:
        """The component's config."""
        return PixelSerialiserConfig(self.output.channels, self.output.type.bits, config.depth)

    def cost(self, config: Serialising, family: str) -> Cost:
        """The component's own."""
        if self.is_wire(config):
            return Cost()
        return self.component(config).cost(family)

    def cycles(self, config: Serialising) -> int:
        """A beat in every cycle."""
        return self.output.pixels * self.output.beats(config.lanes)

    def build(self, config: Serialising) -> Component | None:
        """The serialiser, or nothing."""
        if self.is_wire(config):
            return None
        return self.component(config).build()

    def buffers(self, config: Serialising) -> tuple[Buffer, ...]:
        """The pixels that it holds."""
        if self.is_wire(config):
            return ()
        full_rate = PixelSerialiserConfig.default_depth
        return (Buffer(self.name, "pixels", self.name, 0, 1, full_rate, full_rate),)

    def with_depths(self, config: Serialising, depths: Mapping[str, int]) -> Serialising:
        """With the number of pixels that it holds."""
        return replace(config, depth=depths["pixels"]) if "pixels" in depths else config

    def depths(self, config: Serialising) -> dict[str, int]:
        """As `buffers`."""
        return {} if self.is_wire(config) else {self.name: config.depth}

    def events(self, config: Serialising, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents | None:
        """None."""
        return None

    def steady(self, config: Serialising) -> Steady:
        """A cycle; where a single pixel is held, every pixel takes one more."""
        if self.is_wire(config):
            return Steady(0, 0)
        return Steady(PixelSerialiserConfig.latency, PixelSerialiserConfig.latency, self.buffers(config)[0])

    def manifest(self, config: Serialising) -> dict[str, Any]:
        """Nothing."""
        return {}

    def lanes_in(self, config: Serialising) -> int:
        """A pixel."""
        return self.output.channels

    def lanes_out(self, config: Serialising) -> int:
        """As chosen."""
        return config.lanes
