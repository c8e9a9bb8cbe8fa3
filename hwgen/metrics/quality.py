"""Quality of received images: PSNR, SSIM and MS-SSIM together, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwgen.metrics.ms_ssim import ms_ssim
from hwgen.metrics.psnr import psnr
from hwgen.metrics.ssim import ssim


@dataclass(frozen=True)
class Quality:
    """psnr_db in dB, infinite where nothing differs; ssim and ms_ssim at most 1, None where images are too small."""

    psnr_db: float
    ssim: float | None = None
    ms_ssim: float | None = None

    @classmethod
    def of(cls, original: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> Quality:
        """The quality of an (H, W, C) uint8 image."""
        return cls(psnr(original, seen), ssim(original, seen), ms_ssim(original, seen))

    def mixed(self, other: Quality, share: float) -> Quality:
        """The expectation where `other` is seen in a share of the cases, 0 to 1, and this in the others."""

        def both(mine: float | None, its: float | None) -> float | None:
            if share in (0.0, 1.0):  # infinity times nothing is nothing, too
                return its if share else mine
            return None if mine is None or its is None else (1.0 - share) * mine + share * its

        found = both(self.psnr_db, other.psnr_db)
        assert found is not None
        return Quality(found, both(self.ssim, other.ssim), both(self.ms_ssim, other.ms_ssim))


def mean_quality(found: Sequence[Quality]) -> Quality:
    """Means over images, at least one; None where one of them has none."""

    def mean(values: list[float | None]) -> float | None:
        numbers = [value for value in values if value is not None]
        return float(np.mean(numbers)) if len(numbers) == len(values) else None

    return Quality(
        float(np.mean([each.psnr_db for each in found])),
        mean([each.ssim for each in found]),
        mean([each.ms_ssim for each in found]),
    )
