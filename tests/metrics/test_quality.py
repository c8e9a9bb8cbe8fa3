"""PSNR, SSIM and MS-SSIM together."""

from __future__ import annotations

import math

import numpy as np
from skimage import data

from hwgen.metrics.ms_ssim import LEAST_SIDE, ms_ssim
from hwgen.metrics.psnr import psnr
from hwgen.metrics.quality import Quality, mean_quality
from hwgen.metrics.ssim import ssim


def test_of_an_image() -> None:
    image = data.coffee()[:LEAST_SIDE, :LEAST_SIDE]
    seen = (image // 2 + 40).astype(np.uint8)
    assert Quality.of(image, seen) == Quality(psnr(image, seen), ssim(image, seen), ms_ssim(image, seen))
    assert Quality.of(image[:20], seen[:20]).ms_ssim is None


def test_means_and_mixtures() -> None:
    one, other = Quality(30.0, 0.9, 0.8), Quality(20.0, 0.5, None)
    assert mean_quality([one, one]) == one
    assert mean_quality([one, other]) == Quality(25.0, (0.9 + 0.5) / 2, None)
    assert one.mixed(other, 0.25) == Quality(27.5, 0.75 * 0.9 + 0.25 * 0.5, None)
    assert one.mixed(other, 0.0) == one and one.mixed(other, 1.0) == other
    assert Quality(math.inf).mixed(one, 1.0).psnr_db == 30.0
