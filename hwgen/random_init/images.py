"""Synthetic images, on which random layers are measured."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def synthetic_image(
    rng: np.random.Generator, height: int, width: int, darkest: int, brightest: int
) -> npt.NDArray[np.uint8]:
    """(height, width, 3) uint8: overlapping tinted rectangles with ramps, and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.zeros((height, width, 3), dtype=np.int64)
    image[:] = rng.integers(darkest, brightest + 1)
    for _ in range(14):
        top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
        inside = (y >= top) & (y < top + rng.integers(2, height)) & (x >= left) & (x < left + rng.integers(2, width))
        colour = rng.integers(darkest, brightest + 1, 3)
        ramp = (int(rng.integers(-4, 5)) * (y - top) + int(rng.integers(-4, 5)) * (x - left)) // 2
        image[inside] = (colour + ramp[:, :, None])[inside]
    image += rng.integers(-6, 7, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)
