"""A table's hardware side."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Table
from hwgen.lower.base import shape_of
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl.table import TableConfig


class TableLowering(ValueByValueLowering):
    """One memory."""

    node: Table
    latency = TableConfig.latency
    default_depth = TableConfig.default_depth

    def component(self, config: Fixed) -> TableConfig:
        """The component's config."""
        return TableConfig(shape_of(self.node.input), self.node.output.bits, config.depth, self.half_block_luts)

    def build(self, config: Fixed) -> Component:
        """The memory with its values."""
        # Of signed entries the memory holds two's complement.
        return self.component(config).build((self.node.values & (1 << self.node.output.bits) - 1).tolist())

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Nothing: graph.json has the values."""
        return {}
