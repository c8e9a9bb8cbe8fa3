# amaranth: UnusedElaboratable=no
"""UltraRAM: the cut into pieces of which each is one, contents, and counts against synthesis."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil, verilog
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, Out, connect, flipped
from support.streaming import simulate

from hwgen.rtl.memory import Ram, RamConfig
from hwgen.rtl.primitives import Cost
from hwgen.rtl.ultra_ram import Column, columns
from hwgen.synth import synthesise

MEASURED = {
    (4096, 72): 1, (65, 1): 1, (4095, 71): 1, (4096, 73): 2, (4097, 72): 2, (4097, 144): 4, (4097, 8): 1,
    (9000, 36): 2, (9000, 37): 3, (16384, 24): 2, (33000, 8): 2,
}  # fmt: skip
"""URAM288 by depth and width: synth_xilinx -family xcup -uram (Yosys 0.70), all in one module of 390 LUTs, 13 FFs."""


def ram(depth: int, width: int) -> Ram:
    return RamConfig(depth, width, "ultra").build()


@pytest.mark.parametrize(("depth", "width", "cut"), [
    (4096, 72, [(0, 72, 1)]), (4096, 73, [(0, 72, 1), (72, 1, 1)]), (4097, 36, [(0, 36, 2)]), (4097, 37, [(0, 37, 1)]),
    (4097, 80, [(0, 72, 1), (72, 8, 2)]), (40000, 9, [(0, 9, 8)]), (40000, 10, [(0, 10, 4)]), (9000, 18, [(0, 18, 3)]),
])  # fmt: skip
def test_columns(depth: int, width: int, cut: list[tuple[int, int, int]]) -> None:
    assert list(columns(depth, width)) == [Column(*column) for column in cut]


def test_counts() -> None:
    """As synthesised: UltraRAMs and flip-flops exactly, LUTs to 4 %."""
    costs = {shape: RamConfig(*shape, "ultra").cost("xcup") for shape in MEASURED}
    assert {shape: cost.uram for shape, cost in costs.items()} == MEASURED
    total = sum(costs.values(), Cost())
    assert (total.bram36, total.ff) == (0, 13)
    assert abs(total.lut / 390 - 1) < 0.04


@pytest.mark.parametrize("width", [1, 36, 37, 73])
@pytest.mark.parametrize("depth", [65, 4097, 12289])
def test_every_piece_is_one(depth: int, width: int) -> None:
    """At most 4096 words of 72 bits, written in bytes of nine where rows lie beside each other."""
    text = rtlil.convert(ram(depth, width), emit_src=False)
    found = re.findall(r"memory width (\d+) size (\d+)", text)
    assert all(int(bits) <= 72 and int(rows) <= 4096 for bits, rows in found)
    assert len(found) == RamConfig(depth, width, "ultra").cost("xcup").uram
    assert text.count('ram_style "ultra"') == text.count('no_rw_check "1"') == len(found)


@pytest.mark.parametrize(("depth", "width"), [(70, 8), (4096, 72), (4097, 8), (9000, 36), (9000, 80), (13000, 20)])
def test_contents(depth: int, width: int) -> None:
    """The first and the last row of every band, and others, one cycle after the address; no write touches another."""
    random = np.random.default_rng(depth)
    edges = [row for start in range(0, depth, 4096) for row in (start - 1, start) if row >= 0] + [depth - 1]
    rows = sorted({*edges, *(row % depth for start in range(0, depth, 4096) for row in (start + 5, start + 4000)),
                   *random.integers(0, depth, 20).tolist()})  # fmt: skip
    content = {row: int(random.integers(1 << 30)) * 0x9E3779B97F4A7C15 % (1 << width) for row in rows}
    dut = ram(depth, width)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.write, 1)
        for row in random.permutation(rows).tolist():
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


class Several(Component):
    """Memories side by side, to be synthesised at once."""

    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        self.rams = {f"ram{depth}_{width}": ram(depth, width) for depth, width in shapes}
        super().__init__({name: Out(dut.signature) for name, dut in self.rams.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, dut in self.rams.items():
            m.submodules[name] = dut
            connect(m, flipped(getattr(self, name)), dut)
        return m


def test_synthesis_itself() -> None:
    """Two of the shapes, synthesised here. Their zeros are left out, which take long to read and stand in UltraRAM."""
    text = verilog.convert(Several([(4097, 8), (4096, 73)]), name="rams", emit_src=False, strip_internal_attrs=True)
    text = re.sub(r"^    \S+\[\d+\] = \d+'h0+;\n", "", text, flags=re.MULTILINE)
    found = synthesise(text, "rams", "xcup")
    assert (found.uram, found.bram36, found.memory_lut, found.ff) == (3, 0, 0, 1)
    assert {(name.split(".")[0], count) for name, _, count in found.memories} == {("ram4097_8", 1), ("ram4096_73", 1)}
