"""Many images as one sequence that decodes them when they are asked for.

A set knows every image's size from its header, without decoding. Sets whose pixels fit `KEPT_BYTES` are decoded at
once, so that a damaged image is reported before training starts; of larger ones the first `KEPT_BYTES` that are
asked for are kept and the others are decoded anew each time (2975 frames of 2048x1024 would take 18.7 GB).
"""

from __future__ import annotations

import hashlib
import lzma
import posixpath
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, overload

import numpy as np

from hwgen.errors import HwgenError
from hwgen.limits import shown
from hwgen.raster import Picture, check_length, decode, header, unreadable

KEPT_BYTES = 1 << 30
"""Most bytes of decoded pixels per set (a training run has two: training and validation)."""

# What zipfile raises: RuntimeError for a member with a password, NotImplementedError (a RuntimeError too) for an
# unknown compression, the decompressors' own errors for damaged ones.
DAMAGED = (OSError, ValueError, zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, lzma.LZMAError)


class Entry(ABC):
    """One image, not necessarily decoded.

    Attributes
    ----------
    name : what it is called inside its data set, wherever that stands
    where : what an error calls it
    """

    def __init__(self, name: str, where: str) -> None:
        self.name, self.where = name, where

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """(height, width), from the header alone."""

    @abstractmethod
    def pixels(self) -> Picture:
        """uint8 (H, W, 3)."""

    @abstractmethod
    def mark(self) -> str:
        """Something cheap that differs where the content does: enough to tell data sets apart."""


class InMemory(Entry):
    """An image that is decoded already."""

    def __init__(self, name: str, where: str, pixels: Picture) -> None:
        super().__init__(name, where)
        self._pixels = pixels

    def size(self) -> tuple[int, int]:
        return self._pixels.shape[0], self._pixels.shape[1]

    def pixels(self) -> Picture:
        return self._pixels

    def mark(self) -> str:
        return hashlib.sha256(np.ascontiguousarray(self._pixels).tobytes()).hexdigest()


class Encoded(Entry):
    """An image that something can open.

    Raises
    ------
    HwgenError
        from every method: the image cannot be read.
    """

    @abstractmethod
    def open(self) -> IO[bytes]:
        """The encoded image, from its beginning."""

    @abstractmethod
    def length(self) -> int:
        """Bytes of the encoded image."""

    def size(self) -> tuple[int, int]:
        try:
            check_length(self.length(), self.where)
            with self.open() as stream:
                return header(stream, self.where)
        except DAMAGED as error:
            raise unreadable(self.where, error) from error

    def pixels(self) -> Picture:
        try:
            check_length(self.length(), self.where)
            with self.open() as stream:
                data = stream.read(self.length())
        except DAMAGED as error:
            raise unreadable(self.where, error) from error
        return decode(data, self.where)

    def mark(self) -> str:
        try:
            return f"{self.length()} bytes"  # zipped or not, it is the same image
        except OSError as error:
            raise unreadable(self.where, error) from error


class File(Encoded):
    """An image file below a data set's folder."""

    def __init__(self, path: Path, root: Path) -> None:
        super().__init__(path.relative_to(root).as_posix(), shown(path))
        self.path = path

    def open(self) -> IO[bytes]:
        return self.path.open("rb")

    def length(self) -> int:
        return self.path.stat().st_size


class Member(Encoded):
    """An image in a zip."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        super().__init__(info.filename, shown(f"{archive.filename}: {info.filename}"))
        self.archive, self.info = archive, info

    def open(self) -> IO[bytes]:
        return self.archive.open(self.name)  # by name: errors then say no more than it

    def length(self) -> int:
        return self.info.file_size  # zipfile gives no more of it, whatever is in the zip


class ImageSet(Sequence[Picture]):
    """A sequence of uint8 (H, W, 3) images; slices share what is kept.

    Parameters
    ----------
    entries : in order
    kept_bytes : pixels that may stay decoded

    Raises
    ------
    HwgenError
        an image cannot be read: here if it is its header or if the whole set fits, else when it is asked for.
    """

    def __init__(self, entries: Iterable[Entry], kept_bytes: int = KEPT_BYTES) -> None:
        self.entries: Sequence[Entry] = tuple(entries)
        self.sizes: Sequence[tuple[int, int]] = [entry.size() for entry in self.entries]
        self._kept = _Kept(kept_bytes)
        if 3 * sum(height * width for height, width in self.sizes) <= kept_bytes:
            for entry in self.entries:
                self._kept.pixels(entry)

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> ImageSet: ...
    def __getitem__(self, index: int | slice) -> Picture | ImageSet:
        if isinstance(index, int):
            return self._kept.pixels(self.entries[index])
        part = object.__new__(ImageSet)
        part.entries, part.sizes, part._kept = self.entries[index], self.sizes[index], self._kept
        return part

    def digest(self) -> str:
        """SHA-256 in hex over all names, sizes and marks; folders that all names begin with do not count."""
        digest = hashlib.sha256()
        folders = [PurePosixPath(entry.name).parent.as_posix() for entry in self.entries]
        common = posixpath.commonpath(folders) if folders else "."
        for entry, (height, width) in zip(self.entries, self.sizes, strict=True):
            name = posixpath.relpath(entry.name, common)
            digest.update(f"{name}\n{width}x{height}\n{entry.mark()}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()


def image_set(images: Sequence[Picture], where: str = "data") -> ImageSet:
    """The images as a set, whatever they are in."""
    if isinstance(images, ImageSet):
        return images
    return ImageSet(InMemory(str(index), where, image) for index, image in enumerate(images))


def check_sizes(images: ImageSet, smallest: int, reason: str) -> None:
    """Refuse images of which a side is shorter than ``smallest`` pixels."""
    for entry, (height, width) in zip(images.entries, images.sizes, strict=True):
        if min(height, width) < smallest:
            raise HwgenError(
                entry.where, f"images of at least {smallest}x{smallest} ({reason})", f"{width}x{height}"
            )


class _Kept:
    """Decoded images by entry: the first that are asked for, until they take ``limit`` bytes.

    Whoever goes through a set in order, again and again, finds nothing among the images used last.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._pictures: dict[Entry, Picture] = {}

    def pixels(self, entry: Entry) -> Picture:
        picture = self._pictures.get(entry)
        if picture is None:
            picture = entry.pixels()
            if picture.nbytes <= self._free:
                self._free -= picture.nbytes
                self._pictures[entry] = picture
        return picture
