# amaranth: UnusedElaboratable=no
"""Registers: each kind of field, and addresses that have none."""

from __future__ import annotations

from typing import Any

import pytest
from support.streaming import simulate

from hwgen.rtl.axi.registers import Field, RegistersConfig

FIELDS = (
    (0, (Field("constant", 4, 8, "r", 0xA5), Field("shown", 16, 3, "r", None))),
    (2, (Field("kept", 4, 12, "rw", 0x123),)),
    (3, (Field("event", 0, 2, "w1c"), Field("go", 31, 1, "pulse"))),
)
CONFIG = RegistersConfig(FIELDS, 5, (16, 8))


def test_every_kind_of_field() -> None:
    dut = CONFIG.build()

    async def bench(ctx: Any) -> None:
        async def write(address: int, data: int, strobe: int = 15) -> None:
            ctx.set(dut.write_address, address)
            ctx.set(dut.write_data, data)
            ctx.set(dut.strobe, strobe)
            ctx.set(dut.write, 1)
            await ctx.tick()
            ctx.set(dut.write, 0)

        def read(address: int) -> int:
            ctx.set(dut.read_address, address)
            return ctx.get(dut.read_data)

        ctx.set(dut.shown, 5)
        assert [read(address) for address in range(32)] == [0x50A50, 0, 0x1230, 0] + 28 * [0]
        for address in range(32):
            await write(address, 0)
        assert [read(address) for address in range(32)] == [0x50A50] + 31 * [0]
        await write(2, 0xFFFFFFFF, 0b0001)
        assert read(2) == 0x00F0
        await write(2, 0xFFFFFFFF, 0b0010)
        assert (read(2), ctx.get(dut.kept)) == (0xFFF0, 0xFFF)
        # A 1 stays until a 1 is written; what comes in the same cycle stays.
        ctx.set(dut.event_set, 3)
        await ctx.tick()
        ctx.set(dut.event_set, 0)
        assert read(3) == 3
        await write(3, 2)
        assert read(3) == 1
        ctx.set(dut.event_set, 1)
        await write(3, 1)
        ctx.set(dut.event_set, 0)
        assert read(3) == 1
        # A pulse lasts a cycle.
        await write(3, 1 << 31)
        assert (ctx.get(dut.go), read(3)) == (1, 1)
        await ctx.tick()
        assert ctx.get(dut.go) == 0
        # The window has whole words alone.
        ctx.set(dut.write, 1)
        for address in range(32):
            for strobe in (15, 7):
                ctx.set(dut.write_address, address)
                ctx.set(dut.strobe, strobe)
                inside = 16 <= address < 24 and strobe == 15
                assert ctx.get(dut.window_write) == inside
                assert not inside or ctx.get(dut.window_address) == address - 16

    simulate(dut, bench)


@pytest.mark.parametrize(("registers", "window", "message"), [
    (((0, (Field("a", 0, 2, "rw"), Field("b", 1, 1, "rw"))),), None, "fields side by side"),
    (((0, (Field("a", 31, 2, "rw"),)),), None, "fields side by side in 32 bits at 0"),
    (((32, ()),), None, "addresses of 5 bits, each once"),
    (((1, ()), (1, ())), None, "addresses of 5 bits, each once"),
    ((), (16, 7), "a multiple of its length, a power of two"),
    ((), (4, 8), "a multiple of its length, a power of two"),
])  # fmt: skip
def test_constructor_errors(registers: Any, window: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RegistersConfig(registers, 5, window)
