"""The reader of image files: of training, verification and the radio link alike.

Read are raster images of `FORMATS`, found by the suffixes `SUFFIXES`, as uint8 (H, W, 3):

- turned as EXIF's orientation says;
- of several frames the first one;
- grey levels, palettes, CMYK and transparency as RGB, what is transparent as if it were not;
- of 16 bits the upper 8;
- grey levels in floating point rounded: times 255 where none is above 1, else as they are; refused below 0, above 255.

An encoded image has at most `MOST_BYTES` and a decoded one at most `MOST_PIXELS`: both are checked before it is read or
decoded, so that a small file cannot ask for all memory.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from hwgen.errors import HwgenError
from hwgen.limits import MOST_PIXELS, check_bytes, read_limited, shown

Picture = npt.NDArray[np.uint8]

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's names of the formats that are read. Pillow knows many more: what nobody asked for is not decoded."""

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings, in lower case, of the files of a folder or zip that are taken for images."""

MOST_BYTES = 1 << 28
"""Largest encoded image: 256 MiB."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""EXIF's orientations and what undoes them; from 5 on, width and height change places."""

_PNG_HEADER = 8


def content(path: Path) -> bytes:
    """The bytes of a regular file of at most `MOST_BYTES`.

    Raises
    ------
    HwgenError
        It cannot be read, is larger, or is no regular file.
    """
    try:
        return read_limited(path, MOST_BYTES, "an image file")
    except OSError as error:
        raise HwgenError(shown(path), "a readable file", error.strerror or str(error)) from error


def check_length(length: int, where: str) -> None:
    """Refuse an encoded image of more than `MOST_BYTES`."""
    check_bytes(length, MOST_BYTES, "an image file", where)


def header(stream: IO[bytes], where: str) -> tuple[int, int]:
    """(height, width) of an encoded image as `decode` gives it; no pixel is decoded.

    Parameters
    ----------
    stream
        Seekable, from the image's beginning.

    Raises
    ------
    HwgenError
        No image of `FORMATS`, or one of more than `MOST_PIXELS`.
    """
    with _opened(stream, where) as image:
        width, height = image.size
        return (width, height) if _orientation(image, stream) >= 5 else (height, width)


def decode(data: bytes, where: str) -> Picture:
    """Pixels of an encoded image: uint8 (H, W, 3).

    Raises
    ------
    HwgenError
        Damaged; or no image of `FORMATS`, one of more than `MOST_PIXELS`, or of levels that are no grey levels.
    """
    check_length(len(data), where)
    stream = io.BytesIO(data)
    with _opened(stream, where) as image:
        turn = _TURNS.get(_orientation(image, stream))
        plain = _rgb(image, where)
        return np.array(plain if turn is None else plain.transpose(turn))


def image_files(folder: Path) -> list[Path]:
    """The regular files below a folder that `SUFFIXES` call images, in the order of their paths, without `junk`."""
    found = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    return sorted(file for file in found if not junk(file.relative_to(folder)) and file.is_file())


def junk(path: PurePath | str) -> bool:
    """Whether a file is what an operating system left beside the images: `._NAME`, `__MACOSX/`, hidden files."""
    parts = PurePath(path).parts
    return "__MACOSX" in parts or any(part.startswith(".") and part not in (".", "..") for part in parts)


def unreadable(where: str, error: Exception) -> HwgenError:
    """The error for an image that cannot be read."""
    if isinstance(error, UnidentifiedImageError):  # its own text has an address of memory in it
        return HwgenError(where, f"a readable image ({', '.join(FORMATS)})", "none of these")
    return HwgenError(where, "a readable image", str(error) or type(error).__name__)


@contextmanager
def _opened(stream: IO[bytes], where: str) -> Iterator[Image.Image]:
    """An image of a size that may be decoded; what Pillow raises meanwhile becomes one error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes, which are checked here, and odd metadata, which is not used
            with Image.open(stream, formats=FORMATS) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise HwgenError(where, f"an image of at most {MOST_PIXELS} pixels", f"{width}x{height}")
                yield image
    except HwgenError:
        raise
    except Image.DecompressionBombError as error:  # Image.open's own limit is above ours
        raise HwgenError(where, f"an image of at most {MOST_PIXELS} pixels", str(error)) from error
    except Exception as error:  # Pillow's decoders raise a dozen types on damaged files, SyntaxError among them
        raise unreadable(where, error) from error


def _orientation(image: Image.Image, stream: IO[bytes]) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none or none that can be read."""
    if image.format == "TIFF":
        return 1  # Pillow turns it itself, and has the turned size from the beginning
    if image.format == "PNG" and "exif" not in image.info and not _late_exif(stream):
        return 1  # Pillow would decode the whole image in search of it
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata, as many a camera's: the pixels are whole
        return 1
    return found if found in _TURNS else 1


def _late_exif(stream: IO[bytes]) -> bool:
    """Whether a PNG has its EXIF behind its pixels. Leaves the stream where it was."""
    at = stream.tell()
    stream.seek(_PNG_HEADER)
    try:
        while len(start := stream.read(8)) == 8 and start[4:] != b"IEND":
            if start[4:] == b"eXIf":
                return True
            stream.seek(int.from_bytes(start[:4], "big") + 4, os.SEEK_CUR)
        return False
    finally:
        stream.seek(at)


def _rgb(image: Image.Image, where: str) -> Image.Image:
    """An image of any mode as RGB."""
    if image.mode.startswith("I"):  # Pillow's own conversion would clip 16 bits at 255
        levels = np.asarray(image)
        low, high = int(levels.min()), int(levels.max())
        if low < 0 or high > 0xFFFF:
            raise HwgenError(where, "grey levels of 16 bits, 0 to 65535", f"{low} to {high}")
        return Image.fromarray((levels >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        shades = np.asarray(image, dtype=np.float64)
        least, most = float(shades.min()), float(shades.max())
        if not (least >= 0 and most <= 255):  # also where they are no numbers
            raise HwgenError(where, "grey levels in floating point, 0 to 1 or 0 to 255", f"{least:g} to {most:g}")
        return Image.fromarray(np.rint(shades * 255 if most <= 1 else shades).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
