"""Functions as tables: Brevitas has none; it is the table itself."""

from __future__ import annotations

from hwgen.ir.nodes import Table
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node


@golden_node.register
def _(node: Table, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    return node.values[x % len(node.values)]
