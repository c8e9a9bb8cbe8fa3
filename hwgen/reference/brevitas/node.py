"""The golden answer of every kind of node but convolutions: in Brevitas where it has the layer, and in float64.

The largest value and the average of windows are torch's, of Brevitas's quantised tensors. An average of as many pixels
as a power of two is exact in float64. Another one lies at least 1 / (2 * pixels) of a step beside every tie, far more
than float64's error, so it is rounded as it is.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import torch
from torch import nn

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT
from hwgen.ir.node import Node
from hwgen.ir.nodes import (
    Add,
    Alamouti,
    AveragePool,
    Concat,
    DepthToSpace,
    Gain,
    MatrixProduct,
    MaxPool,
    Power,
    Receive,
    SpaceToDepth,
    Table,
)
from hwgen.ir.nodes.matrix_product import COEFFICIENT_FRACTION
from hwgen.numerics.complex import conjugated, negated, power_normalise
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.tensors import integers, quantised, quantiser, quantiser_of_parts, real
from hwgen.train.quantisers import plain


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


@golden_node.register
def _(node: Add, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    first, second = inputs
    with torch.no_grad():
        total = plain(quantised(first, node.input, node.input_exponent)) + plain(
            quantised(second, node.other, node.input_exponent)
        )
        return integers(quantiser(node.output, node.output_exponent)(total), node.output_exponent)


@golden_node.register
def _(node: Concat, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    with torch.no_grad():
        branches = [plain(quantised(x, node.type, node.exponent)) for x in inputs]
        return integers(torch.cat(branches, dim=1), node.exponent)


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


@golden_node.register
def _(node: Table, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    # Brevitas has none: the table itself.
    (x,) = inputs
    return node.values[x % len(node.values)]


@golden_node.register
def _(node: Gain, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    # Brevitas has none: a product in float64, rounded by a Brevitas quantiser.
    (x,) = inputs
    with torch.no_grad():
        scaled = real(x * node.scale, 0) * 2.0 ** (node.output_exponent - node.shift)
        return integers(quantiser(node.output, node.output_exponent)(scaled), node.output_exponent)


@golden_node.register
def _(node: Power, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    # Brevitas has none: the integer rule itself.
    (x,) = inputs
    return power_normalise(x, node.power)


@golden_node.register
def _(node: Receive, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    # Two quantisers where imaginary parts have a grid of their own.
    (x,) = inputs
    with torch.no_grad():
        layer = quantiser_of_parts(node.output, node.output_exponent, node.coarse)
        scaled = real(x * node.scale, node.input_exponent - node.factor_fraction)
        return integers(layer(scaled), node.output_exponent)


@golden_node.register
def _(node: MatrixProduct, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    # Brevitas has none: torch's complex product in float64, rounded by a Brevitas quantiser.
    (symbols,) = inputs
    shape = (node.tables, node.rows, node.columns, 2)
    if coefficients is None or coefficients.shape != shape:
        got = None if coefficients is None else coefficients.shape
        raise HwgenError(f"{node.name}: coefficients", f"integers of shape {shape}", str(got))
    groups = symbols.reshape(-1, node.columns, 2)
    groups = np.where(np.array(node.conjugate)[:, None], conjugated(groups), groups)
    x = torch.view_as_complex(torch.from_numpy(groups.astype(np.float64)))
    matrices = torch.view_as_complex(torch.from_numpy(np.ascontiguousarray(coefficients).astype(np.float64)))
    turns = torch.arange(len(x)) % node.tables
    # Parts of 16 bits: products and the sum of eight of them are far below 2**53.
    product = (matrices[turns] @ x[:, :, None])[..., 0]
    scaled = torch.view_as_real(product) * 2.0 ** (SYMBOL_EXPONENT - COEFFICIENT_FRACTION)
    with torch.no_grad():
        rounded = plain(quantiser(SYMBOL, SYMBOL_EXPONENT)(scaled)) * 2.0**-SYMBOL_EXPONENT
    return rounded.numpy().astype(np.int64).reshape(1, -1, 2)


@golden_node.register
def _(node: Alamouti, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    # Brevitas has none: plain array operations.
    (x,) = inputs
    pairs = x.reshape(-1, 2, 2)
    first, second = pairs[:, 0], pairs[:, 1]
    minus = np.stack([negated(second[:, 0]), second[:, 1]], axis=-1)  # -conj(s) = -re + j im
    return np.stack([first, second, minus, conjugated(first)], axis=1).reshape(1, -1, 2)
