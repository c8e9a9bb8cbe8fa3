"""The hardware side of the power normalisation of every image."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Power
from hwgen.lower.base import Steady, shape_of
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl import power as rtl_power
from hwgen.rtl.primitives import Cost


class PowerLowering(EndLowering[NoChoice]):
    """A frame's values wait for their energy."""

    node: Power
    choices = (NoChoice(),)

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return rtl_power.Power.cost_of(shape_of(self.node.input), self.output.values, self.node.power, family)

    def cycles(self, config: NoChoice) -> int:
        """A frame's values, or what its gain takes."""
        return rtl_power.Power.frame_cycles_of(shape_of(self.node.input), self.output.values)

    def build(self, config: NoChoice) -> Component:
        """The normaliser of frames of that many values."""
        return rtl_power.Power(input=shape_of(self.node.input), values=self.output.values, power=self.node.power)

    def depths(self, config: NoChoice) -> dict[str, int]:
        """Of the values that wait, and of the FIFO."""
        depth = rtl_power.Power.depth_of(shape_of(self.node.input), self.output.values)
        return {f"{self.name}.ring": depth, f"{self.name}.fifo": rtl_power.Power.places}

    def steady(self, config: NoChoice) -> Steady:
        """Nothing leaves before all of the frame is there."""
        latency = rtl_power.Power.latency_of(shape_of(self.node.input), self.output.values)
        return Steady(latency + self.output.values - 1, latency + self.output.values - 1)

    def manifest(self, config: NoChoice) -> dict[str, Any]:
        """The power."""
        return {"power": self.node.power}
