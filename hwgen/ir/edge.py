"""The edges of the integer graph: what one node gives and the next one takes."""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.ir.types import IntType, check
from hwgen.numerics import formats

SYMBOL, SYMBOL_EXPONENT = IntType(formats.SYMBOL.bits, formats.SYMBOL.signed), formats.SYMBOL.exponent
"""Each part of a channel symbol."""
PIXEL, PIXEL_EXPONENT = IntType(formats.PIXEL.bits, formats.PIXEL.signed), formats.PIXEL.exponent
"""A pixel's values."""

Shape = tuple[int, int, int]
"""(rows, columns, channels); of a stream of symbols (1, words, 2)."""


@dataclass(frozen=True)
class Edge:
    """A stream between two nodes: a real value is integer * 2**exponent.

    Parameters
    ----------
    channels
        Values per pixel; 2, the real and imaginary part, where the stream is one of symbols.
    type
        Of the integers; of a symbol's parts 16 bits, signed.
    exponent
        None: the node that gives the stream does not know it, and any is right.
    symbols
        Whether the stream is one of complex symbols, not of values.
    """

    channels: int
    type: IntType
    exponent: int | None
    symbols: bool = False


SYMBOLS = Edge(2, SYMBOL, SYMBOL_EXPONENT, symbols=True)
"""Every stream of complex symbols."""


def check_values(at: str, edge: Edge, channels: int, type: IntType, exponent: int | None = None) -> None:
    """Compare what a node of values wants with what it gets.

    Parameters
    ----------
    at
        The node's name.
    channels, type, exponent
        What the node was made for; exponent None: it takes any.

    Raises
    ------
    HwgenError
        At NODE.in_channels, NODE.input or NODE.input_exponent: they differ; at NODE.inputs: symbols.
    """
    check(not edge.symbols, f"{at}.inputs", "values", "symbols")
    check(channels == edge.channels, f"{at}.in_channels", str(edge.channels), channels)
    check(type == edge.type, f"{at}.input", str(edge.type), type)
    if exponent is not None and edge.exponent is not None:
        check(exponent == edge.exponent, f"{at}.input_exponent", str(edge.exponent), exponent)


def check_symbols(at: str, edge: Edge) -> None:
    """Refuse values where a node takes symbols.

    Raises
    ------
    HwgenError
        At NODE.inputs.
    """
    check(edge == SYMBOLS, f"{at}.inputs", "symbols", "values")
