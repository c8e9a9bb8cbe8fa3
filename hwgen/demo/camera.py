"""A camera that looks at photographs: a window that moves over each of them in turn, frame by frame."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from hwgen.images import find_images
from hwgen.limits import shown
from hwgen.raster import content, decode

FRAMES = 60
"""Frames for which it stays with a photograph."""
ZOOM = 1.6
"""Size of the photograph in windows, in the direction in which it is the smaller one."""

Picture = npt.NDArray[np.uint8]


class Camera:
    """Frames without end, the same for the same photographs.

    Parameters
    ----------
    images : an image or a folder; None takes scikit-image's photographs
    width, height : of a frame

    Raises
    ------
    HwgenError : nothing there, no image in the folder; with `frame`, a file that is no readable image
    """

    def __init__(self, images: Path | None, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._files = find_images(images)
        self._at: tuple[Path, Picture] | None = None

    def frame(self, number: int) -> Picture:
        """(height, width, 3) uint8: what the camera sees at a frame's time, numbers from 0 on."""
        turn, place = divmod(number, FRAMES)
        photo = self._photo(self._files[turn % len(self._files)])
        angle = 2 * math.pi * place / FRAMES
        x = round((photo.shape[1] - self.width) * (1 - math.cos(angle)) / 2)
        y = round((photo.shape[0] - self.height) * (1 + math.sin(2 * angle)) / 2)
        return np.ascontiguousarray(photo[y : y + self.height, x : x + self.width])

    def _photo(self, file: Path) -> Picture:
        """A photograph, scaled until it is ZOOM times as large as a frame or more in either direction."""
        if self._at is None or self._at[0] != file:
            pixels = decode(content(file), shown(file))
            scale = ZOOM * max(self.width / pixels.shape[1], self.height / pixels.shape[0])
            size = math.ceil(pixels.shape[1] * scale), math.ceil(pixels.shape[0] * scale)
            self._at = file, np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
        return self._at[1]
