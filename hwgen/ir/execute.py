"""NumPy interpreter of the integer graph: exact, every node's output kept."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.ir.edge import Shape
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_symbols, unpack_symbols

Frame = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
Outputs = dict[str, npt.NDArray[np.int64] | npt.NDArray[np.uint32] | npt.NDArray[np.uint8]]


def execute_symbols(node: Node, symbols: IntArray, coefficients: IntArray | None) -> IntArray:
    """Output (k', 2) int64 of a symbol-level node for its input (k, 2) int64.

    coefficients : (tables, rows, columns, 2) int64 of a `MatrixProduct`
    """
    return node.execute(symbols[None], coefficients=coefficients)[0]


def execute(
    graph: Graph, frame: Frame, coefficients: IntArray | None = None, size: tuple[int, int] | None = None
) -> Outputs:
    """Run a graph on one frame.

    Parameters
    ----------
    frame
        tx: (H, W, input_channels) uint8 pixels, R G B or grey. rx: (words,) uint32 received symbols, I in the low
        16 bits, Q in the high ones.
    coefficients
        (tables, rows, columns, 2) int64 of a precoder's or equaliser's `MatrixProduct`.
    size
        rx: (width, height) of the image, by default the graph's own.

    Returns
    -------
    tx: "pixels" and every node's name to its (H, W, C) int64 output, in order; then "symbols" to the (words,) uint32
    words that are sent. rx: "symbols" to the words, every node's name, "pixels" to the (H, W, C) uint8 image. The
    output of a symbol-level node is (1, words, 2).

    Raises
    ------
    HwgenError
        The frame or the coefficients are not of that shape and type, or `frame_multiple` does not divide H and W.
    """
    return run(graph, frame, lambda node, *inputs: node.execute(*inputs, coefficients=coefficients), size)


def run(
    graph: Graph, frame: Frame, answer: Callable[..., IntArray], size: tuple[int, int] | None = None
) -> Outputs:
    """`execute` with `answer(node, *inputs)` in place of the nodes' own rules: (H, W, C) int64 to the same."""
    if graph.profiles > 1:
        raise HwgenError("graph", "one profile (Graph.at_profile)", f"{graph.profiles} profiles")
    tx = graph.side == "tx"
    first = _pixels(graph, frame) if tx else _symbols(graph, frame, size or graph.frame)
    width, height = (frame.shape[1], frame.shape[0]) if tx else size or graph.frame
    latent = graph.shapes(width, height)[graph.source]
    values: dict[str, IntArray] = {graph.source: first}
    for node in graph.nodes:
        taken = (_taken(node, values[name], graph.edges[name].symbols, latent) for name in graph.inputs[node.name])
        values[node.name] = answer(node, *taken)
    last = values[graph.sink]
    if tx:
        return {**values, "symbols": pack_symbols(last)}
    return {**values, "symbols": frame.astype(np.uint32), "pixels": last.astype(np.uint8)}


def _taken(node: Node, x: IntArray, symbols: bool, latent: Shape) -> IntArray:
    """A node's input: an edge's array in the form that the node takes, see `Graph`."""
    if node.takes_symbols == symbols:
        return x
    if symbols:  # the Q of an odd last value is nobody's
        return x.reshape(-1)[: math.prod(latent)].reshape(latent)
    return unpack_symbols(pack_symbols(x))[None]


def _pixels(graph: Graph, pixels: Frame) -> IntArray:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != graph.input_channels:
        raise HwgenError("pixels", f"uint8 (H, W, {graph.input_channels})", f"{pixels.dtype} {pixels.shape}")
    return pixels.astype(np.int64)


def _symbols(graph: Graph, words: Frame, size: tuple[int, int]) -> IntArray:
    wanted = graph.symbols(*size)
    if words.dtype != np.uint32 or words.shape != (wanted,):
        raise HwgenError("symbols", f"uint32 ({wanted},)", f"{words.dtype} {words.shape}")
    return unpack_symbols(words.astype(np.uint32))[None]
