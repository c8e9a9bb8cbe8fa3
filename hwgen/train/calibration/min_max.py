"""Everything is covered."""

from __future__ import annotations

from torch import Tensor


def min_max(values: Tensor) -> tuple[float, float]:
    """From the smallest value to the largest: nothing is clipped."""
    return float(values.min()), float(values.max())
