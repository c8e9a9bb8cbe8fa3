"""Alamouti's code: Brevitas has none; plain array operations."""

from __future__ import annotations

import numpy as np

from hwgen.ir.nodes import Alamouti
from hwgen.numerics.complex import conjugated, negated
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node


@golden_node.register
def _(node: Alamouti, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    pairs = x.reshape(-1, 2, 2)
    first, second = pairs[:, 0], pairs[:, 1]
    minus = np.stack([negated(second[:, 0]), second[:, 1]], axis=-1)  # -conj(s) = -re + j im
    return np.stack([first, second, minus, conjugated(first)], axis=1).reshape(1, -1, 2)
