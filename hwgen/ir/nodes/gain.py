"""Static power gain of a transmitter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge, check_values
from hwgen.ir.node import ValueByValue
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_int, check_type
from hwgen.numerics.integer import IntArray, bounds, requantise


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

    format_version: ClassVar[int] = 1

    name: str
    channels: int
    factor: int
    factor_bits: int
    shift: int
    input: IntType
    output: IntType = SYMBOL
    output_exponent: int = SYMBOL_EXPONENT

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_int(self.factor_bits, f"{at}.factor_bits", 1, 16)
        check_int(self.factor, f"{at}.factor", 1, bounds(self.factor_bits, False)[1])
        check_int(self.shift, f"{at}.shift", *SHIFTS)
        check_type(self.input, f"{at}.input", *BITS)
        check(self.output == SYMBOL, f"{at}.output", "16 bits, signed", self.output)
        check(self.output_exponent == SYMBOL_EXPONENT, f"{at}.output_exponent", "-12", repr(self.output_exponent))

    def _infer(self, *inputs: Edge) -> Edge:
        # The factor was chosen for the latent's exponent, which the node need not know.
        check_values(self.name, inputs[0], self.channels, self.input)
        return Edge(self.channels, self.output, self.output_exponent)

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """requantise(x * factor, shift, output)."""
        (x,) = inputs
        return requantise(x * self.factor, self.shift, self.output.bits, self.output.signed)
