"""A static gain's hardware side."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.graph import Gain
from hwgen.lower.base import shape_of
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl import gain as rtl_gain
from hwgen.rtl.primitives import Cost


class GainLowering(ValueByValueLowering):
    """One multiplier."""

    node: Gain
    latency = rtl_gain.Gain.latency
    default_depth = rtl_gain.Gain.places

    def cost(self, config: Fixed, family: str) -> Cost:
        """The component's own."""
        node = self.node
        shapes = shape_of(node.input), shape_of(node.output)
        return rtl_gain.Gain.cost_of(shapes[0], node.factor, node.shift, shapes[1], family, config.depth)

    def build(self, config: Fixed) -> Component:
        """The multiplier with its factor."""
        node = self.node
        return rtl_gain.Gain(
            input=shape_of(node.input), factor=node.factor, shift=node.shift, output=shape_of(node.output),
            places=config.depth,
        )  # fmt: skip

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Factor and shift."""
        return {"factor": self.node.factor, "shift": self.node.shift}
