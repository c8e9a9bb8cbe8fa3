"""PSNR against its formula."""

from __future__ import annotations

import math

import numpy as np

from hwgen.metrics.psnr import psnr, psnr_of_mse


def test_psnr() -> None:
    black, one = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)
    assert psnr(black, black) == psnr_of_mse(0.0) == math.inf
    assert psnr(black, one) == psnr(one, black) == psnr_of_mse(1.0) == 20 * math.log10(255)
    assert psnr(black, np.full((2, 2, 3), 255, np.uint8)) == 0.0
