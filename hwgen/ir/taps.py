"""A convolution's taps: which have met inputs that are not zero, and the weights that they have."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import numpy.typing as npt

from hwgen.ir.nodes import Conv2d, Convolution, ConvTranspose2d
from hwgen.numerics.integer import IntArray

Truths = npt.NDArray[np.bool_]


@singledispatch
def touched(node: Convolution, nonzero: Truths) -> Truths:
    """(in_channels, kernel_height, kernel_width): whether a tap was multiplied by an input that is not zero.

    nonzero : (H, W, in_channels), where the input is not zero
    """
    raise TypeError(f"no taps of {type(node).__name__}")


@touched.register
def _(node: Conv2d, nonzero: Truths) -> Truths:
    rows, columns = node.output_size(*nonzero.shape[:2])
    p, q = node.padding_height, node.padding_width
    padded = np.pad(nonzero, ((p, p), (q, q), (0, 0)))
    found = np.zeros((node.in_channels, node.kernel_height, node.kernel_width), dtype=bool)
    for i in range(node.kernel_height):
        first = i * node.dilation
        every = np.asarray(padded[first : first + (rows - 1) * node.stride + 1 : node.stride].any(axis=0))
        for j in range(node.kernel_width):
            left = j * node.dilation
            found[:, i, j] = every[left : left + (columns - 1) * node.stride + 1 : node.stride].any(axis=0)
    return found


@touched.register
def _(node: ConvTranspose2d, nonzero: Truths) -> Truths:
    height, width, _ = nonzero.shape
    rows, columns = node.output_size(height, width)
    found = np.zeros((node.in_channels, node.kernel, node.kernel), dtype=bool)
    for i in range(node.kernel):
        at = np.arange(height) * node.stride + i - node.padding  # the output row that an input row falls on
        every = np.asarray(nonzero[(at >= 0) & (at < rows)].any(axis=0))
        for j in range(node.kernel):
            at = np.arange(width) * node.stride + j - node.padding
            found[:, i, j] = every[(at >= 0) & (at < columns)].any(axis=0)
    return found


def weights_per_tap(node: Convolution) -> IntArray:
    """(in_channels, kernel_height, kernel_width): how many weights that are not 0 a tap has, one or none an output."""
    outputs = node.out_channels // node.groups
    parts = (node.weight != 0).reshape(node.groups, outputs, *node.weight.shape[1:])
    return parts.sum(axis=1).reshape(node.in_channels, *node.weight.shape[2:]).astype(np.int64)
