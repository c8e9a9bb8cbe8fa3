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


XC7Z020 = (220, 53_200, 106_400, 140, 0)
"""DSP, LUT, FF, BRAM36, URAM; sources beside the figures in boards/*.yaml."""
SHIPPED = {
    "arty_z7_20": ("xc7", "xc7z020", "-1", XC7Z020, 150),
    "kv260": ("xcup", "xck26", "-2LV", (1_248, 117_120, 234_240, 144, 64), 250),
    "pynq_z1": ("xc7", "xc7z020", "-1", XC7Z020, 150),
    "pynq_z2": ("xc7", "xc7z020", "-1", XC7Z020, 150),
    "ultra96_v2": ("xcup", "xczu3eg", "-1", (360, 70_560, 141_120, 216, 0), 250),
    "zc706": ("xc7", "xc7z045", "-2", (900, 218_600, 437_200, 545, 0), 200),
    "zcu104": ("xcup", "xczu7ev", "-2", (1_728, 230_400, 460_800, 312, 96), 300),
    "zedboard": ("xc7", "xc7z020", "-1", XC7Z020, 150),
    "zybo_z7_20": ("xc7", "xc7z020", "-1", XC7Z020, 150),
}
"""Family, device, speed grade, resources and clock of every board."""


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped(name: str) -> None:
    family, device, grade, resources, clock = SHIPPED[name]
    loaded = board.load(name)
    assert (loaded.name, loaded.family, loaded.clock_mhz) == (name, family, clock)
    assert (loaded.device, loaded.speed_grade) == (device, grade)
    assert tuple(loaded.resources.model_dump().values()) == resources


def test_boards_of_one_device_agree() -> None:
    """Resources, shares and family by device; the clock by device and speed grade."""
    by_device: dict[str, set[str]] = {}
    by_grade: dict[str, set[float]] = {}
    for loaded in map(board.load, board.available()):
        figures = loaded.model_dump_json(include={"family", "resources", "usable", "lut_product_bits"})
        by_device.setdefault(loaded.device, set()).add(figures)
        by_grade.setdefault(loaded.device + loaded.speed_grade, set()).add(loaded.clock_mhz)
    assert {len(figures) for figures in (*by_device.values(), *by_grade.values())} == {1}
    assert len(by_device) == 5, "five devices on nine boards"


def test_every_shipped_board_is_listed_and_valid() -> None:
    assert board.available() == sorted(SHIPPED)
    for name in board.available():
        text = board.load(name).path.read_text(encoding="utf-8")
        for key in ("part", "dsp", "lut", "ff", "bram36", "clock_mhz", "board_part", "pll_mhz"):
            assert re.search(rf"^ *{key}: [^#\n]+#", text, re.MULTILINE), f"{name}: {key} has no source"


@pytest.mark.parametrize(("part", "device", "grade"), [
    ("xc7z010clg225-3", "xc7z010", "-3"),
    ("xczu5cg-sfvc784-1L-i", "xczu5cg", "-1L"),
    ("XC7Z020", "XC7Z020", ""),
    ("lfe5u-45f", "lfe5u-45f", ""),
])  # fmt: skip
def test_a_parts_device_and_speed_grade(tmp_path: Path, part: str, device: str, grade: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("xc7z020clg400-1", part), encoding="utf-8")
    assert (board.load(path).device, board.load(path).speed_grade) == (device, grade)


@pytest.mark.parametrize(("name", "cell", "bits", "clock"), [
    # UG585: 1,000 MHz / 7; UG1085: 1,500 MHz / 5 and / 6
    ("pynq_z2", "xilinx.com:ip:processing_system7", 64, 1000 / 7),
    ("zc706", "xilinx.com:ip:processing_system7", 64, 200),
    ("kv260", "xilinx.com:ip:zynq_ultra_ps_e", 128, 250),
    ("zcu104", "xilinx.com:ip:zynq_ultra_ps_e", 128, 300),
])
def test_processing_system(name: str, cell: str, bits: int, clock: float) -> None:
    loaded = board.load(name)
    assert loaded.ps is not None
    assert (loaded.ps.cell, loaded.ps.memory_bits) == (cell, bits)
    assert loaded.ps_clock_mhz == clock


def test_a_board_without_a_processing_system(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert board.load(path).ps is None and board.load(path).ps_clock_mhz is None


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
    filled = board.load(path).filled()
    assert [filled.budget(key) for key in ("dsp", "lut", "ff", "bram36")] == [220, 53_200, 106_400, 140]
    assert filled.where("usable", "lut") == board.load(path).where("usable", "lut")


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
    ("clock_mhz: 150", "clock_mhz: 150\nps: {kind: zynq7, board_part: 'a:b:part0:1.0'}",
     "11: ps.pll_mhz: wanted this key, got nothing"),
    ("clock_mhz: 150", "clock_mhz: 150\nps: {kind: versal, board_part: 'a:b:part0:1.0', pll_mhz: 1000}",
     "11: ps.kind: wanted 'zynq7' or 'zynqmp', got 'versal'"),
    ("clock_mhz: 150", "clock_mhz: 150\nps: {kind: zynq7, board_part: 'a b:[exit]:part0:1.0', pll_mhz: 1000}",
     "11: ps.board_part: wanted VENDOR:BOARD:part0:VERSION of letters, digits and . _ -, got 'a b:[exit]:part0:1.0'"),
    ("clock_mhz: 150", "clock_mhz: 150\nps: {kind: zynq7, board_part: 'a:b:part0:1.0', pll_mhz: 5}",
     "11: ps.pll_mhz: wanted at least 100.0, got 5"),
    ("clock_mhz: 150", "clock_mhz: [150", "11: wanted plain YAML, got expected ',' or ']', but got '<stream end>'"),
])
def test_refuses(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    assert error_of(path) == f"{path}:{message}"


def test_unknown_name_lists_the_known(tmp_path: Path) -> None:
    assert error_of("nix") == f"--board: wanted a path or one of {', '.join(SHIPPED)}, got 'nix'"
    assert error_of(tmp_path / "x.yaml") == f"{tmp_path}/x.yaml: wanted a YAML file, got no such file"


def test_every_key_is_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "adding_a_board.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z0-9_]+)`", text))
    keys = (set(model.model_fields) for model in (board.Board, board.Resources, board.System))
    assert set().union(*keys) <= documented
