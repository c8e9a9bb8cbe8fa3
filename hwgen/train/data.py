"""Image data: what users have, as one sequence of uint8 (H, W, 3) arrays that are decoded when needed.

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

import re
import zipfile
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.limits import shown
from hwgen.raster import SUFFIXES, Picture, content, decode, image_files, junk
from hwgen.train.augment import augmented
from hwgen.train.imageset import (
    DAMAGED,
    Entry,
    File,
    ImageSet,
    InMemory,
    Member,
    check_sizes,
    image_set,
)

SKIMAGE = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "rocket")
TILE = 32
CIFAR_RECORD = 1 + 3 * TILE * TILE
SPLITS = ("train", "val")


def load(path: Path | str, split: str) -> ImageSet:
    """All images of a split ("train" or "val") as uint8 (H, W, 3), in a fixed order.

    Raises
    ------
    HwgenError
        nothing there, no images, a pickle, a truncated batch, or an unreadable image.
    """
    if split not in SPLITS:
        raise HwgenError("data split", "train or val", repr(split))
    entries = _entries(path, split)
    if not entries:
        raise HwgenError(shown(path), f"at least one image for {split}", "none")
    return ImageSet(entries)


def _entries(path: Path | str, split: str) -> Sequence[Entry]:
    if path == "skimage":
        return every_tenth(_skimage(), split)
    if not str(path):
        raise HwgenError("--data", "a folder or zip of images", repr(path))
    path = Path(path)
    if not path.exists():
        raise HwgenError(shown(path), "a folder or zip of images", "nothing there")
    if path.is_file():
        if path.suffix.lower() == ".zip":
            return every_tenth(_zip(path), split)
        raise HwgenError(shown(path), "a folder or a .zip of images", f"a file ending in {path.suffix or 'nothing'}")
    for reader in (_cityscapes, _cifar_binary, _cifar_mosaics, _zips_by_split, _folders_by_split):
        entries = reader(path, split)
        if entries is not None:
            return entries
    return every_tenth(_folder(path), split)


def every_tenth(entries: Sequence[Entry], split: str) -> Sequence[Entry]:
    """Validation: images 0, 10, 20 ...; training: the others (all of them if there are fewer than 2)."""
    if len(entries) < 2:
        return entries
    return [entry for index, entry in enumerate(entries) if (index % 10 == 0) == (split == "val")]


def _skimage() -> list[Entry]:
    try:
        from skimage import data as photographs
    except ImportError as error:
        raise HwgenError("--data skimage", "scikit-image installed", str(error)) from error
    return [InMemory(name, f"skimage: {name}", np.asarray(getattr(photographs, name)())) for name in SKIMAGE]


def _cityscapes(path: Path, split: str) -> list[Entry] | None:
    root = path if path.name == "leftImg8bit" else path / "leftImg8bit"
    if not root.is_dir():
        return None
    files = sorted(file for file in (root / split).glob("*/*.png") if not junk(file.relative_to(root)))
    if not files:
        raise HwgenError(shown(root / split), "CITY/*.png", "no such files")
    return [File(file, root / split) for file in files]


def _cifar_binary(path: Path, split: str) -> list[Entry] | None:
    for folder in (path, path / "cifar-10-batches-bin"):
        files = sorted(folder.glob("data_batch_*.bin" if split == "train" else "test_batch.bin"))
        if files:
            return [entry for file in files for entry in _cifar_batch(file)]
    pickles = [*path.glob("data_batch_[0-9]"), *path.glob("cifar-10-batches-py/data_batch_[0-9]")]
    if pickles:
        raise HwgenError(
            str(sorted(pickles)[0]),
            "CIFAR-10's binary version (data_batch_1.bin ...)",
            "the python version: pickles are not loaded",
        )
    return None


def _cifar_batch(file: Path) -> list[Entry]:
    raw = np.frombuffer(content(file), np.uint8)
    if raw.size == 0 or raw.size % CIFAR_RECORD:
        raise HwgenError(shown(file), f"a multiple of {CIFAR_RECORD} bytes", f"{raw.size} bytes")
    planes = raw.reshape(-1, CIFAR_RECORD)[:, 1:].reshape(-1, 3, TILE, TILE)
    return _tiles(file, np.ascontiguousarray(planes.transpose(0, 2, 3, 1)))


def _cifar_mosaics(path: Path, split: str) -> list[Entry] | None:
    files = sorted(path.glob("lossless_train*.webp" if split == "train" else "lossless_test*.webp"))
    if not files:
        return None
    entries: list[Entry] = []
    for file in files:
        mosaic = decode(content(file), shown(file))
        height, width = mosaic.shape[:2]
        if height % TILE or width % TILE:
            raise HwgenError(shown(file), f"a mosaic of {TILE}x{TILE} tiles", f"{width}x{height} pixels")
        rows, columns = height // TILE, width // TILE
        tiles = mosaic.reshape(rows, TILE, columns, TILE, 3).transpose(0, 2, 1, 3, 4).reshape(-1, TILE, TILE, 3)
        # `..._first1017.webp`: the name says how many tiles are images, the rest is black padding
        named = re.search(r"first(\d+)", file.stem)
        entries += _tiles(file, np.ascontiguousarray(tiles[: int(named.group(1)) if named else None]))
    return entries


def _tiles(file: Path, tiles: Picture) -> list[Entry]:
    """The images of one file, (N, 32, 32, 3)."""
    return [InMemory(f"{file.name}[{index}]", f"{file}: image {index}", tile) for index, tile in enumerate(tiles)]


def _zips_by_split(path: Path, split: str) -> list[Entry] | None:
    files = sorted(path.glob(f"{split}*.zip"))  # none of them begins with a dot
    return [entry for file in files for entry in _zip(file)] if files else None


def _folders_by_split(path: Path, split: str) -> list[Entry] | None:
    return _folder(path / split) if all((path / name).is_dir() for name in SPLITS) else None


def _folder(path: Path) -> list[Entry]:
    files = image_files(path)
    if not files:
        raise HwgenError(shown(path), f"images ({', '.join(sorted(SUFFIXES))})", "none")
    return [File(file, path) for file in files]


def _zip(path: Path) -> list[Entry]:
    try:
        archive = zipfile.ZipFile(path)  # stays open as long as its members are in use
    except DAMAGED as error:
        raise HwgenError(shown(path), "a zip file", str(error)) from error
    infos = [info for info in archive.infolist() if PurePosixPath(info.filename).suffix.lower() in SUFFIXES]
    infos = [info for info in infos if not info.is_dir() and not junk(info.filename)]
    # a data set's zip may carry labels beside the images: take images/ where there is one
    infos = [info for info in infos if info.filename.startswith("images/")] or infos
    if not infos:
        archive.close()
        raise HwgenError(shown(path), f"images ({', '.join(sorted(SUFFIXES))})", "none")
    return [Member(archive, info) for info in sorted(infos, key=lambda info: info.filename)]


def to_network(images: Iterable[Picture]) -> Tensor:
    """uint8 (H, W, 3) images of one size -> float32 (N, 3, H, W), pixel * 2**-8, channels last in memory."""
    pixels = torch.from_numpy(np.stack(list(images)))
    return pixels.permute(0, 3, 1, 2).float() / 256.0


class Crops:
    """Random square crops with left-right flips, drawn with a generator, and `augment` them where that is asked for.

    Images smaller than the crop are refused. The order of draws is part of what a seed fixes.
    """

    def __init__(
        self, images: Sequence[Picture], size: int, where: str = "data", augment: Collection[str] = ()
    ) -> None:
        if not images:
            raise HwgenError(where, "at least one image", "none")
        self.images = image_set(images, where)
        check_sizes(self.images, size, "training.crop")
        self.size, self.augment = size, augment

    @cached_property
    def origin(self) -> dict[str, int | str]:
        """Number and digest of the images, which tell them from others, for a state file's header."""
        return {"images": len(self.images), "sha256": self.images.digest()}

    def batch(self, count: int, generator: torch.Generator) -> Tensor:
        """float32 (count, 3, size, size), pixel * 2**-8."""
        draws = torch.rand((count, 4), generator=generator, dtype=torch.float64).numpy()
        crops = []
        for pick, down, right, flip in draws:
            index = int(pick * len(self.images))
            height, width = self.images.sizes[index]
            y = int(down * (height - self.size + 1))
            x = int(right * (width - self.size + 1))
            crop = self.images[index][y : y + self.size, x : x + self.size]
            crops.append(crop[:, ::-1] if flip < 0.5 else crop)
        return to_network(augmented(crops, self.augment, generator) if self.augment else crops)
