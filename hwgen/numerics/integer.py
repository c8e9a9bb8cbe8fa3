"""The numeric contract: rounding, shifting, saturation and PReLU in integers.

Every other part (interpreter, export, hardware, benches) imports these functions, or is tested for equality
with them; docs/numeric_contract.md states the same rules in prose. All of them work element by element on
Python integers or int64 NumPy arrays, broadcast as NumPy does, and return int64 arrays (0-d for scalars).

Intermediate results must fit 64 bits: the nodes of `hwgen.ir` refuse any layer whose would not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
IntLike = int | npt.NDArray[np.integer]

MAX_SHIFT = 62
"""Largest shift in either direction: int64 shifts by 64 or more are undefined in C, hence in NumPy."""


def bounds(bits: int, signed: bool) -> tuple[int, int]:
    """Smallest and largest integer of a type: (-2**(bits-1), 2**(bits-1) - 1) or (0, 2**bits - 1).

    Raises
    ------
    ValueError
        `bits` is below 1.
    """
    if bits < 1:
        raise ValueError(f"bits: wanted at least 1, got {bits}")
    if signed:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def saturate(x: IntLike, bits: int, signed: bool) -> IntArray:
    """min(max(x, lo), hi) with (lo, hi) = bounds(bits, signed)."""
    low, high = bounds(bits, signed)
    return np.clip(np.asarray(x, dtype=np.int64), low, high)


def round_shift(x: IntLike, shift: IntLike) -> IntArray:
    """x * 2**-shift, rounded to the nearest integer, ties to the even one.

    Parameters
    ----------
    x
        Integers, any shape.
    shift
        An integer, or integers that broadcast against `x` (one per channel, say). Zero leaves `x` as it is,
        a negative one is an exact left shift.

    For shift > 0 this is floor((x + 2**(shift-1) - 1 + odd) / 2**shift), where odd is the lowest bit of
    floor(x / 2**shift): exactly half an ulp moves up only where the floor is odd.

    Raises
    ------
    ValueError
        A shift is beyond +-MAX_SHIFT.
    """
    x = np.asarray(x, dtype=np.int64)
    shift = np.asarray(shift, dtype=np.int64)
    if shift.size and int(np.abs(shift).max()) > MAX_SHIFT:
        raise ValueError(f"shift: wanted -{MAX_SHIFT}..{MAX_SHIFT}, got {int(shift.flat[np.abs(shift).argmax()])}")
    right = np.maximum(shift, 0)
    left = np.maximum(-shift, 0)
    floor = x >> right
    # For right == 0 the bias must vanish: half is 1 >> 1 == 0 there, and the mask drops "- 1 + odd".
    half = (np.int64(1) << right) >> 1
    bias = np.where(right > 0, half - 1 + (floor & 1), 0)
    return np.asarray(((x + bias) >> right) << left, dtype=np.int64)


def requantise(x: IntLike, shift: IntLike, bits: int, signed: bool) -> IntArray:
    """saturate(round_shift(x, shift), bits, signed)."""
    return saturate(round_shift(x, shift), bits, signed)


def requantise_parts(
    x: IntLike, shift: IntLike, bits: int, signed: bool, coarse: tuple[int, int] | None = None
) -> IntArray:
    """`requantise` along the last axis's channels, whose odd ones may be imaginary parts on a grid of their own.

    Parameters
    ----------
    x
        (..., C) integers.
    shift
        An integer or (C,) integers.
    coarse
        (imag_bits, imag_left): odd channels become requantise(x, shift, imag_bits, signed) << imag_left.
    """
    found = requantise(x, shift, bits, signed)
    if coarse is not None:
        imag = np.asarray(x, dtype=np.int64)[..., 1::2]
        shifts = np.broadcast_to(np.asarray(shift, dtype=np.int64), found.shape[-1:])[1::2]
        found[..., 1::2] = requantise(imag, shifts, coarse[0], signed) << coarse[1]
    return found


def prelu(x: IntLike, slope: IntLike, fraction: int) -> IntArray:
    """PReLU of value x with slope `slope` * 2**-fraction, in units of 2**-fraction: nothing is rounded here.

    x << fraction where x >= 0, else x * slope. The rounding is that of the requantisation that follows, by
    shift + fraction.

    Parameters
    ----------
    slope
        Signed integers that broadcast against `x`: one per channel.
    fraction
        Fractional bits of `slope`, at least 0.
    """
    x = np.asarray(x, dtype=np.int64)
    return np.asarray(np.where(x >= 0, x << fraction, x * np.asarray(slope, dtype=np.int64)), dtype=np.int64)
