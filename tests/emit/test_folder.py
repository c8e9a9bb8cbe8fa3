"""A design folder is written as a whole or not at all, and replaces nothing but its like."""

from __future__ import annotations

import errno
import hashlib
import json
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


OURS = json.dumps({
    "top": "hwgen_tx", "model": "tiny", "side": "tx",
    "files": {"hwgen_tx.v": hashlib.sha256(b"").hexdigest(), "part": "", "testbench.v": "0"},
})  # fmt: skip
FOREIGN: list[tuple[dict[str, str], str]] = [
    ({"notes.txt": "mine"}, "notes.txt"),
    ({"manifest.json": "{}"}, "manifest.json"),
    ({"manifest.json": '{"name": "somebody\'s browser extension", "files": {}}'}, "manifest.json"),
    ({"manifest.json": "[1]"}, "manifest.json"),
    ({"manifest.json": "no JSON"}, "manifest.json"),
    ({"manifest.json": OURS, "testbench.v": "mine"}, "testbench.v"),
    ({"manifest.json": OURS, "hwgen_tx.v": "mine"}, "hwgen_tx.v"),
    ({"manifest.json": OURS, "README.md": "# mine"}, "README.md"),
    ({"manifest.json": OURS, "part/hwgen_tx.v": "mine"}, "part/hwgen_tx.v"),
    ({"manifest.json": OURS, "part/manifest.json": OURS}, "part/manifest.json"),
    ({"manifest.json": OURS.replace("hwgen_tx.v", "../hwgen_tx.v"), "hwgen_tx.v": ""}, "hwgen_tx.v"),
]
"""Contents of a folder that is not emit's alone, and what is not: forged manifests name what others wrote."""


@pytest.mark.parametrize(("files", "named"), FOREIGN)
def test_a_folder_with_other_things_is_refused(files: dict[str, str], named: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    before = contents(tmp_path)
    with pytest.raises(HwgenError) as caught:
        emit_tiny(folder)
    assert str(caught.value) == (
        f"--out: wanted a new or empty folder, or one that emit wrote, got {folder}, with {named} in it"
    )
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("no_verilog")
def test_links_and_empty_folders_are_nobodys(tmp_path: Path) -> None:
    """A link to a file that the manifest names has its bytes, and is not emit's."""
    folder = emit_tiny(tmp_path / "out").folder
    (folder / "hwgen_tx.v").rename(tmp_path / "elsewhere.v")
    (folder / "hwgen_tx.v").symlink_to("../elsewhere.v")
    with pytest.raises(HwgenError, match=r"with hwgen_tx\.v in it$"):
        emit_tiny(folder)
    (folder / "hwgen_tx.v").unlink()
    (folder / "empty").mkdir()
    with pytest.raises(HwgenError, match="with empty in it$"):
        emit_tiny(folder)
    (folder / "empty").rmdir()
    emit_tiny(folder)
    assert set(contents(folder)) == FILES


@pytest.mark.usefixtures("no_verilog")
def test_what_comes_while_it_works_is_kept(tmp_path: Path) -> None:
    folder = emit_tiny(tmp_path / "out").folder
    with pytest.raises(HwgenError, match=r"with notes\.txt in it$"), replaced_folder(folder):
        (folder / "notes.txt").write_text("mine")
    assert set(contents(folder)) == {*FILES, "notes.txt"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.usefixtures("no_verilog")
def test_the_place_is_tried_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "size_with_buffers", None)  # would be called
    (tmp_path / "file").write_text("mine")
    with pytest.raises(HwgenError, match=r"^--out: wanted a folder that can be written, got .*file is no folder\)$"):
        emit_tiny(tmp_path / "file" / "out")


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
    with pytest.raises(HwgenError, match=r"^--out: wanted a folder that can be written, .*Permission denied"):
        emit_tiny(tmp_path / "locked" / "out")
