"""The magnitude that a share of the values does not exceed."""

from __future__ import annotations

import torch

from hwgen.train.calibration.percentile import percentile


def test_one_in_a_thousand_is_beyond() -> None:
    values = torch.arange(1, 2001).double() * torch.tensor([1.0, -1.0]).double().repeat(1000)
    assert percentile(values[torch.randperm(2000, generator=torch.Generator().manual_seed(1))]) == (-1998.0, 1998.0)


def test_of_few_values_the_largest_counts() -> None:
    assert percentile(torch.tensor([1.0, -9.0, 2.0])) == (-9.0, 9.0)
