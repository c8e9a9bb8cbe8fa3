"""Concatenation of branches: torch's, of Brevitas's quantised tensors."""

from __future__ import annotations

import torch

from hwgen.ir.nodes import Concat
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantised
from hwgen.train.quantisers import plain


@golden_node.register
def _(node: Concat, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    with torch.no_grad():
        branches = [plain(quantised(x, node.type, node.exponent)) for x in inputs]
        return integers(torch.cat(branches, dim=1), node.exponent)
