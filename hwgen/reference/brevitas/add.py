"""Sum of two branches: of Brevitas's quantised tensors, rounded by a Brevitas quantiser."""

from __future__ import annotations

import torch

from hwgen.ir.nodes import Add
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantised, quantiser
from hwgen.train.quantisers import plain


@golden_node.register
def _(node: Add, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    first, second = inputs
    with torch.no_grad():
        total = plain(quantised(first, node.input, node.input_exponent)) + plain(
            quantised(second, node.other, node.input_exponent)
        )
        return integers(quantiser(node.output, node.output_exponent)(total), node.output_exponent)
