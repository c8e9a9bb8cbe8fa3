# amaranth: UnusedElaboratable=no
"""Memories: contents, the cut into bands, and block RAM counts against tables of the parts."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from support.streaming import simulate

from hwgen.rtl.memory import (
    MOST_BANDS,
    Band,
    Form,
    Ram,
    RamConfig,
    Rom,
    RomConfig,
    band_columns,
    band_halves,
    bands,
    folded_halves,
    ram_form,
    rom_form,
)

SHAPES = [(9, 5), (512, 37), (700, 30), (1025, 36), (1090, 20), (3000, 13), (5000, 3)]


@pytest.mark.parametrize(("rows", "width", "halves"), [
    (1, 1, 1), (512, 36, 1), (512, 37, 2), (512, 72, 2), (512, 73, 3), (513, 36, 2), (1024, 18, 1), (1024, 36, 2),
    (2048, 9, 1), (2048, 10, 2), (4096, 4, 1), (4096, 5, 2), (4096, 8, 2), (4096, 9, 2), (4096, 13, 3), (4096, 30, 7),
    (8192, 2, 1), (8192, 4, 2), (16384, 1, 1), (16384, 2, 2), (32768, 1, 2),
])  # fmt: skip
def test_band(rows: int, width: int, halves: int) -> None:
    """The shapes of 7 series and UltraScale+ block RAM (UG473, UG573)."""
    assert band_halves(rows, width) == halves
    assert sum(band_columns(rows, width)) == width
    assert sum(band_halves(rows, part) for part in band_columns(rows, width)) == halves


@pytest.mark.parametrize(("rows", "width", "is_rom", "halves", "beside"), [
    (512, 40, True, 2, 1), (600, 40, True, 3, 1), (1302, 40, False, 4, 3), (1302, 40, True, 4, 3),
    (1302, 19, True, 2, 3), (1302, 19, False, 3, 1), (1400, 45, False, 4, 3),
])  # fmt: skip
def test_rows_side_by_side(rows: int, width: int, is_rom: bool, halves: int, beside: int) -> None:
    """As synthesised: three rows of up to 45 columns in one of 512 x 144; what is written in steps of nine columns."""
    assert folded_halves(rows, width, is_rom) == (halves, beside)


@pytest.mark.parametrize(("depth", "width", "rom", "ram"), [
    (512, 36, [512], [512]),
    (600, 36, [600], [600]),  # 1024 x 18, twice
    (521, 80, ["512", "9"], ["512", "9"]),  # nine rows in LUTs save two half blocks
    (1025, 36, ["1024", "1"], ["1024", "1"]),
    (1500, 36, [1024, 476], [1024, 476]),  # three half blocks instead of four of 2048 x 9
    (2500, 40, [2048, 452], [2048, 452]),
    (70000, 2, None, None),
])  # fmt: skip
def test_bands_lie_below_each_other(depth: int, width: int, rom: list | None, ram: list | None) -> None:
    for is_rom, wanted in ((True, rom), (False, ram)):
        cut = bands(depth, width, is_rom)
        assert sum(band.rows for band in cut) == depth
        assert all(band.rows == cut[0].rows and band.block for band in cut[:-1])
        assert len(cut) == 1 or cut[0].rows & (cut[0].rows - 1) == 0
        assert len(cut) <= MOST_BANDS or cut[0].rows == 32768
        if wanted is not None:
            assert [int(rows) for rows in wanted] == [band.rows for band in cut]
            assert cut[-1].block != isinstance(wanted[-1], str)


def rows(cut: tuple[Band, ...]) -> list[int]:
    return [band.rows for band in cut]


def test_cuts_follow_the_exchange_rate() -> None:
    """Half a block more or 201 LUTs more: the first for an XC7Z020 and an Ultra96, the other for a KV260."""
    assert rows(bands(3138, 200, False, 163)) == rows(bands(3138, 200, False)) == [1024, 1024, 1024, 66]
    assert rows(bands(3138, 200, False, 407)) == [2048, 1090]
    here, there = (RamConfig(3138, 200, half_block_luts=rate).cost("xcup") for rate in (190, 407))
    assert (there.bram36 - here.bram36, there.lut - here.lut) == (-0.5, 201)


def test_no_cut_is_better() -> None:
    """Half blocks of the cut against all shapes by themselves."""
    for depth in (65, 300, 512, 1000, 1025, 3000, 20000):
        for width in range(1, 80, 3):
            cost = RomConfig(depth, width).cost("xc7")
            assert cost.bram36 <= band_halves(depth, width) / 2
            assert 36 * 1024 * cost.bram36 + 64 * cost.lut >= depth * width


@pytest.mark.parametrize(("family", "depth", "width", "lut"), [
    ("xcup", 512, 8, 84), ("xcup", 1024, 8, 159), ("xc7", 1024, 8, 161), ("xcup", 2048, 8, 336),
    ("xcup", 2048, 12, 515), ("xcup", 4096, 4, 348), ("xc7", 4096, 4, 370),
])  # fmt: skip
def test_deep_tables_in_logic(family: str, depth: int, width: int, lut: int) -> None:
    """LUTs as synthesised (synth_xilinx, Yosys 0.70), of random content: to 9 %."""
    assert abs(RomConfig(depth, width, "logic").cost(family).lut / lut - 1) < 0.09


@pytest.mark.parametrize(("depth", "width"), SHAPES)
@pytest.mark.parametrize(("kind", "form"), [(Rom, "block"), (Rom, "logic"), (Ram, "block"), (Ram, "distributed")])
def test_contents(depth: int, width: int, kind: type, form: Form) -> None:
    """Every band's first and last row, and others, one cycle after the address; a RAM after they were written."""
    random = np.random.default_rng(depth)
    edges = [row for start in range(0, depth, 64) for row in (start - 1, start) if row >= 0] + [depth - 1]
    rows = sorted({*edges[:20], *edges[-20:], *random.integers(0, depth, 40).tolist()})
    content = [int(random.integers(1 << 30)) * 0x9E3779B97F4A7C15 % (1 << width) for _ in range(depth)]
    dut: Any = Rom(RomConfig(depth, width, form), content) if kind is Rom else Ram(RamConfig(depth, width, form))

    async def bench(ctx: Any) -> None:
        if isinstance(dut, Ram):
            ctx.set(dut.write, 1)
            for row in rows:
                ctx.set(dut.write_address, row)
                ctx.set(dut.write_data, content[row])
                await ctx.tick()
            ctx.set(dut.write, 0)
            ctx.set(dut.write_data, 0)
        for row in random.permutation(rows).tolist():
            ctx.set(dut.address, row)
            await ctx.tick()
            assert ctx.get(dut.data) == content[row], row

    simulate(dut, bench)


@pytest.mark.parametrize(("depth", "form"), [(3, "logic"), (70, "block"), (521, "block"), (1500, "block")])
def test_a_row_stays_until_the_next_is_asked_for(depth: int, form: Form) -> None:
    """Of one band and of several, the last of which may be in LUTs; addresses change meanwhile."""
    random = np.random.default_rng(depth)
    content = random.integers(0, 1 << 20, depth).tolist()
    dut: Any = RomConfig(depth, 20, form).build(content, enabled=True)

    async def bench(ctx: Any) -> None:
        wanted = None
        for row in random.integers(0, depth, 200).tolist() + [depth - 1]:
            enable = bool(random.integers(2)) or wanted is None
            ctx.set(dut.address, row)
            ctx.set(dut.enable, enable)
            wanted = content[row] if enable else wanted
            await ctx.tick()
            assert ctx.get(dut.data) == wanted

    simulate(dut, bench)


@pytest.mark.parametrize("dut", [
    *(Rom(RomConfig(depth, width), [0] * depth) for depth, width in SHAPES),
    *(Ram(RamConfig(depth, width)) for depth, width in SHAPES),
], ids=lambda dut: f"{type(dut).__name__}{len(dut.address)}")  # fmt: skip
def test_what_is_asked_is_what_is_counted(dut: Rom | Ram) -> None:
    """Every piece names its kind of memory, and none can be mapped to block RAM in a better shape than was counted."""
    is_rom = isinstance(dut, Rom)
    text = rtlil.convert(dut, emit_src=False)
    found = re.findall(r"((?: *attribute [^\n]*\n)*) *memory width (\d+) size (\d+)", text)
    halves = 0
    for attributes, width, rows in found:
        (asked,) = re.findall(r"(ram_style|rom_style|logic_block) (.*)", attributes)
        if asked[1] == '"block"':
            assert asked[0] == ("rom_style" if is_rom else "ram_style")
            halves += folded_halves(int(rows), int(width), is_rom)[0]
        else:
            assert asked[0] == "logic_block" or asked[1] == '"distributed"'
            assert int(rows) <= 64
        assert is_rom or "no_rw_check" in attributes
    assert dut.config.cost("xc7").bram36 == halves / 2


@pytest.mark.parametrize("depth", [2, 32, 33, 64, 65, 96, 97, 300])
def test_lut_memory(depth: int) -> None:
    """In LUTs no piece is deeper than 64; a cell holds six columns of 32 rows or three of 64 in four LUTs (UG474)."""
    text = rtlil.convert(RamConfig(depth, 12, "distributed").build(), emit_src=False)
    sizes = [int(rows) for rows in re.findall(r"memory width 12 size (\d+)", text)]
    assert sum(sizes) == depth and max(sizes) <= 64
    cells = sum(2 if rows <= 32 else 4 for rows in sizes)
    choice = {1: 0, 2: 12 + 2, 5: 36 + 5}[len(sizes)]
    assert RamConfig(depth, 12, "distributed").cost("xc7").lut == 4 * cells + choice


@pytest.mark.parametrize(("depth", "rom", "ram"), [(1, "logic", "distributed"), (64, "logic", "distributed"),
                                                   (65, "block", "block")])  # fmt: skip
def test_shallow_memories_go_to_luts(depth: int, rom: Form, ram: Form) -> None:
    assert (rom_form(depth, "block"), ram_form(depth, "block")) == (rom, ram)
    assert (rom_form(depth, "logic"), ram_form(depth, "distributed")) == ("logic", "distributed")


@pytest.mark.parametrize(("make", "message"), [
    (lambda: RomConfig(0, 3), "depth: wanted at least 1, got 0"),
    (lambda: RomConfig(1, 0), "width: wanted at least 1, got 0"),
    (lambda: RomConfig(1, 3, "distributed"), "form: wanted block or logic, got 'distributed'"),
    (lambda: RamConfig(0, 3), "depth: wanted at least 1, got 0"),
    (lambda: RamConfig(5, 3, "logic"), "form: wanted block, distributed or ultra, got 'logic'"),
    (lambda: Rom(RomConfig(2, 3), [1]), "rows: wanted 2, got 1"),
    (lambda: bands(0, 3, True), "depth: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()


def test_one_band_is_the_usual_case() -> None:
    assert bands(250, 900, True) == (Band(250, True),)
