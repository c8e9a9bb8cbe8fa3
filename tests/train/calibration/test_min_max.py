"""The whole range."""

from __future__ import annotations

import torch

from hwgen.train.calibration.min_max import min_max


def test_both_ends() -> None:
    assert min_max(torch.tensor([0.5, -3.0, 2.0])) == (-3.0, 2.0)
