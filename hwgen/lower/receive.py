"""The hardware side of received symbols' quantisation."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.graph import Receive
from hwgen.lower.base import shape_of
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl.primitives import Cost
from hwgen.rtl.received import Received


class ReceiveLowering(ValueByValueLowering):
    """A shift with rounding."""

    node: Receive
    latency = Received.latency
    default_depth = Received.places

    def cost(self, config: Fixed, family: str) -> Cost:
        """The component's own."""
        node = self.node
        return Received.cost_of(shape_of(node.input), node.shift, shape_of(node.output), family, node.coarse)

    def build(self, config: Fixed) -> Component:
        """The shift."""
        node = self.node
        return Received(
            input=shape_of(node.input), shift=node.shift, output=shape_of(node.output), places=config.depth,
            coarse=node.coarse,
        )  # fmt: skip

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Shift, and the grid of imaginary parts where they have one of their own."""
        node = self.node
        complex_parts = {"imag_bits": node.imag_bits, "imag_left": node.imag_left} if node.coarse else {}
        return {"shift": node.shift} | complex_parts
