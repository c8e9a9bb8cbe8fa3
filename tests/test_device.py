"""Families and resources are what boards and costs say they are."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from hwgen import board
from hwgen.device import FAMILIES, HALF_BLOCK_LUTS, PROCESSING_SYSTEMS, RESOURCES, half_block_luts
from hwgen.rtl.memory import LUT_CELLS
from hwgen.rtl.packing import DSP_NARROW, DSP_SUM, DSP_WIDE
from hwgen.rtl.primitives import Cost


def test_boards_and_costs_have_every_resource() -> None:
    assert set(RESOURCES) == {field.name for field in dataclasses.fields(Cost)}
    assert set(RESOURCES) <= set(board.Resources.model_fields)
    assert set(RESOURCES) == set(board.Usable.model_fields)


def test_boards_know_the_families() -> None:
    assert get_args(board.Board.model_fields["family"].annotation) == tuple(FAMILIES)


def test_boards_know_the_processing_systems() -> None:
    assert get_args(board.System.model_fields["kind"].annotation) == tuple(PROCESSING_SYSTEMS)


@pytest.mark.parametrize(
    ("wanted", "clock"),
    [(1000, 1000), (999, 500), (150, 1000 / 7), (100, 100), (142.857, 1000 / 7), (67, 1000 / 15), (17, 1000 / 59),
     (16, 1000 / 63), (15.8, 1000 / 64), (15.5, 1000 / 65), (0.26, 1000 / (62 * 63))],
)  # fmt: skip
def test_clock_of_the_processing_system(wanted: float, clock: float) -> None:
    """Two dividers of 6 bits: 61 = 1 x 61 can be, 67 cannot."""
    assert PROCESSING_SYSTEMS["zynq7"].clock_mhz(1000, wanted) == clock
    assert PROCESSING_SYSTEMS["zynq7"].clock_mhz(1000, 1000 / 67) == 1000 / 68


def test_no_clock_of_the_processing_system_is_so_slow() -> None:
    with pytest.raises(ValueError, match="wanted_mhz: wanted at least 0.251953, got 0.2"):
        PROCESSING_SYSTEMS["zynqmp"].clock_mhz(1000, 0.2)


def test_components_count_with_them() -> None:
    for name, family in FAMILIES.items():
        assert (DSP_WIDE[name], DSP_NARROW, DSP_SUM) == (family.dsp_wide, family.dsp_narrow, family.dsp_sum)
        assert LUT_CELLS[name] == dataclasses.astuple(family.lut_ram)


@pytest.mark.parametrize(
    ("name", "rate"), [("pynq_z2", 190), ("zc706", 201), ("kv260", 407), ("ultra96_v2", 163), ("zcu104", 369)]
)
def test_exchange_rate(name: str, rate: int) -> None:
    loaded = board.load(name)
    assert half_block_luts(loaded.resources.lut, loaded.resources.bram36) == loaded.half_block_luts == rate
    assert HALF_BLOCK_LUTS == 190


@pytest.mark.parametrize(("lut", "bram36", "key"), [(0, 1, "lut"), (1, 0, "bram36")])
def test_a_part_without_them(lut: int, bram36: int, key: str) -> None:
    with pytest.raises(ValueError, match=f"{key}: wanted at least 1, got 0"):
        half_block_luts(lut, bram36)
