"""Value types of the integer graph, and the checks of its nodes' parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.limits import MOST_CHANNELS
from hwgen.numerics.integer import IntArray, bounds

BITS = (2, 8)
"""Smallest and largest width of weights and activations."""
TABLE_BITS = 12
"""Widest input of a table, and widest output of a layer without activation, which such a table takes."""
SHIFTS = (-16, 40)
MAX_CHANNELS = MOST_CHANNELS


@dataclass(frozen=True)
class IntType:
    """A stream's value type: `bits` wide, two's complement where `signed`."""

    bits: int
    signed: bool

    def __str__(self) -> str:
        return f"{self.bits} bits, {'signed' if self.signed else 'unsigned'}"

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
    check(array.size > 0, where, "values", "none")
    smallest, largest = int(array.min()), int(array.max())  # before what is unsigned becomes signed
    check(low <= smallest and largest <= high, where, f"values {low}..{high}", f"{smallest}..{largest}")
    array = np.array(array, dtype=np.int64, order="C")
    array.setflags(write=False)
    return array


def check_grid(at: str, imag_bits: int, imag_left: int, output: IntType) -> None:
    """A coarser grid for imaginary parts lies inside the output's type."""
    check_int(imag_bits, f"{at}.imag_bits", 0, BITS[1])
    check_int(imag_left, f"{at}.imag_left", 0, BITS[1])
    if imag_bits == 0:
        check(imag_left == 0, f"{at}.imag_left", "0 without imag_bits", imag_left)
        return
    check(imag_bits >= BITS[0], f"{at}.imag_bits", f"0, or at least {BITS[0]}", imag_bits)
    check(output.signed, f"{at}.output.signed", "True for complex values", output.signed)
    room = output.bits - imag_left
    check(imag_bits <= room, f"{at}.imag_bits", f"at most {room} beside imag_left {imag_left}", imag_bits)
