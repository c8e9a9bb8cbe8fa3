"""Pooling: torch's, of Brevitas's quantised tensors; an average is rounded by a Brevitas quantiser.

A block's number of pixels is a power of two, so an average in float64 is exact.
"""

from __future__ import annotations

import torch
from torch import nn

from hwgen.ir.nodes import AveragePool, MaxPool
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantised, quantiser
from hwgen.train.quantisers import plain


@golden_node.register
def _(node: MaxPool, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        largest = nn.functional.max_pool2d(plain(quantised(x, node.type, node.exponent)), node.kernel)
        return integers(largest, node.exponent)


@golden_node.register
def _(node: AveragePool, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        average = nn.functional.avg_pool2d(plain(quantised(x, node.input, node.input_exponent)), node.kernel)
        return integers(quantiser(node.output, node.output_exponent)(average), node.output_exponent)
