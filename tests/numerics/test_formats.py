"""The streams' formats and how they are named."""

from __future__ import annotations

import pytest

from hwgen.numerics import formats
from hwgen.numerics.formats import FixedPointFormat


@pytest.mark.parametrize(
    ("name", "bits", "signed", "exponent", "text"),
    [
        ("PIXEL", 8, False, -8, "UQ0.8"),
        ("SYMBOL", 16, True, -12, "Q3.12"),
        ("COEFFICIENT", 16, True, -10, "Q5.10"),
        ("POWER", 21, False, -16, "UQ5.16"),
        ("SLOPE", 8, True, -6, "Q1.6"),
        ("DECODER_SLOPE", 12, True, -10, "Q1.10"),
    ],
)
def test_formats(name: str, bits: int, signed: bool, exponent: int, text: str) -> None:
    found = getattr(formats, name)
    assert (found.bits, found.signed, found.exponent, str(found)) == (bits, signed, exponent, text)
    assert found.scale == 2.0**exponent
    assert found.bounds == ((-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1))


def test_a_width_is_wanted() -> None:
    with pytest.raises(ValueError, match="bits: wanted at least 1, got 0"):
        FixedPointFormat(0, True, 0)
