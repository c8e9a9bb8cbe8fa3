"""The scale of the least squared error, found by trying all of them."""

from __future__ import annotations

import torch

from hwgen.train.calibration import MSE
from hwgen.train.calibration.choice import WEIGHT_EXPONENTS
from hwgen.train.calibration.squared_error import squared_error


def test_rounding_and_clipping_are_counted() -> None:
    """Integers -2 .. 1 at a scale of 1: 0.25 is rounded to 0, 3 clipped to 1, half goes to even."""
    assert squared_error(torch.tensor([0.25, 3.0, 0.5, -2.0]).double(), [0], -2, 1) == {0: 0.0625 + 4.0 + 0.25}


def test_the_least_of_all_scales() -> None:
    values = torch.randn(4000, generator=torch.Generator().manual_seed(1)).double() * 3
    for low, high in [(-2, 1), (-8, 7), (-128, 127), (0, 255), (-7, 7)]:
        costs = squared_error(values, range(-12, 6), low, high)
        assert MSE.exponent([(values, low, high)]) == min(costs, key=lambda e: costs[e])
    assert MSE.exponent([(torch.tensor([0.5, -0.25]), -127, 127)]) == -7
    assert MSE.exponent([(torch.tensor([1e-30]), -127, 127)], WEIGHT_EXPONENTS) == -24
