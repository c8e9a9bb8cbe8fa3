"""Pooling: torch's, of Brevitas's quantised tensors; an average is rounded by a Brevitas quantiser.

The average of a window whose number of pixels is a power of two is exact in float64. Of another one it lies at least
1 / (2 * pixels) of a step beside every tie, far more than float64's error, so it is rounded as it is.
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
        values = plain(quantised(x, node.type, node.exponent))
        largest = nn.functional.max_pool2d(values, node.kernel, node.stride, node.padding)
        return integers(largest, node.exponent)


@golden_node.register
def _(node: AveragePool, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        values = plain(quantised(x, node.input, node.input_exponent))
        average = nn.functional.avg_pool2d(values, node.kernel, node.stride, node.padding)
        return integers(quantiser(node.output, node.output_exponent)(average), node.output_exponent)
