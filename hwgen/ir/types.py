"""What the nodes of the integer graph are checked with: value types and the checks themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.numerics.integer import IntArray, bounds

BITS = (2, 8)
"""Smallest and largest width of weights and activations."""
SHIFTS = (-16, 40)
MAX_CHANNELS = 4096


@dataclass(frozen=True)
class IntType:
    """A stream's value type: `bits` wide, two's complement where `signed`."""

    bits: int
    signed: bool

    @property
    def bounds(self) -> tuple[int, int]:
        return bounds(self.bits, self.signed)

    @property
    def magnitude(self) -> int:
        """Largest absolute value."""
        low, high = self.bounds
        return max(-low, high)


def check(condition: bool, where: str, wanted: str, got: object) -> None:
    if not condition:
        raise HwgenError(where, wanted, str(got))


def check_int(value: object, where: str, low: int, high: int) -> None:
    check(type(value) is int and low <= value <= high, where, f"an integer {low}..{high}", repr(value))


def check_type(value: object, where: str, smallest: int, largest: int) -> None:
    check(isinstance(value, IntType), where, "an IntType", repr(value))
    kind = cast("IntType", value)
    check_int(kind.bits, f"{where}.bits", smallest, largest)
    check(isinstance(kind.signed, bool), f"{where}.signed", "true or false", repr(kind.signed))


def check_array(value: npt.ArrayLike, where: str, shape: tuple[int, ...], low: int, high: int) -> IntArray:
    """A read-only int64 copy of `value` if it has that shape and range."""
    array = np.asarray(value)
    check(array.dtype.kind in "iu", where, "integers", array.dtype)
    check(array.shape == shape, where, f"shape {shape}", array.shape)
    array = np.array(array, dtype=np.int64, order="C")
    smallest, largest = int(array.min()), int(array.max())
    check(low <= smallest and largest <= high, where, f"values {low}..{high}", f"{smallest}..{largest}")
    array.setflags(write=False)
    return array
