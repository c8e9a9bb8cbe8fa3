"""A function of single values as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, Edge, check_values
from hwgen.ir.node import ValueByValue
from hwgen.ir.types import BITS, MAX_CHANNELS, TABLE_BITS, IntType, check_array, check_int, check_type
from hwgen.numerics.integer import IntArray

TABLE = IntType(11, True)
TABLE_EXPONENT = -7
"""Type and exponent of a sigmoid's argument: -8 .. 8 in steps that move its output by half a pixel step at most."""


@dataclass(frozen=True, eq=False)
class Table(ValueByValue):
    """A function of single values as a table: out = values[x modulo 2**input.bits].

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    values
        (2**input.bits,) integers of the output's type; a negative input's place is that of its two's complement.
    input
        Up to 12 bits.
    input_exponent
        Of the input's values.
    output, output_exponent
        2 to 8 bits; by default a pixel's.
    """

    format_version: ClassVar[int] = 1
    array_fields: ClassVar[tuple[str, ...]] = ("values",)

    name: str
    channels: int
    values: IntArray
    input: IntType
    input_exponent: int
    output: IntType = PIXEL
    output_exponent: int = PIXEL_EXPONENT

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_type(self.input, f"{at}.input", BITS[0], TABLE_BITS)
        check_int(self.input_exponent, f"{at}.input_exponent", -64, 64)
        check_type(self.output, f"{at}.output", *BITS)
        check_int(self.output_exponent, f"{at}.output_exponent", -64, 64)
        array = check_array(self.values, f"{at}.values", (1 << self.input.bits,), *self.output.bounds)
        object.__setattr__(self, "values", array)

    @property
    def least_version(self) -> int:
        """2 for an output that is no pixel."""
        return 1 if (self.output, self.output_exponent) == (PIXEL, PIXEL_EXPONENT) else 2

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.channels, self.input, self.input_exponent)
        return Edge(self.channels, self.output, self.output_exponent)

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """values[x modulo 2**input.bits]."""
        (x,) = inputs
        return self.values[x & ((1 << self.input.bits) - 1)]

    def arrays(self) -> Mapping[str, Any]:
        """The table."""
        return {"values": self.values.astype(np.int8 if self.output.signed else np.uint8)}


def sigmoid_values(bits: int, exponent: int) -> IntArray:
    """(2**bits,) pixels 0..255 of the sigmoid of signed integers * 2**exponent: min(round(256 / (1 + e**-x)), 255)."""
    codes = np.arange(1 << bits, dtype=np.int64)
    codes = np.where(codes < 1 << (bits - 1), codes, codes - (1 << bits))
    real = 1.0 / (1.0 + np.exp(-codes * 2.0**exponent))
    return np.minimum(np.rint(real * 256.0), 255).astype(np.int64)
