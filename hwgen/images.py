"""Pictures as frames: any image file or folder, or the photos that ship inside scikit-image.

An image of any size is scaled (Lanczos) until it just covers the frame, keeping its proportions, and its centre is
cut out. An image of the frame's own size is taken as it is, value by value.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from hwgen.errors import HwgenError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})

UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""Exceptions of Pillow's for damaged files, SyntaxError included."""

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
    HwgenError : nothing there, no image in the folder, or a file that is no readable image
    """
    files = _photos() if path is None else _files(path)
    used = files[:frames]
    loaded = [_fitted(file, width, height) for file in used]
    return np.stack([loaded[i % len(loaded)] for i in range(frames)])


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
        files = sorted(
            file for file in path.rglob("*")
            if file.suffix.lower() in SUFFIXES and not junk(file.relative_to(path)) and file.is_file()
        )  # fmt: skip
        if not files:
            raise HwgenError("--images", f"a folder with images ({' '.join(sorted(SUFFIXES))})", f"none in {path}")
        return files
    if not path.exists():
        raise HwgenError("--images", "an image or a folder of images", f"nothing at {path}")
    return [path]


def _fitted(file: Path, width: int, height: int) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(file) as opened:
            image = plain(ImageOps.exif_transpose(opened))  # turned as its camera says
        fitted = (
            image if image.size == (width, height) else ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        )
    except UNREADABLE as error:
        raise HwgenError(str(file), "an image that Pillow can read", str(error) or type(error).__name__) from error
    return np.asarray(fitted, dtype=np.uint8)


def plain(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB: a palette, grey levels or transparency.

    Grey levels of 16 bits keep their upper 8; Pillow's own conversion would clip them at 255. Grey levels in floating
    point are from 0 to 1 where none is above, else from 0 to 255.

    Raises
    ------
    ValueError : levels that are no numbers
    """
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray(np.clip(values >> 8, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        levels = np.asarray(image).astype(np.float64)
        if not np.isfinite(levels).all():
            raise ValueError("grey levels that are no finite numbers")
        levels = levels * 255 if levels.max(initial=0) <= 1 else levels
        return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def junk(path: PurePath | str) -> bool:
    """Whether a file is what an operating system left beside the images: `._NAME`, `__MACOSX/`, hidden files."""
    parts = PurePath(path).parts
    return "__MACOSX" in parts or any(part.startswith(".") and part not in (".", "..") for part in parts)
