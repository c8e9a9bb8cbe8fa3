"""All but the largest magnitudes are covered."""

from __future__ import annotations

from brevitas.core.stats import AbsPercentile
from torch import Tensor

PERCENT = 99.9
"""Brevitas's `high_percentile_q`. Of fewer than 500 values it is the largest."""


def percentile(values: Tensor) -> tuple[float, float]:
    """+- the magnitude that so many per cent of the values do not exceed."""
    largest = float(AbsPercentile(PERCENT, None)(values))
    return -largest, largest
