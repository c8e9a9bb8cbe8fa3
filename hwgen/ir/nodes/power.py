"""Power normalisation of every image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge, check_values
from hwgen.ir.node import ValueByValue
from hwgen.ir.types import BITS, MAX_CHANNELS, IntType, check, check_int, check_type
from hwgen.numerics.complex import power_normalise
from hwgen.numerics.integer import IntArray


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

    format_version: ClassVar[int] = 1

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

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.channels, self.input)
        return Edge(self.channels, self.output, self.output_exponent)

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """All values of the frame, times one gain."""
        (x,) = inputs
        return power_normalise(x, self.power)
