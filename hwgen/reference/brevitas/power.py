"""The power normalisation of every image: Brevitas has none; it is the integer rule itself."""

from __future__ import annotations

from hwgen.ir.nodes import Power
from hwgen.numerics.complex import power_normalise
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node


@golden_node.register
def _(node: Power, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    return power_normalise(x, node.power)
