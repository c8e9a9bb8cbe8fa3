"""Peak signal-to-noise ratio of 8-bit images."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

PEAK = 255.0
"""The largest value of a pixel."""


def psnr_of_mse(mse: float) -> float:
    """PSNR in dB of a mean squared error in squared 8-bit steps: 10 log10(255**2 / mse); infinite for 0."""
    return math.inf if mse == 0 else 10.0 * math.log10(PEAK**2 / mse)


def psnr(original: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> float:
    """PSNR in dB of two arrays of one shape; infinite where they are equal."""
    return psnr_of_mse(float(np.mean((original.astype(np.float64) - seen) ** 2)))
