"""SSIM: the definition against two independent implementations of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from hwgen.metrics.ssim import SIGMA, WINDOW, similarity, ssim


def pair() -> tuple[np.ndarray, np.ndarray]:
    original = data.astronaut()[:96, :128]
    noisy = np.clip(original + np.random.default_rng(1).normal(0, 20, original.shape), 0, 255).astype(np.uint8)
    return original, noisy


def test_equal_images() -> None:
    original, _ = pair()
    assert ssim(original, original) == 1.0


def test_against_scikit_image() -> None:
    original, noisy = pair()
    _, full = structural_similarity(
        original, noisy, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255,
        full=True,
    )  # fmt: skip
    # It mirrors the edges otherwise: what the window does not reach beyond is the same.
    assert similarity(original, noisy)[5:-5, 5:-5] == pytest.approx(full[5:-5, 5:-5], abs=1e-9)


def test_against_what_training_measures() -> None:
    first, second = (torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None] for image in pair())
    wanted = structural_similarity_index_measure(first, second, data_range=255.0, sigma=SIGMA, kernel_size=WINDOW)
    assert ssim(*pair()) == pytest.approx(float(torch.as_tensor(wanted)), abs=1e-12)


def test_the_window_must_fit() -> None:
    small = np.zeros((10, 32, 3), np.uint8)
    assert ssim(small, small) is None
    assert ssim(np.zeros((11, 11, 3), np.uint8), np.zeros((11, 11, 3), np.uint8)) == 1.0


def test_shapes_must_match() -> None:
    with pytest.raises(ValueError, match=r"seen: wanted shape \(12, 12, 3\), got \(12, 13, 3\)"):
        ssim(np.zeros((12, 12, 3), np.uint8), np.zeros((12, 13, 3), np.uint8))
