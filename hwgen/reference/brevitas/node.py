"""What every kind of node answers: its output in Brevitas."""

from __future__ import annotations

from functools import singledispatch

from hwgen.ir.node import Node
from hwgen.numerics.integer import IntArray


@singledispatch
def golden_node(node: Node, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    """One node's output, computed by Brevitas in float64.

    Parameters
    ----------
    node
        Its integers are loaded into fresh Brevitas layers.
    inputs
        (H, W, C) int64; symbols are (1, words, 2).
    coefficients
        (tables, rows, columns, 2) int64, for a matrix product.

    Returns
    -------
    (H', W', C') int64.

    Raises
    ------
    HwgenError
        The node's products would not be exact in float64; coefficients of another shape.
    TypeError
        A kind of node without an answer.
    """
    raise TypeError(f"node: wanted a kind that Brevitas has an answer for, got {type(node).__name__}")
