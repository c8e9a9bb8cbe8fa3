"""The fixed-point formats of what enters and leaves a design: each written down here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.numerics.integer import bounds


@dataclass(frozen=True)
class FixedPointFormat:
    """Integers of a width that stand for multiples of 2**-fraction.

    Parameters
    ----------
    bits
        Width, at least 1, a signed one's sign included.
    signed
        Two's complement, or unsigned.
    fraction
        Fraction bits: a value is integer * 2**-fraction. May exceed `bits`.

    Raises
    ------
    ValueError
        `bits` is below 1.
    """

    bits: int
    signed: bool
    fraction: int

    def __post_init__(self) -> None:
        bounds(self.bits, self.signed)

    @property
    def exponent(self) -> int:
        """-fraction: a value is integer * 2**exponent."""
        return -self.fraction

    @property
    def scale(self) -> float:
        """The value of the integer 1."""
        return 2.0**-self.fraction

    @property
    def bounds(self) -> tuple[int, int]:
        """Smallest and largest integer."""
        return bounds(self.bits, self.signed)

    def __str__(self) -> str:
        """In Q notation, bits before and behind the point without the sign: ``Q3.12``; unsigned ones ``UQ0.8``."""
        return f"{'Q' if self.signed else 'UQ'}{self.bits - self.fraction - self.signed}.{self.fraction}"


PIXEL = FixedPointFormat(8, False, 8)
"""One colour of a pixel: 0 .. 255 / 256."""

SYMBOL = FixedPointFormat(16, True, 12)
"""Each part of a channel symbol, I and Q: Q3.12."""

COEFFICIENT = FixedPointFormat(16, True, 10)
"""Each part of a coefficient of a precoder or equaliser: Q5.10, +-32 in steps of about 0.001."""

POWER = FixedPointFormat(21, False, 16)
"""The power per complex symbol that a frame is to have: 2**-16 .. 16."""

SLOPE = FixedPointFormat(8, True, 6)
"""A slope of a PReLU in the encoder: -2 .. 127 / 64."""

DECODER_SLOPE = FixedPointFormat(12, True, 10)
"""One in the decoder, where slopes near 0.01 stand before large negative sums: steps of 2**-6 are too coarse there."""
