"""Exponents from ranges and from costs, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from hwgen.train.calibration import CALIBRATIONS
from hwgen.train.calibration.choice import ByCost, ByRange, covering
from hwgen.train.calibration.min_max import min_max

COVERED = ByRange(min_max)


def nearest(values: Tensor, exponents: Sequence[int], low: int, high: int) -> dict[int, float]:
    """A cost whose best exponent is the first value."""
    return {e: abs(e - float(values[0])) for e in exponents}


def test_what_covers_a_range() -> None:
    assert covering(0.0, 7.0, -8, 7) == 0, "exactly"
    assert covering(0.0, 7.01, -8, 7) == 1
    assert covering(-8.0, 7.0, -8, 7) == 0
    assert covering(-8.5, 0.0, -8, 7) == 1
    assert covering(-9.0, 0.1, 0, 255) == -11, "an unsigned integer has nothing below 0"
    assert covering(0.0, 0.0, -8, 7) is None
    assert covering(-3.0, 0.0, 0, 255) is None


def test_ranges_of_all_samples_are_covered() -> None:
    signed, unsigned = (torch.tensor([-1.0, 0.5]), -8, 7), (torch.tensor([4.0]), 0, 255)
    assert COVERED.exponent([signed]) == -3
    assert COVERED.exponent([unsigned]) == -5
    assert COVERED.exponent([signed, unsigned]) == -3
    assert COVERED.exponent([(torch.tensor([1e9]), -8, 7)], (-4, 4)) == 4


def test_imaginary_parts_are_on_a_coarser_grid() -> None:
    """8 and 6 bits: the imaginary grid is 0 to 2 steps above the real one."""
    real, imag = (torch.tensor([127.0]), -128, 127), (torch.tensor([31.0]), -32, 31)
    assert COVERED.pair(real, imag, 2) == (0, 0)
    assert COVERED.pair(real, (31.0 * 2 * imag[0] / 31.0, -32, 31), 2) == (0, 1)
    assert COVERED.pair(real, (16 * imag[0], -32, 31), 2) == (2, 4), "the real grid follows"
    assert COVERED.pair(real, (imag[0] / 16, -32, 31), 2) == (0, 0)
    assert COVERED.pair((0 * real[0], -128, 127), imag, 2) == (-2, 0)
    assert COVERED.above((16 * imag[0], -32, 31), 0, 2) == 2
    assert COVERED.above((0 * imag[0], -32, 31), 1, 2) == 1


def test_the_least_cost_among_the_candidates() -> None:
    """Of a value v, integers up to 1 and so a top of log2 v: 5 candidates below and with it."""
    by = ByCost(nearest)
    assert by.exponent([(torch.tensor([2.0]), -1, 1)]) == 1, "the top, as 2 is beyond it"
    assert by.exponent([(torch.tensor([-2.0]), -1, 1)]) == -2
    assert by.exponent([(torch.tensor([-8.0]), -1, 1)]) == -1, "the last candidate, 4 below 3"
    assert by.above((torch.tensor([7.0]), -1, 1), 2, 3) == 5


@pytest.mark.parametrize("name", sorted(CALIBRATIONS))
def test_zeros(name: str) -> None:
    zeros = torch.zeros(9)
    by = CALIBRATIONS[name]
    assert by.exponent([(zeros, -128, 127)]) == 0
    assert by.pair((zeros, -128, 127), (zeros, -32, 31), 2) == (0, 0)
    assert by.above((zeros, -32, 31), -3, 2) == -3
    assert by.exponent([(zeros, -128, 127), (torch.ones(1), 0, 1)]) <= 0, "what is not zero decides"
