"""Division by multiplication against plain fractions, for every number of the range."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hwgen.numerics.integer import round_shift
from hwgen.numerics.quotients import exact_multiplier, is_exact, round_quotient


@pytest.mark.parametrize(("numerator", "denominator"), [(1, 9), (1, 25), (4, 9), (1, 18), (3, 2), (1, 1), (1, 225)])
def test_quotients_equal_fractions(numerator: int, denominator: int) -> None:
    x = np.arange(-3000, 3001)
    wanted = [round(Fraction(value * numerator, denominator)) for value in x.tolist()]  # half to even
    assert round_quotient(x, numerator, denominator).tolist() == wanted


@pytest.mark.parametrize("side", [3, 5, 7, 15])
@pytest.mark.parametrize("finer", [0, 2])
@pytest.mark.parametrize("value", [(0, 255), (-128, 127), (0, 3), (-2, 1)])
def test_a_multiplier_is_exact_for_every_sum(side: int, finer: int, value: tuple[int, int]) -> None:
    area = side * side
    bounds = value[0] * area, value[1] * area
    found = exact_multiplier((1 << finer, area), bounds)
    assert found is not None
    multiplier, shift = found
    sums = np.arange(bounds[0], bounds[1] + 1)
    wanted = [round(Fraction(total << finer, area)) for total in sums.tolist()]
    assert round_shift(sums * multiplier, shift).tolist() == wanted
    if shift:
        shorter = ((1 << finer + shift - 1) // area + more for more in (0, 1))
        assert not any(is_exact(each, shift - 1, (1 << finer, area), bounds) for each in shorter), "as short as can be"


@pytest.mark.parametrize("ratio", [(1, 18), (1, 36), (1, 100)])
def test_ties_that_no_power_of_two_divides_have_none(ratio: tuple[int, int]) -> None:
    assert exact_multiplier(ratio, (0, 4 * ratio[1])) is None


def test_a_power_of_two_is_a_shift() -> None:
    assert exact_multiplier((1, 16), (-2048, 2047)) == (1, 4)
    assert exact_multiplier((4, 1), (0, 255)) == (4, 0)
