"""Structural similarity of 8-bit images (Wang, Bovik, Sheikh, Simoncelli 2004), in float64.

Means, variances and the covariance are those under an 11x11 Gaussian window, sigma 1.5, of an image reflected
at its edges; the result is the mean over all pixels and colours. Training measures batches of tensors with
torchmetrics' version of the same definition; a test compares the two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwgen.metrics.psnr import PEAK

WINDOW = 11
"""Rows and columns of the Gaussian window."""
SIGMA = 1.5
"""Its standard deviation, in pixels."""

_C1, _C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
_TAPS = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
_TAPS /= _TAPS.sum()

Floats = npt.NDArray[np.float64]


def ssim(original: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> float | None:
    """SSIM of two uint8 (H, W, C) images, at most 1; None where an image is smaller than the window.

    Raises
    ------
    ValueError
        Shapes that differ.
    """
    if original.shape != seen.shape:
        raise ValueError(f"seen: wanted shape {original.shape}, got {seen.shape}")
    if min(original.shape[:2]) < WINDOW:
        return None
    return float(np.mean(similarity(original, seen)))


def similarity(original: npt.NDArray[np.uint8] | Floats, seen: npt.NDArray[np.uint8] | Floats) -> Floats:
    """SSIM at every pixel and colour, (H, W, C), of images at least as large as the window."""
    edge = WINDOW // 2
    x, y = (np.pad(image.astype(np.float64), ((edge, edge), (edge, edge), (0, 0)), mode="reflect")
            for image in (original, seen))  # fmt: skip
    luminance, structure = terms(x, y)
    return np.asarray(luminance * structure)


def terms(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Luminance, and contrast times structure, under every window that lies in the image, (H - 10, W - 10, C) each."""
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x = np.maximum(_windowed(x * x) - mean_x**2, 0)
    variance_y = np.maximum(_windowed(y * y) - mean_y**2, 0)
    covariance = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return np.asarray(luminance), np.asarray(structure)


def _windowed(x: Floats) -> Floats:
    """Gaussian means."""
    for axis in (0, 1):
        x = np.asarray(np.lib.stride_tricks.sliding_window_view(x, WINDOW, axis=axis) @ _TAPS)
    return x
