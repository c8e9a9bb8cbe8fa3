"""Families and resources are what boards and costs say they are."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from hwgen import board
from hwgen.device import FAMILIES, HALF_BLOCK_LUTS, RESOURCES, half_block_luts
from hwgen.rtl.memory import LUT_CELLS
from hwgen.rtl.packing import DSP_NARROW, DSP_SUM, DSP_WIDE
from hwgen.rtl.primitives import Cost


def test_boards_and_costs_have_every_resource() -> None:
    assert set(RESOURCES) == {field.name for field in dataclasses.fields(Cost)}
    assert set(RESOURCES) <= set(board.Resources.model_fields)
    assert set(RESOURCES) == set(board.Usable.model_fields)


def test_boards_know_the_families() -> None:
    assert get_args(board.Board.model_fields["family"].annotation) == tuple(FAMILIES)


def test_components_count_with_them() -> None:
    for name, family in FAMILIES.items():
        assert (DSP_WIDE[name], DSP_NARROW, DSP_SUM) == (family.dsp_wide, family.dsp_narrow, family.dsp_sum)
        assert LUT_CELLS[name] == dataclasses.astuple(family.lut_ram)


@pytest.mark.parametrize(
    ("name", "rate"), [("pynq_z2", 190), ("zybo_z7_20", 190), ("kv260", 407), ("ultra96_v2", 163)]
)
def test_exchange_rate(name: str, rate: int) -> None:
    loaded = board.load(name)
    assert half_block_luts(loaded.resources.lut, loaded.resources.bram36) == loaded.half_block_luts == rate
    assert HALF_BLOCK_LUTS == 190


@pytest.mark.parametrize(("lut", "bram36", "key"), [(0, 1, "lut"), (1, 0, "bram36")])
def test_a_part_without_them(lut: int, bram36: int, key: str) -> None:
    with pytest.raises(ValueError, match=f"{key}: wanted at least 1, got 0"):
        half_block_luts(lut, bram36)
