"""The best picture of a size: of JPEG, WebP and AVIF the file of least squared error that fits so many bits.

The whole file counts, headers and tables included. Each code's quality is found by bisection, as sizes grow with it;
colours are at full or at half resolution where a code has both. Pillow's encoders; AVIF is left out where Pillow comes
without it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, features

from hwgen.metrics.psnr import psnr

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Code:
    """A source code with all settings but its quality.

    Attributes
    ----------
    name : as Pillow has it
    most : the highest quality; the lowest is 1
    """

    name: str
    most: int
    settings: tuple[tuple[str, Any], ...]

    def encode(self, image: Pixels, quality: int) -> bytes:
        """A file of an (H, W, 3) image."""
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, self.name, quality=quality, **dict(self.settings))
        return buffer.getvalue()


@cache
def codes() -> tuple[Code, ...]:
    """Those that Pillow has."""
    colours = ("4:4:4", "4:2:0")
    jpegs = [Code("JPEG", 95, (("subsampling", each), ("optimize", True), ("progressive", True))) for each in colours]
    webp = [Code("WEBP", 100, (("method", 4),))] if features.check("webp") else []
    # One thread: files are the same on all machines.
    avifs = [Code("AVIF", 100, (("subsampling", each), ("speed", 6), ("max_threads", 1))) for each in colours]
    return (*jpegs, *webp, *(avifs if features.check("avif") else []))


@dataclass(frozen=True, eq=False)
class Coded:
    """An image as a file brings it: `code` its name, `bits` its size."""

    code: str
    bits: int
    image: Pixels


class Picture:
    """An (H, W, 3) uint8 image and its files, each encoded once."""

    def __init__(self, image: Pixels) -> None:
        self.image = image
        self.files: dict[tuple[Code, int], bytes] = {}

    def best(self, bits: int) -> Coded | None:
        """The image of the best file that fits; None where none does."""
        fitting = [coded for code in codes() if (coded := self._largest(code, bits)) is not None]
        return max(fitting, key=lambda coded: psnr(self.image, coded.image), default=None)

    def mean_colour(self) -> Pixels:
        """The image's mean colour everywhere: all that is seen where no file arrives."""
        mean = np.rint(self.image.reshape(-1, 3).mean(0)).astype(np.uint8)
        return np.broadcast_to(mean, self.image.shape).copy()

    def _largest(self, code: Code, bits: int) -> Coded | None:
        low, high = 0, code.most + 1  # the file of `low` fits (0: none), that of `high` does not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if 8 * len(self._file(code, middle)) <= bits else (low, middle)
        if low == 0:
            return None
        file = self._file(code, low)
        with Image.open(io.BytesIO(file)) as opened:
            return Coded(code.name, 8 * len(file), np.asarray(opened.convert("RGB")))

    def _file(self, code: Code, quality: int) -> bytes:
        if (code, quality) not in self.files:
            self.files[code, quality] = code.encode(self.image, quality)
        return self.files[code, quality]
