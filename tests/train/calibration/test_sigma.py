"""Mean and deviation."""

from __future__ import annotations

import torch

from hwgen.train.calibration import CALIBRATIONS
from hwgen.train.calibration.sigma import sigma


def test_mean_and_two_deviations() -> None:
    """Mean 4, deviation 3."""
    assert sigma(torch.tensor([1.0, 7.0, 1.0, 7.0]).double()) == (-2.0, 10.0)


def test_an_outlier_is_clipped() -> None:
    """999 ones of both signs and one 100: two deviations are about 6.7, min-max needs 100."""
    values = torch.cat([torch.ones(500), -torch.ones(499), torch.tensor([100.0])])
    assert CALIBRATIONS["sigma"].exponent([(values, -7, 7)]) == 0
    assert CALIBRATIONS["min_max"].exponent([(values, -7, 7)]) == 4
