"""The hardware side of the power normalisation of every image."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Power
from hwgen.lower.base import Steady, shape_of
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl.power import PowerNormaliserConfig
from hwgen.rtl.primitives import Cost


class PowerLowering(EndLowering[NoChoice]):
    """A frame's values wait for their energy."""

    node: Power
    choices = (NoChoice(),)

    @property
    def component(self) -> PowerNormaliserConfig:
        """The component's config."""
        return PowerNormaliserConfig(
            input=shape_of(self.node.input), values=self.output.values, power=self.node.power, storage=self.storage
        )

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return self.component.cost(family)

    def cycles(self, config: NoChoice) -> int:
        """A frame's values, or what its gain takes."""
        return self.component.frame_cycles

    def build(self, config: NoChoice) -> Component:
        """The normaliser of frames of that many values."""
        return self.component.build()

    def depths(self, config: NoChoice) -> dict[str, int]:
        """Of the values that wait, and of the FIFO."""
        component = self.component
        return {f"{self.name}.ring": component.buffer_depth, f"{self.name}.fifo": component.depth}

    def steady(self, config: NoChoice) -> Steady:
        """Nothing leaves before all of the frame is there."""
        latency = self.component.latency
        return Steady(latency + self.output.values - 1, latency + self.output.values - 1)

    def manifest(self, config: NoChoice) -> dict[str, Any]:
        """The power."""
        return {"power": self.node.power}
