"""The quantiser of received symbols' parts: what a receiver's network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge, check_values
from hwgen.ir.node import ValueByValue, optional
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_grid, check_int, check_type
from hwgen.numerics.integer import IntArray, requantise_parts


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

    format_version: ClassVar[int] = 1

    name: str
    channels: int
    shift: int
    output: IntType
    output_exponent: int
    input: IntType = SYMBOL
    input_exponent: int = SYMBOL_EXPONENT
    imag_bits: int = optional(0)
    imag_left: int = optional(0)

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

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.channels, self.input, self.input_exponent)
        return Edge(self.channels, self.output, self.output_exponent)

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """requantise(x, shift, output), odd channels on their own grid where there is one."""
        (x,) = inputs
        shift = np.full(self.channels, self.shift, dtype=np.int64)
        shift[1::2] += self.imag_left
        return requantise_parts(x, shift, self.output.bits, self.output.signed, self.coarse)
