"""What stands around the convolutions of the integer graph: power, received symbols, tables, complex matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwgen.ir.convolutions import TABLE_BITS, check_grid
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_array, check_int, check_type
from hwgen.numerics.integer import IntArray, bounds

SYMBOL = IntType(16, True)
SYMBOL_EXPONENT = -12
"""Q3.12: each part of a channel symbol."""
TABLE = IntType(11, True)
TABLE_EXPONENT = -7
"""What a sigmoid's table is addressed with: -8 .. 8 in steps that move its output by half a pixel step at most."""
COEFFICIENT = IntType(16, True)
COEFFICIENT_FRACTION = 10
"""Q5.10: each part of a matrix's coefficient."""
MAX_ORDER = 8
"""Rows and columns of a complex matrix."""
MAX_TABLES = 4096


class ValueByValue:
    """A node that gives one value for every value that it takes."""

    channels: int

    @property
    def in_channels(self) -> int:
        return self.channels

    @property
    def out_channels(self) -> int:
        return self.channels

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width): as the input's."""
        return height, width

    def macs(self, height: int, width: int) -> int:
        """0: what such a node multiplies is not counted as MACs."""
        return 0


@dataclass(frozen=True)
class Gain(ValueByValue):
    """Static power gain: latent value to Q3.12 symbol component, out = requantise(x * factor, shift, output).

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    factor, factor_bits
        Unsigned integer, 1 .. 2**factor_bits - 1, factor_bits at most 16.
    shift
        Rounded right shift, -16..40.
    output
        16 bits, signed, with output_exponent -12.
    """

    name: str
    channels: int
    factor: int
    factor_bits: int
    shift: int
    input: IntType
    output: IntType = IntType(16, True)
    output_exponent: int = -12

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_int(self.factor_bits, f"{at}.factor_bits", 1, 16)
        check_int(self.factor, f"{at}.factor", 1, bounds(self.factor_bits, False)[1])
        check_int(self.shift, f"{at}.shift", *SHIFTS)
        check_type(self.input, f"{at}.input", *BITS)
        check(self.output == IntType(16, True), f"{at}.output", "16 bits, signed", self.output)
        check(self.output_exponent == -12, f"{at}.output_exponent", "-12", repr(self.output_exponent))


@dataclass(frozen=True)
class Power(ValueByValue):
    """Power normalisation of every image: latent to Q3.12, `hwgen.numerics.complex.power_normalise`.

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    power
        Wanted average power per complex symbol, unsigned integer * 2**-16.
    input
        Of the latent's values; their exponent does not matter.
    """

    name: str
    channels: int
    power: int
    input: IntType
    output: IntType = SYMBOL
    output_exponent: int = SYMBOL_EXPONENT

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_int(self.power, f"{at}.power", 1, 1 << 20)
        check_type(self.input, f"{at}.input", *BITS)
        check(self.output == SYMBOL, f"{at}.output", "16 bits, signed", self.output)
        check(self.output_exponent == SYMBOL_EXPONENT, f"{at}.output_exponent", "-12", repr(self.output_exponent))


@dataclass(frozen=True)
class Receive(ValueByValue):
    """Received Q3.12 components to the first layer's integers: out = requantise(x, shift, output).

    Where the layer takes complex values, the imaginary parts (odd channels) are on a coarser grid:
    out = requantise(x, shift + imag_left, imag_bits bits) << imag_left.

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    shift
        output_exponent + 12.
    output
        2 to 8 bits, signed.
    imag_bits, imag_left
        0, 0 where all channels are alike.
    """

    name: str
    channels: int
    shift: int
    output: IntType
    output_exponent: int
    input: IntType = SYMBOL
    input_exponent: int = SYMBOL_EXPONENT
    imag_bits: int = 0
    imag_left: int = 0

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_int(self.shift, f"{at}.shift", *SHIFTS)
        check_type(self.output, f"{at}.output", *BITS)
        check(self.output.signed, f"{at}.output.signed", "True", self.output.signed)
        check_int(self.output_exponent, f"{at}.output_exponent", -64, 64)
        check(self.input == SYMBOL, f"{at}.input", "16 bits, signed", self.input)
        check(self.input_exponent == SYMBOL_EXPONENT, f"{at}.input_exponent", "-12", repr(self.input_exponent))
        wanted = self.output_exponent - self.input_exponent
        check(self.shift == wanted, f"{at}.shift", f"{wanted}, from the exponents", self.shift)
        check_grid(at, self.imag_bits, self.imag_left, self.output)

    @property
    def coarse(self) -> tuple[int, int] | None:
        """The grid of the odd channels, (bits, left), where it is one of its own."""
        return (self.imag_bits, self.imag_left) if self.imag_bits else None


@dataclass(frozen=True, eq=False)
class Table(ValueByValue):
    """A function of single values as a table: out = values[x modulo 2**input.bits], a pixel's 8 bits.

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    values
        (2**input.bits,) integers 0..255; a negative input's place is that of its two's complement.
    input
        Up to 12 bits.
    input_exponent
        Of the input's values.
    """

    name: str
    channels: int
    values: IntArray
    input: IntType
    input_exponent: int
    output: IntType = IntType(8, False)
    output_exponent: int = -8

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_type(self.input, f"{at}.input", BITS[0], TABLE_BITS)
        check_int(self.input_exponent, f"{at}.input_exponent", -64, 64)
        check(self.output == IntType(8, False), f"{at}.output", "8 bits, unsigned", self.output)
        check(self.output_exponent == -8, f"{at}.output_exponent", "-8", repr(self.output_exponent))
        array = check_array(self.values, f"{at}.values", (1 << self.input.bits,), *bounds(8, False))
        object.__setattr__(self, "values", array)


def sigmoid_values(bits: int, exponent: int) -> IntArray:
    """(2**bits,) pixels 0..255 of the sigmoid of signed integers * 2**exponent: min(round(256 / (1 + e**-x)), 255)."""
    codes = np.arange(1 << bits, dtype=np.int64)
    codes = np.where(codes < 1 << (bits - 1), codes, codes - (1 << bits))
    real = 1.0 / (1.0 + np.exp(-codes * 2.0**exponent))
    return np.minimum(np.rint(real * 256.0), 255).astype(np.int64)


@dataclass(frozen=True)
class MatrixProduct:
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


@dataclass(frozen=True)
class Alamouti:
    """Alamouti's space-time block code (1998) for two antennas, whose symbols alternate in the stream.

    (s0, s1) becomes s0, s1 in a first slot and -conj(s1), conj(s0) in a second; -(-32768) is 32767.
    """

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
