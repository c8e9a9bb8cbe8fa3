"""Division by a constant as a multiplication and a shift, where that is exact for every number that can occur."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hwgen.numerics.integer import IntArray, round_shift

MAX_QUOTIENT_SHIFT = 40


def round_quotient(x: IntArray, numerator: int, denominator: int) -> IntArray:
    """x * numerator / denominator, rounded to the nearest integer, ties to the even one.

    Parameters
    ----------
    x
        int64, any shape; products stay within 62 bits.
    numerator, denominator
        At least 1.
    """
    floor, rest = np.divmod(np.asarray(x, dtype=np.int64) * numerator, denominator)
    twice = 2 * rest
    return np.asarray(floor + ((twice > denominator) | ((twice == denominator) & (floor % 2 == 1))), dtype=np.int64)


def is_exact(multiplier: int, shift: int, ratio: tuple[int, int], bounds: tuple[int, int]) -> bool:
    """Whether round_shift(x * multiplier, shift) is x * ratio, rounded half to even, for every integer x of a range.

    Parameters
    ----------
    ratio
        Numerator and denominator.
    bounds
        The smallest and the largest x.
    """
    x = np.arange(bounds[0], bounds[1] + 1, dtype=np.int64)
    return bool(np.array_equal(round_shift(x * multiplier, shift), round_quotient(x, *ratio)))


@lru_cache(maxsize=256)
def exact_multiplier(ratio: tuple[int, int], bounds: tuple[int, int]) -> tuple[int, int] | None:
    """The shortest multiplier and its shift for which `is_exact` holds; None if there is none.

    There is none where a tie can occur that no power of two divides: x / 18 is 1/2 for x = 9, and a multiplier's
    product lies beside it.
    """
    numerator, denominator = ratio
    for shift in range(MAX_QUOTIENT_SHIFT + 1):
        below = (numerator << shift) // denominator
        for multiplier in (below, below + 1):
            if multiplier and is_exact(multiplier, shift, ratio, bounds):
                return multiplier, shift
    return None
