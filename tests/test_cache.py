"""Folders of cached things: the user's, the one asked for, a private one; seals find every damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen import cache, process
from hwgen.errors import HwgenError


def test_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a b"))
    assert cache.folder("sim") == tmp_path / "a b" / "hwgen" / "sim"
    assert cache.environment() == {}
    monkeypatch.chdir(tmp_path)
    assert cache.folder("sim", Path("mine")) == tmp_path / "mine" / "sim"


@pytest.mark.parametrize("home", ["file", "file/below"])
def test_where_nothing_can_be_written(home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with process.interruptible():
        folder = cache.folder("sim")
        (folder / "entry").parent.mkdir(parents=True)
        assert cache.folder("sim") == folder, "one for all of a session"
        assert Path(cache.environment()["XDG_CACHE_HOME"]).is_dir()
    assert not folder.exists()
    with pytest.raises(HwgenError, match="--cache: wanted a folder that can be written, got .*file"):
        cache.folder("sim", tmp_path / "file")


def test_a_seal_finds_every_damage(tmp_path: Path) -> None:
    program, text = tmp_path / "program", tmp_path / "text"
    program.write_bytes(b"\x7fELF" + bytes(100))
    program.chmod(0o755)
    text.write_text("text")
    assert not cache.intact(tmp_path), "not sealed"
    cache.seal(tmp_path)
    assert cache.intact(tmp_path)
    program.chmod(0o644)
    assert not cache.intact(tmp_path)
    program.chmod(0o755)
    assert cache.intact(tmp_path)
    program.write_bytes(b"\x7fELF" + bytes(99))
    assert not cache.intact(tmp_path)
    program.write_bytes(b"\x7fELF" + bytes(100))
    text.unlink()
    assert not cache.intact(tmp_path)
    text.write_text("text")
    assert cache.intact(tmp_path)
    (tmp_path / cache.SEAL).write_text("{")
    assert not cache.intact(tmp_path)
    assert not cache.intact(tmp_path / "nowhere")
