# amaranth: UnusedElaboratable=no
"""Copies of a flag: how many, that they hold the same, and that synthesis leaves them apart."""

from __future__ import annotations

import re

import pytest
from amaranth.back import rtlil, verilog
from amaranth.hdl import Cat, Module
from amaranth.lib.wiring import Component, In, Out
from amaranth.sim import Simulator
from support.layers import Layer

from hwgen.emit.verilog_steps import keep_registers
from hwgen.rtl.fanout import GROUP, copies, group_items, groups, registers
from hwgen.synth import synthesise


@pytest.mark.parametrize(("items", "bits", "number"), [
    (1, 20, 1), (3, 20, 1), (4, 20, 2), (6, 20, 2), (7, 20, 3), (42, 20, 14), (1, 65, 1), (3, 65, 3), (64, 1, 1),
    (65, 1, 2),
])  # fmt: skip
def test_groups(items: int, bits: int, number: int) -> None:
    """As many items to a copy as have GROUP registers, and never less than one."""
    assert groups(items, bits) == number
    assert group_items(bits) * bits <= max(GROUP, bits) < (group_items(bits) + 1) * bits


def test_one_is_an_ordinary_register() -> None:
    (one,) = registers(1, "flag", init=1, reset_less=True)
    assert (one.name, one.init, one.reset_less, one.attrs) == ("flag", 1, True, {})


def test_several_are_kept_apart() -> None:
    made = registers(3, "flag")
    assert [one.name for one in made] == ["flag_0", "flag_1", "flag_2"]
    assert all(one.attrs == {"keep": "true", "equivalent_register_removal": "no"} for one in made)


class Copied(Component):
    def __init__(self) -> None:
        super().__init__({"flag": In(1), "o": Out(3)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(Cat(copies(m, self.flag, 3, "flag")))
        return m


def test_copies_follow_a_cycle_later() -> None:
    dut, found = Copied(), []

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        for flag in (1, 0, 1, 1, 0):
            ctx.set(dut.flag, flag)
            await ctx.tick()
            found.append(ctx.get(dut.o))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == [7, 0, 7, 7, 0]


def test_a_wide_layer_has_copies_of_every_flag_that_moves_its_sums() -> None:
    """Eight sums of 24 bits: two to a copy."""
    layer = Layer(channels=(4, 16), pe=8, simd=2)
    bits, config = layer.accumulator_bits, layer.config
    number = groups(8, bits)
    assert (config.mac.copies, config.copies, number > 1) == (number, groups(8, config.beat_bits), True)
    text = rtlil.convert(layer.dut, emit_src=False)
    late = config.mac.latency - 2
    for name in ("done", "waiting", f"v{late}", f"f{late}"):
        assert len(re.findall(rf"wire width 1 \\{name}_\d+$", text, re.MULTILINE)) == number, name


def test_synthesis_leaves_them_apart() -> None:
    """Only where the register says so itself, as emitted Verilog does: Yosys does not ask its signal."""
    text = verilog.convert(Copied(), name="copied", emit_src=False)
    assert synthesise(text, "copied", "xc7").ff == 1
    assert synthesise(keep_registers(text), "copied", "xc7").ff == 3
