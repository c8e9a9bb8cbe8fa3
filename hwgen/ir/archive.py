"""The bytes of graph.json and weights.npz as plain values and arrays, of limited size, before anything is built.

Whoever sends a graph does not decide how much memory reading it takes: files, nesting, numbers, members and arrays
are measured first, and weights.npz is unpacked only where its SHA-256 is the one that graph.json names.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hwgen.errors import HwgenError
from hwgen.limits import read_limited

MOST_GRAPH_BYTES = 1 << 22
"""Largest graph.json: 4 MiB."""
MOST_WEIGHTS_BYTES = 1 << 28
"""Largest weights.npz, and most bytes of all its members together: 256 MiB."""
MOST_NODES = 1 << 10
"""Most nodes of a graph.json."""
MOST_ARRAYS = 6 * MOST_NODES
"""Most members of a weights.npz: a node has six arrays at most."""
MOST_NESTING = 8
"""Deepest nesting of a graph.json, which has 4 levels."""
MOST_DIGITS = 20
"""Longest number of a graph.json."""

_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)

Arrays = dict[str, np.ndarray[Any, Any]]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of whole numbers, texts, lists and mappings without doubled keys.

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
    _check_nesting(text, where)

    def whole(digits: str) -> int:
        if len(digits) > MOST_DIGITS:
            raise HwgenError(where, f"numbers of at most {MOST_DIGITS} digits", f"one of {len(digits)}")
        return int(digits)

    def constant(name: str) -> float:
        raise HwgenError(where, "numbers that JSON has", name)

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise HwgenError(where, "every key once", f"two of {next(n for n in names if names.count(n) > 1)!r}")
        return found

    try:
        content = json.loads(text, parse_int=whole, parse_constant=constant, object_pairs_hook=mapping)
    except (ValueError, RecursionError) as error:
        raise HwgenError(where, "a JSON object", str(error)) from None
    if not isinstance(content, dict):
        raise HwgenError(where, "a JSON object", type(content).__name__)
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


def _check_nesting(text: str, where: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth > MOST_NESTING:
            raise HwgenError(where, f"at most {MOST_NESTING} levels of brackets", "more")


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
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"{where}: .npy of format {version}")
    shape, in_columns, kind = np.lib.format.read_array_header_1_0(stream)
    if kind.hasobject:
        raise ValueError(f"{where}: objects, which would be pickles")
    there = len(content) - stream.tell()
    if math.prod(shape) * kind.itemsize != there:
        raise HwgenError(where, f"as many bytes as {kind} of shape {shape} has", f"{there} bytes")
    return np.frombuffer(content, kind, offset=stream.tell()).reshape(shape, order="F" if in_columns else "C")
