"""Changed crops: what a network is to code beyond the pictures that it learns from.

turn: upside down, and rows for columns, each with probability 1/2; with left-right flips, a square's eight positions.
colour: with probability 1/2, saturation times 1/2 to 2, contrast times 2/3 to 3/2 around the crop's mean luma (both
uniform in their logarithm) and brightness up to 32 of 255 more or less.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from torch import Generator, float64, rand

from hwgen.raster import Picture

DRAWS = 6
"""Uniform numbers of a crop, whatever is asked for: a seed's draws of one way do not move with the other."""
LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in luma: ITU-R BT.601."""
SATURATION, CONTRAST, BRIGHTNESS = 2.0, 1.5, 32.0


def augmented(crops: Sequence[Picture], ways: Collection[str], generator: Generator) -> list[Picture]:
    """The crops, (H, H, 3) uint8 each, changed in those of the ways above that are asked for."""
    draws = rand((len(crops), DRAWS), generator=generator, dtype=float64).numpy()
    result = []
    for crop, (upside, rows, whether, saturation, contrast, brightness) in zip(crops, draws, strict=True):
        if "turn" in ways:
            crop = crop[::-1] if upside < 0.5 else crop
            crop = crop.transpose(1, 0, 2) if rows < 0.5 else crop
        if "colour" in ways and whether < 0.5:
            crop = coloured(
                crop,
                SATURATION ** (2 * saturation - 1),
                CONTRAST ** (2 * contrast - 1),
                BRIGHTNESS * (2 * brightness - 1),
            )
        result.append(crop)
    return result


def coloured(crop: Picture, saturation: float, contrast: float, brightness: float) -> Picture:
    """A picture (H, W, 3) uint8 with saturation and contrast times these factors, and brightness added in 1/255."""
    values = crop.astype(np.float64)
    luma = (values @ LUMA)[..., None]
    mean = luma.mean()
    changed = mean + contrast * (luma + saturation * (values - luma) - mean) + brightness
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)
