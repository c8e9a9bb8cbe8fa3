# amaranth: UnusedElaboratable=no
"""LiteSlave, and LiteCrossing in front of it: words written and read, one at a time, whoever waits."""

from __future__ import annotations

import random as randoms
from typing import Any

import pytest
from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator

from hwgen.rtl.axi.crossing import LiteCrossingConfig
from hwgen.rtl.axi.lite import OKAY, LiteSlaveConfig


class Words(Elaboratable):
    """Sixteen words behind a slave, which may have a clock of its own."""

    def __init__(self, crossing: bool) -> None:
        self.slave = LiteSlaveConfig(6).build()
        self.front: Any = LiteCrossingConfig(6).build() if crossing else self.slave

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.slave = slave = self.slave
        m.submodules.words = words = Memory(shape=32, depth=16, init=[])
        write, read = words.write_port(granularity=8), words.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(slave.write_address), write.data.eq(slave.write_data),
            write.en.eq(slave.strobe & slave.write.replicate(4)),
            read.addr.eq(slave.read_address), slave.read_data.eq(read.data),
        ]  # fmt: skip
        if self.front is not slave:
            m.domains.registers = ClockDomain()
            m.submodules.crossing = self.front
            for name in ("aw", "w", "ar"):
                connect(m, getattr(self.front, f"to_{name}"), getattr(slave, name))
            for name in ("b", "r"):
                connect(m, getattr(slave, name), getattr(self.front, f"from_{name}"))
        return m


async def random_accesses(ctx: Any, dut: Words, domain: str, count: int, seed: int) -> None:
    """Writes and reads, addresses and data apart, responses taken late; each answer is checked."""
    random = randoms.Random(seed)
    port = dut.front
    model = [0] * 16

    async def tick() -> None:
        await ctx.tick(domain)

    async def wait() -> None:
        for _ in range(random.choice((0, 0, 1, 3))):
            await tick()

    async def write(at: int, value: int, strobe: int) -> None:
        pending = {"aw": at, "w": {"data": value, "strobe": strobe}}
        late = random.choice((None, "aw", "w"))
        start, cycle = random.randrange(1, 4), 0
        while pending:
            for name, payload in pending.items():
                channel = getattr(port, name)
                if name != late or cycle >= start:
                    ctx.set(channel.payload, payload)
                    ctx.set(channel.valid, 1)
            channels = {name: getattr(port, name) for name in pending}
            taken = [name for name, channel in channels.items() if ctx.get(channel.valid) and ctx.get(channel.ready)]
            await tick()
            cycle += 1
            assert cycle < 100
            for name in taken:
                ctx.set(getattr(port, name).valid, 0)
                del pending[name]

    async def take(channel: Any) -> Any:
        await wait()
        ctx.set(channel.ready, 1)
        for _ in range(100):
            found = ctx.get(channel.payload) if ctx.get(channel.valid) else None
            await tick()
            if found is not None:
                ctx.set(channel.ready, 0)
                return found
        raise AssertionError("no response")

    for _ in range(count):
        await wait()
        at = random.randrange(16)
        if random.random() < 0.5:
            value, strobe = random.getrandbits(32), random.choice((15, 15, random.randrange(16)))
            await write(4 * at + random.randrange(4), value, strobe)
            mask = sum(255 << 8 * byte for byte in range(4) if strobe >> byte & 1)
            model[at] = (model[at] & ~mask) | (value & mask)
            assert await take(port.b) == OKAY
        else:
            ctx.set(port.ar.payload, 4 * at)
            ctx.set(port.ar.valid, 1)
            for _ in range(100):
                ready = ctx.get(port.ar.ready)
                await tick()
                if ready:
                    break
            ctx.set(port.ar.valid, 0)
            found = await take(port.r)
            assert (int(found["data"]), int(found["response"])) == (model[at], OKAY)


@pytest.mark.parametrize(("fast", "slow"), [(None, 10), (10, 10), (10, 37), (37, 10), (10, 11)])
def test_random_accesses(fast: int | None, slow: int) -> None:
    """With one clock, and with two of any ratio: `fast` is the registers' period."""
    dut = Words(fast is not None)

    async def bench(ctx: Any) -> None:
        await random_accesses(ctx, dut, "sync" if fast is None else "registers", 60, slow)

    simulator = Simulator(dut)
    simulator.add_clock(slow * 1e-9)
    if fast is not None:
        simulator.add_clock(fast * 1e-9, phase=3e-9, domain="registers")
    simulator.add_testbench(bench)
    simulator.run()


def test_latency() -> None:
    config = LiteSlaveConfig(6)
    dut = Words(False)

    async def bench(ctx: Any) -> None:
        port = dut.front
        ctx.set(port.aw.valid, 1)
        ctx.set(port.w.valid, 1)
        assert ctx.get(port.aw.ready) and ctx.get(port.w.ready)
        await ctx.tick().repeat(config.write_latency)
        assert ctx.get(port.b.valid)
        ctx.set(port.aw.valid, 0)
        ctx.set(port.w.valid, 0)
        ctx.set(port.ar.valid, 1)
        assert ctx.get(port.ar.ready)
        await ctx.tick()
        ctx.set(port.ar.valid, 0)
        assert not ctx.get(port.r.valid)
        await ctx.tick().repeat(config.read_latency - 1)
        assert ctx.get(port.r.valid)

    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(("build", "message"), [
    (lambda: LiteSlaveConfig(2), "address_bits: wanted at least 3, got 2"),
    (lambda: LiteCrossingConfig(0), "address_bits: wanted at least 1, got 0"),
])  # fmt: skip
def test_constructor_errors(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
