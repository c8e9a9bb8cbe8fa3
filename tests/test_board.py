"""Boards: the shipped ones, and the exact error of every bad one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwgen import board
from hwgen.errors import HwgenError

GOOD = """\
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


def error_of(path: Path | str) -> str:
    with pytest.raises(HwgenError) as caught:
        board.load(path)
    return str(caught.value)


@pytest.mark.parametrize(("name", "family", "resources", "clock"), [
    # DSP, LUT, FF, BRAM36, URAM; sources beside the figures in boards/*.yaml
    ("pynq_z2", "xc7", (220, 53_200, 106_400, 140, 0), 150),
    ("zybo_z7_20", "xc7", (220, 53_200, 106_400, 140, 0), 150),
    ("ultra96_v2", "xcup", (360, 70_560, 141_120, 216, 0), 250),
    ("kv260", "xcup", (1_248, 117_120, 234_240, 144, 64), 250),
])
def test_shipped(name: str, family: str, resources: tuple[int, ...], clock: float) -> None:
    loaded = board.load(name)
    assert (loaded.name, loaded.family, loaded.clock_mhz) == (name, family, clock)
    assert tuple(loaded.resources.model_dump().values()) == resources


def test_every_shipped_board_is_listed_and_valid() -> None:
    assert board.available() == ["kv260", "pynq_z2", "ultra96_v2", "zybo_z7_20"]
    for name in board.available():
        text = board.load(name).path.read_text(encoding="utf-8")
        for key in ("part", "dsp", "lut", "ff", "bram36", "clock_mhz"):
            assert re.search(rf"^ *{key}: [^#\n]+#|^resources: +#", text, re.MULTILINE), f"{name}: {key} has no source"


def test_a_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    loaded = board.load(path)
    assert (loaded.name, loaded.resources.uram, loaded.path) == ("mine", 0, path)
    assert loaded.where("resources", "dsp") == f"{path}:6: resources.dsp"
    assert board.load(str(path)) == loaded


def test_what_may_be_used(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert [board.load(path).budget(key) for key in ("dsp", "lut", "ff", "bram36")] == [220, 53_200, 106_400, 140]
    path.write_text(GOOD + "usable: {lut: 0.7, bram36: 0.99}\n", encoding="utf-8")
    assert [board.load(path).budget(key) for key in ("dsp", "lut", "ff", "bram36")] == [220, 37_240, 106_400, 138]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("clock_mhz: 150", "clock_mhz: 150\nusable: {lut: 1.5}", "11: usable.lut: wanted at most 1.0, got 1.5"),
    ("clock_mhz: 150", "clock_mhz: 150\nusable: {dsp: 0}", "11: usable.dsp: wanted more than 0.0, got 0"),
    ("clock_mhz: 150", "clock_mhz: 150\nlut_product_bits: -1",
     "11: lut_product_bits: wanted an integer from 0 to 64, got -1"),
    ("format_version: 1", "format_version: 3", "1: format_version: wanted 1, got 3"),
    ("part: xc7z020clg400-1\n", "", "1: part: wanted this key, got nothing"),
    ("family: xc7", "family: ice40", "4: family: wanted 'xc7' or 'xcup', got 'ice40'"),
    ("dsp: 220", "dsp: -1", "6: resources.dsp: wanted an integer from 0 to 1000000000, got -1"),
    ("lut: 53200", "lut: 53,200", "7: resources.lut: wanted an integer, got '53,200'"),
    ("bram36: 140", "bram18: 280", "9: resources.bram18: wanted one of the keys dsp, lut, ff, bram36, uram, "
                                   "got an unknown key"),
    ("clock_mhz: 150", "clock_mhz: 0", "10: clock_mhz: wanted a number from 0.001 to 1000, got 0.0"),
    ("clock_mhz: 150", "clock_mhz: 150 MHz", "10: clock_mhz: wanted a number, got '150 MHz'"),
    ("clock_mhz: 150", "clock_mhz: [150", "11: wanted plain YAML, got expected ',' or ']', but got '<stream end>'"),
])
def test_refuses(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    assert error_of(path) == f"{path}:{message}"


def test_unknown_name_lists_the_known(tmp_path: Path) -> None:
    assert error_of("nix") == "--board: wanted a path or one of kv260, pynq_z2, ultra96_v2, zybo_z7_20, got 'nix'"
    assert error_of(tmp_path / "x.yaml") == f"{tmp_path}/x.yaml: wanted a YAML file, got no such file"


def test_every_key_is_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "adding_a_board.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z0-9_]+)`", text))
    assert set(board.Board.model_fields) | set(board.Resources.model_fields) <= documented
