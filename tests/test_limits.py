"""A file of limited size is measured before it is read."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from hwgen.errors import HwgenError
from hwgen.limits import read_limited, shown


def test_a_file_of_the_limit_is_read_and_a_longer_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_limited(path, 5, "a text") == b"12345"
    with pytest.raises(HwgenError, match="/a: wanted a text of at most 4 bytes, got 5 bytes"):
        read_limited(path, 4, "a text")


def test_no_more_memory_than_the_file_takes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    with open(tmp_path / "long", "wb") as stream:
        stream.truncate(1 << 40)
    tracemalloc.start()
    assert read_limited(tmp_path / "a", 1 << 28, "a text") == b"12345"
    with pytest.raises(HwgenError, match="got 1099511627776 bytes"):
        read_limited(tmp_path / "long", 1 << 28, "a text")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_neither_pipes_nor_devices_nor_folders(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(HwgenError, match=f"{path}: wanted a text, got no regular file"):
            read_limited(path, 5, "a text")
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(OSError, match="directory|No such file"):
            read_limited(path, 5, "a text")


def test_names_as_errors_have_them() -> None:
    assert shown(Path(os.fsdecode(b"a\xff\xc3\xa9"))) == "a\\udcff\u00e9"
