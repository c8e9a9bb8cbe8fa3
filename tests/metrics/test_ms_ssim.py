"""MS-SSIM against torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from hwgen.metrics.ms_ssim import LEAST_SIDE, ms_ssim

IMAGE = data.astronaut()[:LEAST_SIDE, : LEAST_SIDE + 21]


def theirs(original: np.ndarray, seen: np.ndarray) -> float:
    tensors = (torch.from_numpy(x.astype(np.float64)).permute(2, 0, 1)[None] for x in (seen, original))
    return float(multiscale_structural_similarity_index_measure(*tensors, data_range=255.0))


@pytest.mark.parametrize("deviation", [2, 20, 80])
def test_noise(deviation: int) -> None:
    noise = np.random.default_rng(1).normal(0, deviation, IMAGE.shape)
    seen = np.clip(IMAGE + noise, 0, 255).astype(np.uint8)
    assert ms_ssim(IMAGE, seen) == pytest.approx(theirs(IMAGE, seen), abs=1e-6)


def test_a_negative_has_no_structure_left() -> None:
    assert ms_ssim(IMAGE, 255 - IMAGE) == 0.0


def test_equal_and_small_images() -> None:
    assert LEAST_SIDE == 176
    assert ms_ssim(IMAGE, IMAGE) == 1.0
    assert ms_ssim(IMAGE[1:], IMAGE[1:]) is None
    with pytest.raises(ValueError, match="seen: wanted shape"):
        ms_ssim(IMAGE, IMAGE[1:])
