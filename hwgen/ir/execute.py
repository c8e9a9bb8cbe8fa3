"""NumPy interpreter of the integer graph: exact, every node's output kept.

Sums run as float64 matrix products (BLAS): every partial sum is an integer below
2**MAX_ACCUMULATOR_BITS < 2**53 in magnitude, so float64 holds all of them exactly in any order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.fixedpoint import IntArray, pack_symbols, prelu, requantise
from hwgen.ir.graph import Conv2d, Gain, Graph, Node

CHUNK_VALUES = 1 << 22
"""Largest number of im2col values at once (32 MiB of float64)."""


def accumulate(node: Conv2d, x: IntArray) -> IntArray:
    """The accumulators of a convolution: (H, W, in_channels) int64 to (H', W', out_channels) int64."""
    rows, columns = node.output_size(x.shape[0], x.shape[1])
    k, s, p = node.kernel, node.stride, node.padding
    padded = np.pad(x, ((p, p), (p, p), (0, 0))).astype(np.float64)
    # (row, column, channel, i, j): a view, copied in blocks of rows
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(0, 1))[::s, ::s][:rows, :columns]
    matrix = node.weight.reshape(node.out_channels, -1).T.astype(np.float64)
    out = np.empty((rows, columns, node.out_channels), dtype=np.int64)
    block = max(1, CHUNK_VALUES // (columns * matrix.shape[0]))
    for top in range(0, rows, block):
        part = windows[top : top + block]
        flat = part.reshape(part.shape[0] * columns, -1)
        out[top : top + block] = (flat @ matrix).reshape(part.shape[0], columns, -1)
    return np.asarray(out + node.bias, dtype=np.int64)


def activate(node: Conv2d, acc: IntArray) -> IntArray:
    """Activation and requantisation of accumulators whose last axis is the output channel."""
    if node.activation == "prelu":
        assert node.slope is not None  # the node's constructor has seen to it
        wide = prelu(acc, node.slope, node.slope_fraction)
        return requantise(wide, node.shift + node.slope_fraction, node.output.bits, node.output.signed)
    return requantise(acc, node.shift, node.output.bits, node.output.signed)


def execute_node(node: Node, x: IntArray) -> IntArray:
    """Output (H', W', C') int64 of one node for its input (H, W, C) int64."""
    if isinstance(node, Conv2d):
        return activate(node, accumulate(node, x))
    if isinstance(node, Gain):
        return requantise(x * node.factor, node.shift, node.output.bits, node.output.signed)
    raise TypeError(f"node: wanted Conv2d or Gain, got {type(node).__name__}")


def execute(graph: Graph, pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.int64] | npt.NDArray[np.uint32]]:
    """Run a graph on one frame.

    Parameters
    ----------
    pixels
        (H, W, 3) uint8, R G B.

    Returns
    -------
    "pixels" and every node's name to its (H, W, C) int64 output, in order; then "symbols" to the (k,) uint32
    words, I in the low 16 bits, Q in the high ones.

    Raises
    ------
    HwgenError
        The pixels are not of that shape and type, or the graph's strides do not divide H and W.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != graph.input_channels:
        raise HwgenError("pixels", f"uint8 (H, W, {graph.input_channels})", f"{pixels.dtype} {pixels.shape}")
    graph.shapes(pixels.shape[1], pixels.shape[0])
    x: IntArray = pixels.astype(np.int64)
    found: dict[str, npt.NDArray[np.int64] | npt.NDArray[np.uint32]] = {"pixels": x}
    for node in graph.nodes:
        x = execute_node(node, x)
        found[node.name] = x
    found["symbols"] = pack_symbols(x)
    return found
