"""Squared error (MSE) of the quantised values."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def squared_error(values: Tensor, exponents: Sequence[int], low: int, high: int) -> dict[int, float]:
    """The sum of (quantised - value)**2, rounding and clipping together, of each exponent."""
    return {exponent: _error(values, 2.0**exponent, low, high) for exponent in exponents}


def _error(values: Tensor, scale: float, low: int, high: int) -> float:
    return float((values - (values / scale).round().clamp(low, high) * scale).square().sum())
