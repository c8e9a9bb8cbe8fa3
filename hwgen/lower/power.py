"""The hardware side of the power normalisation of every image."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.board import Board
from hwgen.ir.nodes import Power
from hwgen.lower.base import Steady, shape_of
from hwgen.lower.end import EndLowering
from hwgen.rtl.power import PowerNormaliserConfig
from hwgen.rtl.primitives import Cost
from hwgen.rtl.storage import Storage


class PowerLowering(EndLowering[Storage]):
    """A frame's values wait for their energy; its config is where."""

    node: Power

    @property
    def choices(self) -> tuple[Storage, ...]:  # type: ignore[override]
        """Block RAM, or LUTs if they are few."""
        return (self.storage,)

    def choices_on(self, board: Board) -> tuple[Storage, ...]:
        """UltraRAM as well."""
        return self.storage.choices(self.component(self.storage).buffer_depth, board.resources.uram > 0)

    def component(self, config: Storage) -> PowerNormaliserConfig:
        """The component's config."""
        return PowerNormaliserConfig(
            input=shape_of(self.node.input), values=self.output.values, power=self.node.power, storage=config
        )

    def cost(self, config: Storage, family: str) -> Cost:
        """The component's own."""
        return self.component(config).cost(family)

    def cycles(self, config: Storage) -> int:
        """A frame's values, or what its gain takes."""
        return self.component(config).frame_cycles

    def build(self, config: Storage) -> Component:
        """The normaliser of frames of that many values."""
        return self.component(config).build()

    def depths(self, config: Storage) -> dict[str, int]:
        """Depths of the ring, where values wait, and of the FIFO."""
        component = self.component(config)
        return {f"{self.name}.ring": component.buffer_depth, f"{self.name}.fifo": component.depth}

    def steady(self, config: Storage) -> Steady:
        """Nothing leaves before all of the frame is there."""
        latency = self.component(config).latency
        return Steady(latency + self.output.values - 1, latency + self.output.values - 1)

    def manifest(self, config: Storage) -> dict[str, Any]:
        """The power."""
        return {"power": self.node.power}
