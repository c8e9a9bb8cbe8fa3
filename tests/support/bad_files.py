"""Bytes that the rows of tests/cases/bad_inputs name: whole files, and changes of a file's bytes.

Arguments are words of the tables.
"""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import safetensors.numpy
from PIL import Image

Array = np.ndarray[Any, Any]

def repeated(before: str, middle: str, count: str, behind: str = "") -> bytes:
    """A text with a part of it repeated."""
    return (before + middle * int(count) + behind).encode()


def coded(content: bytes, encoding: str) -> bytes:
    """A text in another encoding."""
    return content.decode().encode(encoding)


def behind(content: bytes, text: str) -> bytes:
    """Something more at the end, a character a byte."""
    return content + text.encode("latin1")


def before(content: bytes, text: str) -> bytes:
    """Something more at the beginning, a character a byte."""
    return text.encode("latin1") + content


def cut(content: bytes, length: str) -> bytes:
    """The first bytes; of a negative number all but so many."""
    return content[: int(length)]


def zeros(length: str) -> bytes:
    """So many bytes of zero."""
    return bytes(int(length))


def swapped(content: bytes, old: str, new: str) -> bytes:
    """Bytes that stand there at least once for others, a character a byte."""
    assert old.encode("latin1") in content
    return content.replace(old.encode("latin1"), new.encode("latin1"))


def board() -> bytes:
    """A board that is right."""
    return b"""\
format_version: 1
description: a board
part: xc7z020clg400-1
family: xc7
resources:
  dsp: 220
  lut: 53200
  ff: 106400
  bram36: 140
clock_mhz: 150
"""


def staircase(levels: str) -> bytes:
    """A mapping in a mapping, so many deep, by indents."""
    return "".join(f"{' ' * level}a:\n" for level in range(int(levels))).encode()


# -- weights.npz ------------------------------------------------------------------------------------------------------


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that are there twice
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, content in members:
                archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return stream.getvalue()


def _npy(array: Array, version: tuple[int, int] = (1, 0)) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version, allow_pickle=True)
    return stream.getvalue()


CHANGES: dict[str, Callable[[Array], bytes]] = {
    "float64": lambda a: _npy(a.astype(np.float64)),
    "complex": lambda a: _npy(a.astype(np.complex128)),
    "bool": lambda a: _npy(a.astype(bool)),
    "text": lambda a: _npy(a.astype("U4")),
    "objects": lambda a: _npy(a.astype(object)),
    "records": lambda a: _npy(np.zeros(a.shape, [("a", "i4"), ("b", "f4")])),
    "dates": lambda a: _npy(a.astype("M8[s]")),
    "big-endian": lambda a: _npy(a.astype(">i4")),
    "columns": lambda a: _npy(np.asfortranarray(a)),
    "int64": lambda a: _npy(a.astype(np.int64)),
    "uint64": lambda a: _npy(np.full(a.shape, 2**64 - 1, np.uint64)),
    "largest": lambda a: _npy(np.full(a.shape, 2**63 - 1, np.int64)),
    "smallest": lambda a: _npy(np.full(a.shape, -(2**63), np.int64)),
    "zero": lambda a: _npy(np.zeros_like(a)),
    "transposed": lambda a: _npy(np.ascontiguousarray(a.T)),
    "0-d": lambda a: _npy(a.reshape(-1)[0]),
    "empty": lambda a: _npy(a[:0]),
    "one more": lambda a: _npy(np.concatenate([a, a[:1]])),
    "version 2": lambda a: _npy(a, (2, 0)),
    "version 9": lambda a: _npy(a).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09"),
    "cut": lambda a: _npy(a)[:-1],
    "longer": lambda a: _npy(a) + b"\0",
    "nothing": lambda a: b"",
    "no array": lambda a: b"not an array at all",
    "negative": lambda a: _npy(a).replace(b"(5,), } ", b"(-5,), }"),
    "code": lambda a: _npy(a).replace(b"'fortran_order': False", b"'fortran_order': id(0)"),
    "large": lambda a: _npy(a).replace(b"(5,), }" + b" " * 18, b"(2305843009213693952,), }"),
    "header": lambda a: b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 65535,
}
"""What becomes of one array of a weights.npz."""


def array(content: bytes, name: str, change: str) -> bytes:
    """Another array, or another thing, in the place of one of a weights.npz."""
    members = _members(content)
    members[f"{name}.npy"] = CHANGES[change](np.load(io.BytesIO(members[f"{name}.npy"]), allow_pickle=False))
    return _zipped(members.items())


def member(content: bytes, name: str, like: str = "") -> bytes:
    """One more member of a zip, of another one's content."""
    members = list(_members(content).items())
    return _zipped([*members, (name, dict(members).get(like, b"something"))])


def without(content: bytes, name: str) -> bytes:
    """A zip without one of its members."""
    return _zipped((key, value) for key, value in _members(content).items() if key != name)


def compressed(content: bytes, method: str) -> bytes:
    """A zip whose members are compressed."""
    return _zipped(_members(content).items(), getattr(zipfile, f"ZIP_{method}"))


def flagged(content: bytes, flags: str) -> bytes:
    """A zip whose first entry of the directory has other flags: 1 is a password."""
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + int(flags).to_bytes(2, "little") + content[at + 2 :]


def claimed(content: bytes, size: str) -> bytes:
    """A zip whose first entry of the directory says that it is of another size."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + int(size).to_bytes(4, "little") + content[at + 4 :]


def flipped(content: bytes, place: str) -> bytes:
    """One byte is another one."""
    changed = bytearray(content)
    changed[int(place)] ^= 0xFF
    return bytes(changed)


def many(count: str, suffix: str) -> bytes:
    """A zip of so many empty members."""
    return _zipped((f"{index}{suffix}", b"") for index in range(int(count)))


def codebook(content: bytes, values: str) -> bytes:
    """A weights.npz whose first layer has a codebook of 0, 1, 2 ..."""
    members = _members(content) | {"conv0.codebook.npy": _npy(np.arange(int(values), dtype=np.int8))}
    return _zipped(members.items())


# -- checkpoints ------------------------------------------------------------------------------------------------------


def _checkpoint(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _packed(header: object, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def header(content: bytes, key: str, value: str = "") -> bytes:
    """Another value of a safetensors file's header, in JSON; without a value the key goes. A dot stands for a level."""
    whole, data = _checkpoint(content)
    inner = whole
    *way, last = key.split("/")
    for part in way:
        inner = inner[part]
    if value:
        inner[last] = json.loads(value)
    else:
        del inner[last]
    return _packed(whole, data)


def said(content: bytes, key: str, value: str = "") -> bytes:
    """Another value of what hwgen says in a checkpoint's header, in JSON; without a value the key goes."""
    whole, data = _checkpoint(content)
    told = json.loads(whole["__metadata__"]["hwgen"])
    if value:
        told[key] = json.loads(value)
    else:
        del told[key]
    whole["__metadata__"]["hwgen"] = json.dumps(told)
    return _packed(whole, data)


def told(content: bytes, text: str, count: str = "1") -> bytes:
    """A checkpoint in whose header hwgen says that text, so many times in a row."""
    whole, data = _checkpoint(content)
    whole["__metadata__"]["hwgen"] = text * int(count)
    return _packed(whole, data)


def length(content: bytes, value: str) -> bytes:
    """A safetensors file that says another length of its header."""
    return int(value).to_bytes(8, "little") + content[8:]


def tensor(content: bytes, name: str, change: str) -> bytes:
    """A checkpoint in which one tensor is another one; change: a number, which fills it, or what `TENSORS` has."""
    tensors, text = safetensors.numpy.load(content), _checkpoint(content)[0]["__metadata__"]
    before = tensors.pop(name)
    if change == "twice":
        tensors |= {name: before, f"{name}2": before}
    elif change in TENSORS:
        tensors[name] = TENSORS[change](before)
    elif change != "none":
        tensors[name] = np.full_like(before, float(change))
    return safetensors.numpy.save(tensors, text)


TENSORS: dict[str, Callable[[Array], Array]] = {
    "float64": lambda a: a.astype(np.float64),
    "float16": lambda a: a.astype(np.float16),
    "int32": lambda a: a.astype(np.int32),
    "bool": lambda a: a.astype(bool),
    "one more": lambda a: np.concatenate([a, a[:1]]),
    "transposed": lambda a: np.ascontiguousarray(a.T),
    "empty": lambda a: a[:0],
    "flat": lambda a: a.reshape(-1),
}


# -- images -----------------------------------------------------------------------------------------------------------


def _levels(height: int, width: int) -> Array:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def image(kind: str, height: str = "64", width: str = "64", mode: str = "RGB") -> bytes:
    """An image file of that kind, size and mode."""
    picture = Image.fromarray(_levels(int(height), int(width)))
    stream = io.BytesIO()
    picture.convert(mode).save(stream, kind)
    return stream.getvalue()


def grey(kind: str, type: str, least: str, most: str) -> bytes:
    """An image of grey levels of a NumPy type, from `least` to `most`."""
    levels = np.linspace(float(least), float(most), 64 * 64).reshape(64, 64).astype(type)
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, kind)
    return stream.getvalue()


def animated(kind: str) -> bytes:
    """An image of two frames, the second one black."""
    first, second = Image.fromarray(_levels(64, 64)), Image.new("RGB", (64, 64))
    stream = io.BytesIO()
    first.save(stream, kind, save_all=True, append_images=[second])
    return stream.getvalue()


def turned(kind: str, orientation: str) -> bytes:
    """An image that is as wide as high, with EXIF's orientation."""
    exif = Image.Exif()
    exif[0x0112] = int(orientation)
    stream = io.BytesIO()
    Image.fromarray(_levels(64, 64)).save(stream, kind, exif=exif)
    return stream.getvalue()


def png(width: str, height: str) -> bytes:
    """A PNG that says that it has that size, and has nothing of it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", int(width), int(height), 8, 2, 0, 0, 0))
    return start + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def archive(*names: str) -> bytes:
    """A zip with an image under each name; a name that ends in .zip has such a zip in it, in .txt a text."""
    picture, text = image("png"), b"no image"
    return _zipped(
        (name, archive("inner.png") if name.endswith(".zip") else text if name.endswith(".txt") else picture)
        for name in names
    )


def flat(level: str) -> bytes:
    """An image of one level."""
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), (int(level),) * 3).save(stream, "png")
    return stream.getvalue()
