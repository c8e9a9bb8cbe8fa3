"""fixedpoint.py against plain Python fractions, written without NumPy."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from hwgen.numerics import integer as fp


def exact_round(value: Fraction) -> int:
    """Nearest integer, ties to even, from first principles."""
    floor = value.numerator // value.denominator
    rest = value - floor
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1):
        return floor + 1
    return floor


@pytest.mark.parametrize("shift", [-20, -3, -1, 0, 1, 2, 3, 7, 20, 40, 62])
def test_round_shift_equals_fractions(shift: int) -> None:
    rng = random.Random(shift)
    values = list(range(-70, 71)) + [rng.randint(-(1 << 40), 1 << 40) for _ in range(200)]
    if shift > 0:  # every tie and its neighbours
        half = 1 << (shift - 1)
        values += [k * half + d for k in range(-9, 10) for d in (-1, 0, 1) if abs(k * half + d) < 1 << 62]
    got = fp.round_shift(np.array(values), shift)
    wanted = [exact_round(Fraction(v) / Fraction(2) ** shift) for v in values]
    assert got.tolist() == wanted
    assert got.dtype == np.int64


@pytest.mark.parametrize(("x", "wanted"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2), (2, 1)])
def test_ties_go_to_even(x: int, wanted: int) -> None:
    assert int(fp.round_shift(x, 1)) == wanted


def test_round_shift_broadcasts_one_shift_per_channel() -> None:
    x = np.arange(-24, 24).reshape(2, 8, 3)
    shift = np.array([2, 0, -3])
    got = fp.round_shift(x, shift)
    for index, value in np.ndenumerate(x):
        assert got[index] == exact_round(Fraction(int(value)) / Fraction(2) ** int(shift[index[-1]]))


def test_round_shift_refuses_undefined_shifts() -> None:
    with pytest.raises(ValueError, match="shift: wanted -62..62, got 63"):
        fp.round_shift(1, 63)
    with pytest.raises(ValueError, match="got -64"):
        fp.round_shift(np.array([1, 2]), np.array([0, -64]))


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("signed", [False, True])
def test_bounds_and_saturate(bits: int, signed: bool) -> None:
    low, high = fp.bounds(bits, signed)
    assert high - low == 2**bits - 1
    assert low == (-(2 ** (bits - 1)) if signed else 0)
    assert fp.saturate(np.array([low - 1, low, high, high + 1]), bits, signed).tolist() == [low, low, high, high]


def test_bounds_refuses_no_bits() -> None:
    with pytest.raises(ValueError, match="bits: wanted at least 1, got 0"):
        fp.bounds(0, True)


@pytest.mark.parametrize(("bits", "signed"), [(1, True), (2, False), (2, True), (5, True), (8, False), (16, True)])
@pytest.mark.parametrize("shift", [-2, 0, 1, 4])
def test_requantise_rounds_then_saturates(bits: int, signed: bool, shift: int) -> None:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    values = list(range(-600, 601, 7)) + [high * 2**4 + 7, high * 2**4 + 8, low * 2**4 - 8, low * 2**4 - 9]
    wanted = [min(max(exact_round(Fraction(v) / Fraction(2) ** shift), low), high) for v in values]
    assert fp.requantise(np.array(values), shift, bits, signed).tolist() == wanted


@pytest.mark.parametrize("slope", [-128, -64, -1, 0, 1, 37, 64, 127])
@pytest.mark.parametrize("fraction", [0, 6])
def test_prelu(slope: int, fraction: int) -> None:
    values = [-1000, -3, -1, 0, 1, 2, 999]
    wanted = [v * 2**fraction if v >= 0 else v * slope for v in values]
    assert fp.prelu(np.array(values), slope, fraction).tolist() == wanted


def test_prelu_takes_one_slope_per_channel() -> None:
    assert fp.prelu(np.array([[-2, -2], [2, 2]]), np.array([3, -5]), 1).tolist() == [[-6, 10], [4, 4]]
