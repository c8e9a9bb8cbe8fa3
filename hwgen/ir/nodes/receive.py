"""The quantiser of received symbols' parts: what a receiver's network takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge, check_values
from hwgen.ir.node import ValueByValue, optional
from hwgen.ir.profiles import FACTOR_BITS, count, factors
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_grid, check_int, check_type
from hwgen.numerics.integer import IntArray, bounds, requantise_parts


@dataclass(frozen=True)
class Receive(ValueByValue):
    """Received Q3.12 components to the first layer's integers: out = requantise(x, shift, output).

    Where the layer takes complex values, the imaginary parts (odd channels) are on a coarser grid:
    out = requantise(x, shift + imag_left, imag_bits bits) << imag_left.

    With factors of the profile's channels: out = requantise(x * factor, shift + factor_fraction, output).

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
    factor, factor_fraction
        None, 0, or the gains of a graph with profiles: (profiles, channels) integers of 1 .. 65535, value factor *
        2**-factor_fraction; they may be given as (profiles, 1) or (profiles,). Not beside imaginary parts' own grid.
    """

    format_version: ClassVar[int] = 1
    array_fields: ClassVar[tuple[str, ...]] = ("factor",)

    name: str
    channels: int
    shift: int
    output: IntType
    output_exponent: int
    input: IntType = SYMBOL
    input_exponent: int = SYMBOL_EXPONENT
    imag_bits: int = optional(0)
    imag_left: int = optional(0)
    factor: IntArray | None = optional(None, since=3)
    factor_fraction: int = optional(0, since=3)

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
        check_int(self.factor_fraction, f"{at}.factor_fraction", 0, FACTOR_BITS)
        if self.factor is None:
            check(self.factor_fraction == 0, f"{at}.factor_fraction", "0 without factors", self.factor_fraction)
            return
        check(self.imag_bits == 0, f"{at}.factor", "none beside imaginary parts of fewer bits", "factors")
        high = bounds(FACTOR_BITS, False)[1]
        object.__setattr__(self, "factor", factors(self.factor, f"{at}.factor", self.channels, high))
        check_int(self.shift + self.factor_fraction, f"{at}.shift + factor_fraction", *SHIFTS)

    @property
    def profiles(self) -> int:
        return count(self.factor)

    def at_profile(self, profile: int) -> Receive:
        if self.factor is None or self.profiles == 1:
            return self
        return replace(self, factor=self.factor[profile : profile + 1])

    @property
    def scale(self) -> int | IntArray:
        """The factors of the channels, (channels,), of a node with one profile; 1 where it has none."""
        if self.factor is None:
            return 1
        check(len(self.factor) == 1, f"{self.name}.factor", "one profile (at_profile)", len(self.factor))
        return self.factor[0]

    @property
    def shifts(self) -> IntArray:
        """(channels,) the shift of each, with that of the factors."""
        found = np.full(self.channels, self.shift + self.factor_fraction, dtype=np.int64)
        found[1::2] += self.imag_left
        return found

    @property
    def coarse(self) -> tuple[int, int] | None:
        """The grid of the odd channels, (bits, left), where it is one of its own."""
        return (self.imag_bits, self.imag_left) if self.imag_bits else None

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.channels, self.input, self.input_exponent)
        return Edge(self.channels, self.output, self.output_exponent)

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """requantise(x, shift, output), odd channels on their own grid where there is one; with factors as above."""
        (x,) = inputs
        return requantise_parts(x * self.scale, self.shifts, self.output.bits, self.output.signed, self.coarse)

    def arrays(self) -> Mapping[str, Any]:
        """The factors, where there are some."""
        return {} if self.factor is None else {"factor": self.factor.astype(np.uint16)}
