"""Limits of graph.json and weights.npz: what is beyond one is refused before memory is spent on it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.ir_samples import sample_graph

from hwgen.errors import HwgenError
from hwgen.ir import archive, serialize
from hwgen.ir.archive import read_json, read_weights


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def header_of(shape: str) -> bytes:
    """An .npy file that says to have that shape, and has one byte."""
    text = f"{{'descr': '|i1', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0"


def zipped(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as file:
        warnings.simplefilter("ignore")  # doubled names are meant
        for name, content in members:
            file.writestr(name, content)
    return stream.getvalue()


def error_of(call: Callable[[], object]) -> str:
    """The error, for which less than 16 MiB were taken."""
    tracemalloc.start()
    try:
        with pytest.raises(HwgenError) as error:
            call()
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    return str(error.value)


ZEROS = npy(np.zeros(1 << 20, np.int8))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a complete .npz file, got BadZipFile"),
        (zipped([("a.npy", ZEROS)])[:-30], "a complete .npz file, got BadZipFile"),
        (zipped([("a.npy", ZEROS[:1000])]), "as many bytes as int8 of shape (1048576,) has, got 872 bytes"),
        (zipped([("a.npy", ZEROS + b"\0")]), "as many bytes as int8 of shape (1048576,) has, got 1048577 bytes"),
        (zipped([("a.npy", header_of("(1099511627776,)"))]), "int8 of shape (1099511627776,) has, got 1 bytes"),
        (zipped([("a.npy", header_of("(4294967296, 4294967296)"))]), "(4294967296, 4294967296) has, got 1 bytes"),
        (zipped([("a.npy", header_of("(-1,)"))]), "a: wanted a shape, got (-1,)"),
        (zipped([("a.npy", header_of("(1,)") + b"\0")]), "shape (1,) has, got 2 bytes"),
        (zipped([("a.npy", b"no array")]), "a: wanted an .npy file, got something else"),
        (zipped([("a.npy", npy(np.zeros(1), (2, 0)))]), "a: wanted an .npy file of format 1.0, got format 2.0"),
        (zipped([("a.npy", npy(np.array([{}], object)))]), "objects, which would be pickles"),
        (zipped([("a.npy", ZEROS), ("a.npy", ZEROS)]), "NAME.npy, every name once, got 'a.npy'"),
        (zipped([("a.txt", b"")]), "NAME.npy, every name once, got 'a.txt'"),
        (zipped([(f"{index}.npy", b"") for index in range(6145)]), "at most 6144 arrays, got 6145"),
    ],
)
def test_archives(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    found = error_of(lambda: read_weights(path, hashlib.sha256(content).hexdigest())).replace(f"{tmp_path}/", "")
    assert found.startswith("weights.npz: ") and message in found
    found = error_of(lambda: read_weights(path, "0")).replace(f"{tmp_path}/", "")
    assert found.startswith("weights.npz: wanted SHA-256 0, as in graph.json, got "), "before anything is unpacked"


def test_members_that_unpack_to_too_much(tmp_path: Path) -> None:
    """257 members of 1 MiB, packed into some hundred KB."""
    path = tmp_path / "weights.npz"
    content = zipped([(f"{index}.npy", bytes(1 << 20)) for index in range(257)], zipfile.ZIP_DEFLATED)
    path.write_bytes(content)
    found = error_of(lambda: read_weights(path, hashlib.sha256(content).hexdigest()))
    assert "wanted arrays of at most 268435456 bytes together, got 269484032 bytes" in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 9 + "]" * 9, "at most 8 levels of brackets, got more"),
        ("[" * 100_000, "at most 8 levels of brackets, got more"),
        ('{"a": ' * 9 + "1" + "}" * 9, "at most 8 levels of brackets, got more"),
        ('{"a": ' + "9" * 5000 + "}", "numbers of at most 20 digits, got one of 5000"),
        ('{"a": -' + "9" * 20 + "}", "numbers of at most 20 digits, got one of 21"),
        ('{"a": NaN}', "numbers that JSON has, got NaN"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "every key once, got two of 'c'"),
        ('{"' + "\\" * 100_001, "a JSON object, got "),
        ('"' * 100_001, "a JSON object, got "),
    ],
)
def test_json(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(content)
    assert error_of(lambda: read_json(path)).startswith(f"{path}: wanted {message}")


def test_brackets_in_texts_are_no_nesting(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    wanted = {"a": ['"' + "[" * 50, "\\", {"{{{{{{{{{{{{": 99999999999999999999}]}
    path.write_text(json.dumps(wanted))
    assert read_json(path) == wanted


@pytest.mark.parametrize("name", ["graph.json", "weights.npz"])
def test_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serialize.save(sample_graph(), tmp_path)
    path = tmp_path / name
    length = path.stat().st_size
    for key in ("MOST_GRAPH_BYTES", "MOST_WEIGHTS_BYTES"):
        monkeypatch.setattr(archive, key, length - 1 if key[5:10].lower() == name[:5] else 1 << 20)
    assert f"{name}: wanted " in (found := error_of(lambda: serialize.load(tmp_path)))
    assert f" of at most {length - 1} bytes, got {length} bytes" in found
    path.unlink()
    os.mkfifo(path)
    assert error_of(lambda: serialize.load(tmp_path)).endswith(", got no regular file")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("MOST_NODES", "nodes: wanted at most 3, got "),
        ("MOST_WEIGHTS_BYTES", "weights.npz: wanted a file of at most 3 bytes, got "),
        ("MOST_GRAPH_BYTES", "graph.json: wanted a file of at most 3 bytes, got "),
    ],
)
def test_what_cannot_be_loaded_is_not_saved(
    key: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serialize, key, 3)
    assert message in error_of(lambda: serialize.save(sample_graph(), tmp_path))
    assert not list(tmp_path.iterdir())


def test_nodes(tmp_path: Path) -> None:
    serialize.save(sample_graph(), tmp_path)
    path = tmp_path / "graph.json"
    content = json.loads(path.read_text())
    content["nodes"] = [1] * 1025
    path.write_text(json.dumps(content))
    assert error_of(lambda: serialize.load(tmp_path)) == f"{path}: nodes: wanted 1 to 1024 of them, got 1025"


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    wanted = {"a": np.arange(6, dtype=np.int16).reshape(2, 3), "b": np.arange(6, dtype=np.int8).reshape(2, 3).T}
    content = zipped([(f"{name}.npy", npy(array)) for name, array in wanted.items()], zipfile.ZIP_DEFLATED)
    (tmp_path / "weights.npz").write_bytes(content)
    found = read_weights(tmp_path / "weights.npz", hashlib.sha256(content).hexdigest())
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
