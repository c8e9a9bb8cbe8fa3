"""The bytes of graph.json and weights.npz as plain values and arrays, of limited size, before anything is built.

Whoever sends a graph does not decide how much memory reading it takes: files, nesting, numbers, members and arrays
are measured first, and weights.npz is unpacked only where its SHA-256 is the one that graph.json names.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hwgen.errors import HwgenError
from hwgen.limits import read_limited
from hwgen.plainjson import json_object

MOST_GRAPH_BYTES = 1 << 22
"""Largest graph.json: 4 MiB."""
MOST_WEIGHTS_BYTES = 1 << 28
"""Largest weights.npz, and most bytes of all its members together: 256 MiB."""
MOST_NODES = 1 << 10
"""Most nodes of a graph.json."""
MOST_ARRAYS = 6 * MOST_NODES
"""Most members of a weights.npz: a node has six arrays at most."""

SNRS = "profile_limits"
"""The key whose numbers need not be whole ones."""

Arrays = dict[str, np.ndarray[Any, Any]]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of whole numbers, texts, lists and mappings without doubled keys; SNRs may have digits
    behind the point.

    Raises
    ------
    HwgenError
        Missing, no JSON, or beyond a limit.
    """
    where = str(path)
    try:
        text = read_limited(path, MOST_GRAPH_BYTES, "an integer graph").decode("utf-8")
    except FileNotFoundError:
        raise HwgenError(where, "an integer graph", "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise HwgenError(where, "a JSON object", str(error)) from None
    content = json_object(text, where)
    _check_whole({key: value for key, value in content.items() if key != SNRS}, where)
    return content


def read_weights(path: Path, sha256: object) -> Arrays:
    """The arrays of an .npz file by name.

    Parameters
    ----------
    sha256
        Of the file, in hex.

    Raises
    ------
    HwgenError
        Missing, another file, damaged, or beyond a limit.
    """
    where = str(path)
    try:
        content = read_limited(path, MOST_WEIGHTS_BYTES, "the graph's arrays")
    except FileNotFoundError:
        raise HwgenError(where, "the graph's arrays", "no such file") from None
    except OSError as error:
        raise HwgenError(where, "the graph's arrays", str(error)) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise HwgenError(where, f"SHA-256 {str(sha256)[:80]}, as in graph.json", found)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpacked(archive, where)
    except HwgenError:
        raise
    except Exception as error:  # zipfile and NumPy raise a dozen types on damaged files
        raise HwgenError(where, "a complete .npz file", f"{type(error).__name__}: {error}") from None


def _check_whole(value: Any, where: str, key: str = "") -> None:
    """Refuse numbers that are no whole ones, such as 8.0, which would equal 8 where it is compared."""
    if isinstance(value, float):
        raise HwgenError(f"{where}: {key}", "a whole number", repr(value))
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_whole(inner, where, f"{key}.{name}" if key else name)
    if isinstance(value, list):
        for index, inner in enumerate(value):
            _check_whole(inner, where, f"{key}[{index}]")


def _unpacked(archive: zipfile.ZipFile, where: str) -> Arrays:
    members = archive.infolist()
    if len(members) > MOST_ARRAYS:
        raise HwgenError(where, f"at most {MOST_ARRAYS} arrays", str(len(members)))
    total = sum(member.file_size for member in members)
    if total > MOST_WEIGHTS_BYTES:
        raise HwgenError(where, f"arrays of at most {MOST_WEIGHTS_BYTES} bytes together", f"{total} bytes")
    arrays: Arrays = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        if name in arrays or name == member.filename:
            wanted = "NAME.npy, every name once"
            raise HwgenError(where, wanted, repr(member.filename[:80]))
        arrays[name] = _array(archive.read(member), f"{where}: {name[:80]}")
    return arrays


def _array(content: bytes, where: str) -> np.ndarray[Any, Any]:
    """The array of an .npy file (format 1.0), whose header says no more than there is."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
    except ValueError:
        raise HwgenError(where, "an .npy file", "something else") from None
    if version != (1, 0):
        raise HwgenError(where, "an .npy file of format 1.0", f"format {version[0]}.{version[1]}")
    try:
        shape, in_columns, kind = np.lib.format.read_array_header_1_0(stream)
    except Exception:  # NumPy parses a Python expression, and what that raises has addresses of memory in it
        raise HwgenError(where, "an .npy header: type, order and shape", "another one") from None
    if kind.hasobject or kind.kind not in "iu":
        raise HwgenError(where, "integers", str(kind) if not kind.hasobject else "objects, which would be pickles")
    if min(shape, default=0) < 0:
        raise HwgenError(where, "a shape", str(shape))
    there = len(content) - stream.tell()
    if math.prod(shape) * kind.itemsize != there:
        raise HwgenError(where, f"as many bytes as {kind} of shape {shape} has", f"{there} bytes")
    return np.frombuffer(content, kind, offset=stream.tell()).reshape(shape, order="F" if in_columns else "C")
