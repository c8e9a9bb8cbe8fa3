"""NumPy interpreter of the integer graph: exact, every node's output kept.

Sums run as float64 matrix products (BLAS): every partial sum is an integer below
2**MAX_ACCUMULATOR_BITS < 2**53 in magnitude, so float64 holds all of them exactly in any order.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.ir.graph import (
    Alamouti,
    Conv2d,
    Convolution,
    ConvTranspose2d,
    Gain,
    Graph,
    MatrixProduct,
    Node,
    Power,
    Receive,
    Table,
)
from hwgen.numerics.complex import alamouti_encode, matrix_product, power_normalise
from hwgen.numerics.integer import IntArray, pack_symbols, prelu, requantise, requantise_parts, unpack_symbols

CHUNK_VALUES = 1 << 22
"""Largest number of im2col values at once (32 MiB of float64)."""

Frame = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
Outputs = dict[str, npt.NDArray[np.int64] | npt.NDArray[np.uint32] | npt.NDArray[np.uint8]]


@singledispatch
def accumulate(node: object, x: IntArray) -> IntArray:
    """The accumulators of a convolution: (H, W, in_channels) int64 to (H', W', out_channels) int64."""
    raise TypeError(f"node: wanted a convolution, got {type(node).__name__}")


@accumulate.register
def _(node: Conv2d, x: IntArray) -> IntArray:
    rows, columns = node.output_size(x.shape[0], x.shape[1])
    p = node.padding
    padded = np.pad(x, ((p, p), (p, p), (0, 0)))
    return _correlate(padded, node.weight, node.stride)[:rows, :columns] + node.bias


@accumulate.register
def _(node: ConvTranspose2d, x: IntArray) -> IntArray:
    rows, columns = node.output_size(x.shape[0], x.shape[1])
    k, s, p = node.kernel, node.stride, node.padding
    # The outputs of one row phase and column phase are a plain convolution with every s-th tap, in reverse order.
    # Output y has the taps of phase (y + p) % s, the first of them on input row (y + p) // s.
    ends = (rows - 1 + p) // s, (columns - 1 + p) // s
    padded = np.pad(
        x, tuple((k - 1, max(0, end + 1 - size)) for end, size in zip(ends, x.shape, strict=False)) + ((0, 0),)
    )
    out = np.zeros((rows, columns, node.out_channels), dtype=np.int64)
    for row_phase in range(min(s, k)):
        for column_phase in range(min(s, k)):
            part = node.weight[:, :, row_phase::s, column_phase::s][:, :, ::-1, ::-1]
            sums = _correlate(padded[k - part.shape[2] :, k - part.shape[3] :], part, 1)
            y, x0 = (row_phase - p) % s, (column_phase - p) % s  # the first output of the phase
            here = out[y::s, x0::s]
            first_row, first_column = (y + p) // s, (x0 + p) // s
            here += sums[first_row : first_row + here.shape[0], first_column : first_column + here.shape[1]]
    return out + node.bias


def _correlate(padded: IntArray, weight: IntArray, stride: int) -> IntArray:
    """Sums of weight (O, I, K, L) over every window of (H, W, I), `stride` apart."""
    out_channels, _, height, width = weight.shape
    # (row, column, channel, i, j): a view, copied in blocks of rows
    windows = np.lib.stride_tricks.sliding_window_view(padded.astype(np.float64), (height, width), axis=(0, 1))
    windows = windows[::stride, ::stride]
    rows, columns = windows.shape[:2]
    matrix = weight.reshape(out_channels, -1).T.astype(np.float64)
    out = np.empty((rows, columns, out_channels), dtype=np.int64)
    block = max(1, CHUNK_VALUES // (columns * matrix.shape[0]))
    for top in range(0, rows, block):
        part = windows[top : top + block]
        flat = part.reshape(part.shape[0] * columns, -1)
        out[top : top + block] = (flat @ matrix).reshape(part.shape[0], columns, -1)
    return out


def activate(node: Convolution, acc: IntArray) -> IntArray:
    """Activation and requantisation of accumulators whose last axis is the output channel."""
    shift = node.shift
    if node.activation == "prelu":
        assert node.slope is not None  # the node's constructor has seen to it
        acc, shift = prelu(acc, node.slope, node.slope_fraction), shift + node.slope_fraction
    return requantise_parts(acc, shift, node.output.bits, node.output.signed, node.coarse)


@singledispatch
def execute_node(node: object, x: IntArray) -> IntArray:
    """Output (H', W', C') int64 of one node for its input (H, W, C) int64."""
    raise TypeError(f"node: wanted one that takes values, got {type(node).__name__}")


@execute_node.register
def _(node: Convolution, x: IntArray) -> IntArray:
    return activate(node, accumulate(node, x))


@execute_node.register
def _(node: Gain, x: IntArray) -> IntArray:
    return requantise(x * node.factor, node.shift, node.output.bits, node.output.signed)


@execute_node.register
def _(node: Power, x: IntArray) -> IntArray:
    return power_normalise(x, node.power)


@execute_node.register
def _(node: Receive, x: IntArray) -> IntArray:
    shift = np.full(node.channels, node.shift, dtype=np.int64)
    shift[1::2] += node.imag_left
    return requantise_parts(x, shift, node.output.bits, node.output.signed, node.coarse)


@execute_node.register
def _(node: Table, x: IntArray) -> IntArray:
    return node.values[x & ((1 << node.input.bits) - 1)]


def execute_symbols(node: Node, symbols: IntArray, coefficients: IntArray | None) -> IntArray:
    """Output (k', 2) int64 of a symbol-level node for its input (k, 2) int64.

    coefficients : (tables, rows, columns, 2) int64 of a `MatrixProduct`
    """
    if isinstance(node, Alamouti):
        return alamouti_encode(symbols)
    if not isinstance(node, MatrixProduct):
        raise TypeError(f"node: wanted one that takes symbols, got {type(node).__name__}")
    wanted = (node.tables, node.rows, node.columns, 2)
    got = None if coefficients is None else coefficients.shape
    if coefficients is None or got != wanted:
        raise HwgenError(f"{node.name}: coefficients", f"integers of shape {wanted}", str(got))
    return matrix_product(symbols, coefficients, node.conjugate)


def execute(
    graph: Graph, frame: Frame, coefficients: IntArray | None = None, size: tuple[int, int] | None = None
) -> Outputs:
    """Run a graph on one frame.

    Parameters
    ----------
    frame
        tx: (H, W, 3) uint8 pixels, R G B. rx: (words,) uint32 received symbols, I in the low 16 bits, Q in the high
        ones.
    coefficients
        (tables, rows, columns, 2) int64 of a precoder's or equaliser's `MatrixProduct`.
    size
        rx: (width, height) of the image, by default the graph's own.

    Returns
    -------
    tx: "pixels" and every node's name to its (H, W, C) int64 output, in order; then "symbols" to the (words,) uint32
    words that are sent. rx: "symbols" to the words, every node's name, "pixels" to the (H, W, 3) uint8 image. The
    output of a symbol-level node is (1, words, 2).

    Raises
    ------
    HwgenError
        The frame or the coefficients are not of that shape and type, or the graph's strides do not divide H and W.
    """
    if graph.side == "rx":
        return _execute_rx(graph, frame, *(size or graph.frame), coefficients)
    pixels = frame
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != graph.input_channels:
        raise HwgenError("pixels", f"uint8 (H, W, {graph.input_channels})", f"{pixels.dtype} {pixels.shape}")
    graph.shapes(pixels.shape[1], pixels.shape[0])
    x: IntArray = pixels.astype(np.int64)
    found: Outputs = {"pixels": x}
    for node in graph.value_nodes:
        x = execute_node(node, x)
        found[node.name] = x
    words = pack_symbols(x)
    if (last := graph.symbol_node) is not None:
        symbols = execute_symbols(last, unpack_symbols(words), coefficients)
        found[last.name] = symbols[None]
        words = pack_symbols(symbols)
    return found | {"symbols": words}


def _execute_rx(graph: Graph, words: Frame, width: int, height: int, coefficients: IntArray | None) -> Outputs:
    shapes = graph.shapes(width, height)
    wanted = graph.symbols(width, height)
    if words.dtype != np.uint32 or words.shape != (wanted,):
        raise HwgenError("symbols", f"uint32 ({wanted},)", f"{words.dtype} {words.shape}")
    found: Outputs = {"symbols": words.astype(np.uint32)}
    symbols = unpack_symbols(words.astype(np.uint32))
    if (first := graph.symbol_node) is not None:
        symbols = execute_symbols(first, symbols, coefficients)
        found[first.name] = symbols[None]
    latent = shapes["symbols"]
    x = symbols.reshape(-1)[: latent[0] * latent[1] * latent[2]].reshape(latent)
    for node in graph.value_nodes:
        x = execute_node(node, x)
        found[node.name] = x
    return found | {"pixels": x.astype(np.uint8)}
