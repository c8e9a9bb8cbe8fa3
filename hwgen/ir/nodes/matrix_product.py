"""A small complex matrix times groups of symbols: a precoder, an equaliser or a combiner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, SYMBOLS, Edge, Shape, check_symbols
from hwgen.ir.node import Node
from hwgen.ir.types import IntType, check, check_int
from hwgen.numerics import formats
from hwgen.numerics.complex import matrix_product
from hwgen.numerics.integer import IntArray

COEFFICIENT = IntType(formats.COEFFICIENT.bits, formats.COEFFICIENT.signed)
COEFFICIENT_FRACTION = formats.COEFFICIENT.fraction
"""Each part of a matrix's coefficient."""
MAX_ORDER = 8
"""Rows and columns of a complex matrix."""
MAX_TABLES = 4096


@dataclass(frozen=True)
class MatrixProduct(Node):
    """A small complex matrix times groups of symbols, with coefficients that come with every frame.

        out[g*rows + r] = requantise(sum over c of coefficient[g mod tables, r, c] * x'[g*columns + c], 10, Q3.12)

    for real and imaginary part each, x' the conjugate of x where `conjugate` says so (-(-32768) is 32767). An equaliser
    is 1 x 1, with a table for each subcarrier where there are several.

    Parameters
    ----------
    rows, columns
        1 to 8.
    conjugate
        One truth value per column.
    tables
        Sets of coefficients, used in turn, from the first in every frame.
    """

    format_version: ClassVar[int] = 1
    takes_symbols: ClassVar[bool] = True

    name: str
    rows: int
    columns: int
    conjugate: tuple[bool, ...]
    tables: int = 1
    input: IntType = SYMBOL
    output: IntType = SYMBOL
    output_exponent: int = SYMBOL_EXPONENT

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.rows, f"{at}.rows", 1, MAX_ORDER)
        check_int(self.columns, f"{at}.columns", 1, MAX_ORDER)
        check_int(self.tables, f"{at}.tables", 1, MAX_TABLES)
        flags = isinstance(self.conjugate, tuple) and all(isinstance(flag, bool) for flag in self.conjugate)
        check(flags and len(self.conjugate) == self.columns, f"{at}.conjugate", f"{self.columns} truth values",
              self.conjugate)  # fmt: skip
        check(self.input == self.output == SYMBOL, f"{at}.output", "16 bits, signed, as the input", self.output)
        check(self.output_exponent == SYMBOL_EXPONENT, f"{at}.output_exponent", "-12", repr(self.output_exponent))

    @property
    def coefficient_words(self) -> int:
        """Words of a frame's coefficients."""
        return self.tables * self.rows * self.columns

    def words_out(self, words: int) -> int:
        """Symbols that come out for so many that go in."""
        check(words % self.columns == 0, self.name, f"symbols in groups of {self.columns}", words)
        return words // self.columns * self.rows

    def words_in(self, words: int) -> int:
        """Symbols that must go in for so many to come out."""
        check(words % self.rows == 0, self.name, f"symbols in groups of {self.rows}", words)
        return words // self.rows * self.columns

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
        """None: coefficients come with every frame."""
        return {}

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """Products of the groups of symbols (1, k, 2) with `coefficients` (tables, rows, columns, 2) int64.

        Raises
        ------
        HwgenError
            Coefficients of another shape, or none.
        """
        (x,) = inputs
        wanted = (self.tables, self.rows, self.columns, 2)
        got = None if coefficients is None else coefficients.shape
        if coefficients is None or got != wanted:
            raise HwgenError(f"{self.name}: coefficients", f"integers of shape {wanted}", str(got))
        return matrix_product(x[0], coefficients, self.conjugate)[None]
