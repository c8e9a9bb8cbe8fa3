"""The quantiser of received symbols' parts: one of Brevitas's, or one each for real and imaginary parts."""

from __future__ import annotations

import torch

from hwgen.ir.nodes import Receive
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantiser_of_parts, real


@golden_node.register
def _(node: Receive, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        layer = quantiser_of_parts(node.output, node.output_exponent, node.coarse)
        return integers(layer(real(x, node.input_exponent)), node.output_exponent)
