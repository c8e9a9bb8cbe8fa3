"""A table's hardware side."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.graph import Table
from hwgen.lower.base import shape_of
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl import table as rtl_table
from hwgen.rtl.primitives import Cost


class TableLowering(ValueByValueLowering):
    """One memory."""

    node: Table
    latency = rtl_table.Table.latency
    default_depth = rtl_table.Table.places

    def cost(self, config: Fixed, family: str) -> Cost:
        """The component's own."""
        node = self.node
        return rtl_table.Table.cost_of(shape_of(node.input), family, node.output.bits, config.depth)

    def build(self, config: Fixed) -> Component:
        """The memory with its values."""
        node = self.node
        return rtl_table.Table(node.values.tolist(), shape_of(node.input), node.output.bits, config.depth)

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Nothing: graph.json has the values."""
        return {}
