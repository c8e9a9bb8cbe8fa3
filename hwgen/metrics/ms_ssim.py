"""Multi-scale structural similarity of 8-bit images (Wang, Simoncelli, Bovik 2003), in float64.

At five scales, each half of the one before by means of 2x2 pixels:

    MS-SSIM = SSIM_5^a_5 * product over j = 1..4 of (c s)_j^a_j,    a = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333

c s: contrast times structure, the mean over colours and all places where the whole 11x11 Gaussian window lies in the
image; SSIM as in `hwgen.metrics.ssim`, edges reflected; both at least 0. It is how image coding measures what is seen,
and has nothing to learn. A test compares it with torchmetrics' version.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwgen.metrics.ssim import WINDOW, Floats, similarity, terms

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
LEAST_SIDE = WINDOW << (len(EXPONENTS) - 1)
"""Rows and columns, at least: the last scale holds a window."""


def ms_ssim(original: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> float | None:
    """MS-SSIM of two uint8 (H, W, C) images, at most 1; None where they are too small for five scales.

    Raises
    ------
    ValueError
        Shapes that differ.
    """
    if original.shape != seen.shape:
        raise ValueError(f"seen: wanted shape {original.shape}, got {seen.shape}")
    if min(original.shape[:2]) < LEAST_SIDE:
        return None
    x, y = original.astype(np.float64), seen.astype(np.float64)
    found = 1.0
    for scale, exponent in enumerate(EXPONENTS):
        if scale:
            x, y = _halved(x), _halved(y)
        values = similarity(x, y) if scale == len(EXPONENTS) - 1 else terms(x, y)[1]
        found *= max(float(values.mean()), 0.0) ** exponent
    return found


def _halved(x: Floats) -> Floats:
    """Means of 2x2 pixels; an odd last row or column is left out."""
    rows, columns = (side // 2 * 2 for side in x.shape[:2])
    return (x[:rows:2, :columns:2] + x[1:rows:2, :columns:2] + x[:rows:2, 1:columns:2] + x[1:rows:2, 1:columns:2]) / 4
