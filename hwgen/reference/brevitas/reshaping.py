"""Space to depth and back: torch's pixel_unshuffle and pixel_shuffle."""

from __future__ import annotations

import torch
from torch import nn

from hwgen.ir.nodes import DepthToSpace, SpaceToDepth
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantised
from hwgen.train.quantisers import plain


@golden_node.register
def _(node: SpaceToDepth, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        blocks = nn.functional.pixel_unshuffle(plain(quantised(x, node.type, node.exponent)), node.factor)
        return integers(blocks, node.exponent)


@golden_node.register
def _(node: DepthToSpace, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        pixels = nn.functional.pixel_shuffle(plain(quantised(x, node.type, node.exponent)), node.factor)
        return integers(pixels, node.exponent)
