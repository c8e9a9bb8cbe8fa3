"""Alamouti's space-time block code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, SYMBOLS, Edge, Shape, check_symbols
from hwgen.ir.node import Node
from hwgen.ir.types import IntType, check
from hwgen.numerics.complex import alamouti_encode
from hwgen.numerics.integer import IntArray


@dataclass(frozen=True)
class Alamouti(Node):
    """Alamouti's space-time block code (1998) for two antennas, whose symbols alternate in the stream.

    (s0, s1) becomes s0, s1 in a first slot and -conj(s1), conj(s0) in a second; -(-32768) is 32767.
    """

    format_version: ClassVar[int] = 1
    takes_symbols: ClassVar[bool] = True

    name: str
    input: IntType = SYMBOL
    output: IntType = SYMBOL
    output_exponent: int = SYMBOL_EXPONENT

    def __post_init__(self) -> None:
        check(self.input == self.output == SYMBOL, f"{self.name}.output", "16 bits, signed, as the input", self.output)
        check(self.output_exponent == SYMBOL_EXPONENT, f"{self.name}.output_exponent", "-12", self.output_exponent)

    def words_out(self, words: int) -> int:
        """Twice as many symbols, of an even number."""
        check(words % 2 == 0, self.name, "an even number of symbols", words)
        return 2 * words

    @property
    def out_channels(self) -> int:
        """Parts of a symbol: 2."""
        return 2

    def _infer(self, *inputs: Edge) -> Edge:
        check_symbols(self.name, inputs[0])
        return SYMBOLS

    def _output_shape(self, *shapes: Shape) -> Shape:
        return 1, self.words_out(shapes[0][1]), 2

    def macs(self, *shapes: Shape) -> int:
        """0: work on symbols is not counted as MACs."""
        return 0

    def arrays(self) -> Mapping[str, IntArray]:
        """None."""
        return {}

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """Two symbols in two slots of every two symbols: (1, k, 2) to (1, 2 k, 2)."""
        (x,) = inputs
        return alamouti_encode(x[0])[None]
