"""A design folder is written as a whole or not at all, and replaces nothing but its like."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest
from support.emission import FILES, contents, emit_tiny

from hwgen import emit as package
from hwgen.emit.folder import replaced_folder
from hwgen.errors import HwgenError


@pytest.mark.usefixtures("no_verilog")
def test_a_design_is_replaced(tmp_path: Path) -> None:
    first = contents(emit_tiny(tmp_path / "out").folder)
    second = contents(emit_tiny(tmp_path / "out", init=2).folder)
    assert set(first) == set(second) == FILES
    assert first["weights.npz"] != second["weights.npz"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.usefixtures("no_verilog")
def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    emit_tiny(tmp_path / "out")
    assert set(contents(tmp_path / "out")) == FILES


@pytest.mark.usefixtures("no_verilog")
def test_the_current_folder_and_links_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    emit_tiny(tmp_path / "link")
    assert set(contents(tmp_path / "real")) == FILES
    assert (tmp_path / "link").is_symlink()
    monkeypatch.chdir(tmp_path / "real")
    emit_tiny(Path("."))
    assert set(contents(tmp_path / "real")) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


FOREIGN: list[tuple[dict[str, str], str]] = [
    ({"notes.txt": "mine"}, "notes.txt"),
    ({"manifest.json": "{}"}, "manifest.json"),
    ({"manifest.json": '{"name": "somebody\'s browser extension", "files": {}}'}, "manifest.json"),
    ({"manifest.json": "[1]"}, "manifest.json"),
    ({"manifest.json": "no JSON"}, "manifest.json"),
    ({"manifest.json": '{"top": "hwgen_tx", "files": {"hwgen_tx.v": "0"}}', "testbench.v": "mine"}, "testbench.v"),
]


@pytest.mark.parametrize(("files", "named"), FOREIGN)
def test_a_folder_with_other_things_is_refused(files: dict[str, str], named: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    before = contents(tmp_path)
    with pytest.raises(HwgenError) as caught:
        emit_tiny(folder)
    assert str(caught.value) == (
        f"--out: wanted a new or empty folder, or one that emit wrote, got {folder}, with {named} in it"
    )
    assert contents(tmp_path) == before


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(HwgenError, match=rf"^--out: wanted .*, got {re.escape(str(tmp_path))}/out, a file$"):
        emit_tiny(tmp_path / "out")
    assert contents(tmp_path) == {"out": b"mine"}


@pytest.mark.usefixtures("no_verilog")
@pytest.mark.parametrize("step", ["verilog", "constraints", "sample_files", "file_hashes", "build_manifest", "readme",
                                  "manifest_bytes"])  # fmt: skip
@pytest.mark.parametrize("before", [False, True])
def test_a_failure_midway_leaves_all_as_it_was(step: str, before: bool, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at any step: nothing is there that was not before, and a design that was there is whole."""
    out = tmp_path / "deep" / "er" / "out"
    if before:
        emit_tiny(out, init=2)
    expected = contents(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(package, step, full)
    with pytest.raises(OSError, match="No space left on device"):
        emit_tiny(out)
    assert contents(tmp_path) == expected


@pytest.mark.usefixtures("no_verilog")
def test_a_failed_rename_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    emit_tiny(out)
    expected = contents(tmp_path)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if Path(target) == out and not path.name.endswith(".old"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output error"), replaced_folder(out) as part:
        (part / "new").write_text("new")
    assert contents(tmp_path) == expected


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replaced_folder(tmp_path / "a" / "b") as part:
            (part / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        emit_tiny(tmp_path / "locked" / "out")
