"""Pictures as frames: any image file or folder, or the photos that ship inside scikit-image.

An image of any size is scaled (Lanczos) until it just covers the frame, keeping its proportions, and its centre is
cut out. An image of the frame's own size is taken as it is, value by value.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from hwgen.errors import HwgenError
from hwgen.limits import MOST_FRAMES_PIXELS, shown
from hwgen.raster import SUFFIXES, content, decode, image_files

PHOTOS = ("coffee.png", "rocket.jpg", "motorcycle_left.png", "astronaut.png", "chelsea.png")
"""Photos inside scikit-image's wheel that are in the public domain or under CC0 (its data/ says which and by whom)."""


def load_images(path: Path | None, frames: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """(frames, height, width, 3) uint8, R G B.

    Parameters
    ----------
    path : an image, or a folder whose images (searched through, in the order of their paths) are taken in turn and
        over again where there are fewer than frames; None takes `PHOTOS`.

    Raises
    ------
    HwgenError : nothing there, no image in the folder, a file that is no readable image, or more pixels in all frames
        than `MOST_FRAMES_PIXELS`
    """
    if frames * width * height > MOST_FRAMES_PIXELS:
        wanted = f"at most {MOST_FRAMES_PIXELS // (width * height)} frames of {width}x{height}"
        raise HwgenError("--frames", f"{wanted}, {MOST_FRAMES_PIXELS} pixels in all", str(frames))
    used = find_images(path)[:frames]
    loaded = [_fitted(file, width, height) for file in used]
    return np.stack([loaded[i % len(loaded)] for i in range(frames)])


def find_images(path: Path | None) -> list[Path]:
    """The files that `load_images` takes, so that a wrong path is known before any work is done; none is opened.

    Raises
    ------
    HwgenError : nothing there, or no image in the folder
    """
    return _photos() if path is None else _files(path)


def _photos() -> list[Path]:
    spec = importlib.util.find_spec("skimage")  # its photos are plain files: importing it is not needed
    if spec is None or spec.origin is None:
        raise HwgenError("--images", "an image or a folder, as scikit-image with its photos is not installed", "none")
    folder = Path(spec.origin).parent / "data"
    files = [folder / name for name in PHOTOS if (folder / name).is_file()]
    if not files:
        raise HwgenError("--images", f"an image or a folder, as scikit-image has none of {', '.join(PHOTOS)}", "none")
    return files


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = image_files(path)
        if not files:
            raise HwgenError(
                "--images", f"a folder with images ({' '.join(sorted(SUFFIXES))})", f"none in {shown(path)}"
            )
        return files
    if not path.exists():
        raise HwgenError("--images", "an image or a folder of images", f"nothing at {shown(path)}")
    return [path]


def _fitted(file: Path, width: int, height: int) -> npt.NDArray[np.uint8]:
    pixels = decode(content(file), shown(file))
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(ImageOps.fit(Image.fromarray(pixels), (width, height), Image.Resampling.LANCZOS))
