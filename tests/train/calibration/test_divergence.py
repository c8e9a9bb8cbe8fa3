"""KL divergence of histograms, by hand, and what it clips."""

from __future__ import annotations

import math

import pytest
import torch

from hwgen.train.calibration import CALIBRATIONS
from hwgen.train.calibration.divergence import SMALLEST, divergence


def test_by_hand() -> None:
    """Integers 0 and 1 at a scale of 2, two cells of the candidate 1 in each half of a level.

    Level 0 is -1 .. 1, level 1 is 1 .. 3, in cells of 0.5. Of 1.0, 1.0, 1.5 two cells of level 1 have 2 and 1: Q gives
    each 1.5 of 3. At a scale of 1, level 1 is 0.5 .. 1.5: 1.5 is clipped into its last cell, [1, 1.5), beside the two.
    """
    values = torch.tensor([1.0, 1.0, 1.5, 0.0]).double()
    wanted = 2 / 3 * math.log(2 / 3 / 0.5) + 1 / 3 * math.log(1 / 3 / 0.5)
    found = divergence(values, [0, 1], 0, 1)
    assert found[1] == pytest.approx(wanted, abs=1e-12)
    assert found[0] == pytest.approx(0.0, abs=1e-12), "one cell has all of P and of Q"


def test_clipped_values_where_no_others_are() -> None:
    """Half of all values in the last cell, where Q has none."""
    found = divergence(torch.tensor([0.1, 9.0]).double(), [0], 0, 1)
    assert found[0] == pytest.approx(0.5 * math.log(0.5 / 1.0) + 0.5 * math.log(0.5 / SMALLEST))


def test_all_clipped_is_never_taken() -> None:
    assert divergence(torch.tensor([9.0]).double(), [0], 0, 1) == {0: math.inf}


def test_a_few_outliers_are_clipped_and_a_broad_end_is_not() -> None:
    generator = torch.Generator().manual_seed(1)
    normal = torch.randn(20_000, generator=generator).double()
    outliers = torch.cat([normal, torch.tensor([64.0]).double()])
    uniform = 8 * torch.rand(20_000, generator=generator).double() - 4
    of = {name: CALIBRATIONS[name].exponent for name in ("kl", "min_max")}
    assert of["kl"]([(outliers, -127, 127)]) < of["min_max"]([(outliers, -127, 127)])
    assert of["kl"]([(uniform, -7, 7)]) == of["min_max"]([(uniform, -7, 7)]) == 0
