"""A static gain's hardware side."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Gain
from hwgen.lower.base import shape_of
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl.gain import GainConfig


class GainLowering(ValueByValueLowering):
    """One multiplier."""

    node: Gain
    latency = GainConfig.latency
    default_depth = GainConfig.default_depth

    def component(self, config: Fixed) -> GainConfig:
        """The component's config."""
        node = self.node
        return GainConfig(shape_of(node.input), node.factor, node.shift, shape_of(node.output), config.depth)

    def build(self, config: Fixed) -> Component:
        """The multiplier with its factor."""
        return self.component(config).build()

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Factor and shift."""
        return {"factor": self.node.factor, "shift": self.node.shift}
