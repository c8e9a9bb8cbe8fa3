"""Static power gain of a transmitter: of all values one, or of each profile and channel its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge, check_values
from hwgen.ir.node import ValueByValue
from hwgen.ir.profiles import FACTOR_BITS, count, factors
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
        Unsigned integer, 1 .. 2**factor_bits - 1, factor_bits at most 16. Or an array of them, (profiles, channels),
        where each channel has its own; it may be given as (profiles, 1) or (profiles,).
    shift
        Rounded right shift, -16..40.
    output
        16 bits, signed, with output_exponent -12.
    """

    format_version: ClassVar[int] = 1
    table_fields: ClassVar[tuple[str, ...]] = ("factor",)

    name: str
    channels: int
    factor: int | IntArray
    factor_bits: int
    shift: int
    input: IntType
    output: IntType = SYMBOL
    output_exponent: int = SYMBOL_EXPONENT

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_int(self.factor_bits, f"{at}.factor_bits", 1, FACTOR_BITS)
        high = bounds(self.factor_bits, False)[1]
        if isinstance(self.factor, np.ndarray):
            object.__setattr__(self, "factor", factors(self.factor, f"{at}.factor", self.channels, high))
        else:
            check_int(self.factor, f"{at}.factor", 1, high)
        check_int(self.shift, f"{at}.shift", *SHIFTS)
        check_type(self.input, f"{at}.input", *BITS)
        check(self.output == SYMBOL, f"{at}.output", "16 bits, signed", self.output)
        check(self.output_exponent == SYMBOL_EXPONENT, f"{at}.output_exponent", "-12", repr(self.output_exponent))

    @property
    def least_version(self) -> int:
        return 3 if isinstance(self.factor, np.ndarray) else super().least_version

    @property
    def profiles(self) -> int:
        return count(self.factor) if isinstance(self.factor, np.ndarray) else 1

    def at_profile(self, profile: int) -> Gain:
        if not isinstance(self.factor, np.ndarray) or self.profiles == 1:
            return self
        return replace(self, factor=self.factor[profile : profile + 1])

    @property
    def scale(self) -> int | IntArray:
        """The factor of every value, or (channels,) those of the channels, of a node with one profile."""
        if not isinstance(self.factor, np.ndarray):
            return self.factor
        check(len(self.factor) == 1, f"{self.name}.factor", "one profile (at_profile)", len(self.factor))
        return self.factor[0]

    def _infer(self, *inputs: Edge) -> Edge:
        # The factor was chosen for the latent's exponent, which the node need not know.
        check_values(self.name, inputs[0], self.channels, self.input)
        return Edge(self.channels, self.output, self.output_exponent)

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """requantise(x * factor, shift, output)."""
        (x,) = inputs
        return requantise(x * self.scale, self.shift, self.output.bits, self.output.signed)

    def arrays(self) -> Mapping[str, Any]:
        """The factors, where each channel has its own."""
        return {"factor": self.factor.astype(np.uint16)} if isinstance(self.factor, np.ndarray) else {}
