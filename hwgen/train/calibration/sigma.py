"""Mean and standard deviation."""

from __future__ import annotations

from torch import Tensor

SIGMAS = 2.0


def sigma(values: Tensor) -> tuple[float, float]:
    """Mean +- two standard deviations: of a normal distribution 95.4 % of the values.

    Brevitas's `MeanSigmaStd` is another one: it takes mean and deviation of the magnitudes.
    """
    mean, deviation = float(values.mean()), float(values.std(correction=0))
    return mean - SIGMAS * deviation, mean + SIGMAS * deviation
