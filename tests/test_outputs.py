"""Files take their place as a whole, several together or none; a place is tried without a trace."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from support.emission import contents

from hwgen import outputs
from hwgen.errors import HwgenError
from hwgen.outputs import check_file, check_folder, replaced_file, replaced_files


def test_a_file_is_replaced_with_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    for text in ("one", "two"):
        with replaced_file(target) as part:
            part.write_text(text)
            assert not target.exists() or target.read_text() == "one"
        assert contents(tmp_path) == {"deep": b"", "deep/file": text.encode()}
    (tmp_path / "plain").touch()
    assert target.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_what_fails_leaves_nothing(error: BaseException, tmp_path: Path) -> None:
    def write(target: Path) -> None:
        with replaced_file(target) as part:
            part.write_text("half")
            raise error

    (tmp_path / "old").write_text("old")
    for target in (tmp_path / "deep" / "er" / "file", tmp_path / "old"):
        with pytest.raises(type(error)):
            write(target)
    assert contents(tmp_path) == {"old": b"old"}


@pytest.mark.parametrize("fails", [1, 2, 3])
def test_several_take_their_places_together(fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, calls = os.replace, 0

    def broken(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == fails:
            raise OSError(errno.EIO, "broken")
        replace(source, target)

    targets = [tmp_path / "a", tmp_path / "new", tmp_path / "b"]
    for target in (targets[0], targets[2]):
        target.write_text("old")
    before = contents(tmp_path)
    monkeypatch.setattr(outputs.os, "replace", broken)

    def write() -> None:
        with replaced_files(targets) as parts:
            for part in parts:
                part.write_text("text")

    with pytest.raises(OSError, match="broken"):
        write()
    assert contents(tmp_path) == before
    calls = fails
    write()
    assert contents(tmp_path) == dict.fromkeys(("a", "new", "b"), b"text")


def test_links_and_devices(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with replaced_file(tmp_path / "link") as part:
        part.write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
    with replaced_file(Path(os.devnull)) as part:
        assert part == Path(os.devnull)
        part.write_text("gone")


def test_places_are_tried_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    check_file("--csv", tmp_path / "a" / "b" / "new")
    check_file("--csv", tmp_path / "file")
    check_folder("--out", tmp_path / "a" / "b")
    for path, why in ((tmp_path, "a folder"), (tmp_path / "file" / "below", "is no folder"), (Path("/proc/a"), "")):
        with pytest.raises(HwgenError, match=rf"^--csv: wanted a file that can be written, got .*{why}"):
            check_file("--csv", path)
    with pytest.raises(HwgenError, match="^--out: wanted a folder that can be written, got .*is no folder"):
        check_folder("--out", tmp_path / "file" / "below")
    with pytest.raises(HwgenError, match="File name too long"):
        check_file("--csv", tmp_path / ("x" * 300) / "file")
    assert contents(tmp_path) == before
