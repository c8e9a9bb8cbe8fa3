"""The static gain: Brevitas has none; a product in float64, rounded by a Brevitas quantiser."""

from __future__ import annotations

import torch

from hwgen.ir.nodes import Gain
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantiser, real


@golden_node.register
def _(node: Gain, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        scaled = real(x, 0) * node.factor * 2.0 ** (node.output_exponent - node.shift)
        return integers(quantiser(node.output, node.output_exponent)(scaled), node.output_exponent)
