"""Image data: what users have, as one list of uint8 (H, W, 3) arrays.

``load(path, split)`` looks at the path and picks the reader:

- Cityscapes: ``PATH/leftImg8bit/{train,val}/CITY/*.png`` (PATH may be leftImg8bit itself);
- CIFAR-10's official binary batches: ``data_batch_*.bin`` and ``test_batch.bin``;
- lossless CIFAR-10 mosaics: ``lossless_train*.webp``, ``lossless_test*.webp`` (32x32 tiles);
- zips by split: ``{train,val}_*.zip`` in a folder, images under ``images/``;
- folders by split: ``PATH/{train,val}/**``; else any folder or zip of images, of which every tenth
  image (in the order of names) is kept for validation.

``load("skimage", split)`` gives the photographs that scikit-image's wheel carries, all CC0 or public
domain: enough to train the smallest model without downloading anything.

CIFAR-10's "python version" is pickles, which run code when loaded: refused.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from hwgen.errors import HwgenError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
SKIMAGE = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "rocket")
CIFAR_RECORD = 1 + 3 * 32 * 32
SPLITS = ("train", "val")

Picture = NDArray[np.uint8]


def load(path: Path | str, split: str) -> list[Picture]:
    """All images of a split ("train" or "val") as uint8 (H, W, 3), in a fixed order.

    Raises
    ------
    HwgenError
        nothing there, no images, a pickle, a truncated batch, or an unreadable image.
    """
    if split not in SPLITS:
        raise HwgenError("data split", "train or val", repr(split))
    if path == "skimage":
        return every_tenth(_skimage(), split)
    path = Path(path)
    if not path.exists():
        raise HwgenError(str(path), "a folder or zip of images", "nothing there")
    if path.is_file():
        if path.suffix.lower() == ".zip":
            return every_tenth(_zip(path), split)
        raise HwgenError(str(path), "a folder or a .zip of images", f"a file ending in {path.suffix or 'nothing'}")
    for reader in (_cityscapes, _cifar_binary, _cifar_mosaics, _zips_by_split, _folders_by_split):
        images = reader(path, split)
        if images is not None:
            return images
    return every_tenth(_folder(path), split)


def every_tenth(images: list[Picture], split: str) -> list[Picture]:
    """Validation: images 0, 10, 20 ...; training: the others (all of them if there are fewer than 2)."""
    if len(images) < 2:
        return images
    return [image for index, image in enumerate(images) if (index % 10 == 0) == (split == "val")]


def _skimage() -> list[Picture]:
    try:
        from skimage import data as photographs
    except ImportError as error:
        raise HwgenError("--data skimage", "scikit-image installed", str(error)) from error
    return [np.asarray(getattr(photographs, name)()) for name in SKIMAGE]


def _cityscapes(path: Path, split: str) -> list[Picture] | None:
    root = path if path.name == "leftImg8bit" else path / "leftImg8bit"
    if not root.is_dir():
        return None
    files = sorted((root / split).glob("*/*.png"))
    if not files:
        raise HwgenError(str(root / split), "CITY/*.png", "no such files")
    return [decode(file.read_bytes(), str(file)) for file in files]


def _cifar_binary(path: Path, split: str) -> list[Picture] | None:
    for folder in (path, path / "cifar-10-batches-bin"):
        files = sorted(folder.glob("data_batch_*.bin" if split == "train" else "test_batch.bin"))
        if files:
            return [image for file in files for image in _cifar_batch(file)]
    pickles = [*path.glob("data_batch_[0-9]"), *path.glob("cifar-10-batches-py/data_batch_[0-9]")]
    if pickles:
        raise HwgenError(
            str(sorted(pickles)[0]),
            "CIFAR-10's binary version (data_batch_1.bin ...)",
            "the python version: pickles are not loaded",
        )
    return None


def _cifar_batch(file: Path) -> list[Picture]:
    raw = np.frombuffer(file.read_bytes(), np.uint8)
    if raw.size == 0 or raw.size % CIFAR_RECORD:
        raise HwgenError(str(file), f"a multiple of {CIFAR_RECORD} bytes", f"{raw.size} bytes")
    planes = raw.reshape(-1, CIFAR_RECORD)[:, 1:].reshape(-1, 3, 32, 32)
    return list(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)))


def _cifar_mosaics(path: Path, split: str) -> list[Picture] | None:
    files = sorted(path.glob("lossless_train*.webp" if split == "train" else "lossless_test*.webp"))
    if not files:
        return None
    images: list[Picture] = []
    for file in files:
        mosaic = decode(file.read_bytes(), str(file))
        rows, columns = mosaic.shape[0] // 32, mosaic.shape[1] // 32
        tiles = mosaic.reshape(rows, 32, columns, 32, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 32, 32, 3)
        # `..._first1017.webp`: the name says how many tiles are images, the rest is black padding
        named = re.search(r"first(\d+)", file.stem)
        images += list(np.ascontiguousarray(tiles[: int(named.group(1)) if named else None]))
    return images


def _zips_by_split(path: Path, split: str) -> list[Picture] | None:
    files = sorted(path.glob(f"{split}*.zip"))
    return [image for file in files for image in _zip(file)] if files else None


def _folders_by_split(path: Path, split: str) -> list[Picture] | None:
    return _folder(path / split) if all((path / name).is_dir() for name in SPLITS) else None


def _folder(path: Path) -> list[Picture]:
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise HwgenError(str(path), "images (" + ", ".join(SUFFIXES) + ")", "none")
    return [decode(file.read_bytes(), str(file)) for file in files]


def _zip(path: Path) -> list[Picture]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if PurePosixPath(name).suffix.lower() in SUFFIXES)
            # a data set's zip may carry labels beside the images: take images/ where there is one
            names = [name for name in names if name.startswith("images/")] or names
            if not names:
                raise HwgenError(str(path), "images (" + ", ".join(SUFFIXES) + ")", "none")
            return [decode(archive.read(name), f"{path}: {name}") for name in names]
    except zipfile.BadZipFile as error:
        raise HwgenError(str(path), "a zip file", str(error)) from error


def decode(data: bytes, where: str) -> Picture:
    """An image file's bytes -> uint8 (H, W, 3)."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise HwgenError(where, "a readable image", str(error)) from error


def to_network(images: Iterable[Picture]) -> Tensor:
    """uint8 (H, W, 3) images of one size -> float32 (N, 3, H, W), pixel * 2**-8, channels last in memory."""
    pixels = torch.from_numpy(np.stack(list(images)))
    return pixels.permute(0, 3, 1, 2).float() / 256.0


class Crops:
    """Random square crops with left-right flips, drawn with a generator: nothing else is random.

    Images smaller than the crop are refused. The order of draws is part of what a seed fixes.
    """

    def __init__(self, images: Sequence[Picture], size: int, where: str = "data") -> None:
        for image in images:
            if min(image.shape[:2]) < size:
                raise HwgenError(
                    where, f"images of at least {size}x{size} (training.crop)", f"{image.shape[1]}x{image.shape[0]}"
                )
        if not images:
            raise HwgenError(where, "at least one image", "none")
        self.images = images
        self.size = size

    def batch(self, count: int, generator: torch.Generator) -> Tensor:
        """float32 (count, 3, size, size), pixel * 2**-8."""
        draws = torch.rand((count, 4), generator=generator, dtype=torch.float64).numpy()
        crops = []
        for pick, down, right, flip in draws:
            image = self.images[int(pick * len(self.images))]
            y = int(down * (image.shape[0] - self.size + 1))
            x = int(right * (image.shape[1] - self.size + 1))
            crop = image[y : y + self.size, x : x + self.size]
            crops.append(crop[:, ::-1] if flip < 0.5 else crop)
        return to_network(crops)
