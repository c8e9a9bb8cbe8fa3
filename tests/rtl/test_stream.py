# amaranth: UnusedElaboratable=no
"""CreditFifo against a plain queue; the helpers against their definitions."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out
from support.streaming import simulate, stream_rules

from hwgen.rtl.stream import CreditFifoConfig, wrap_increment


def check_fifo(depth: int, beats: int, *, idle: float = 0.0, stall: float = 0.0, delay: int = 0, seed: int = 0,
               batch: int = 1, in_block: bool = False) -> list[int]:
    """Reserve, write `delay` cycles later, read; every cycle against a deque. Returns the cycles of the outputs."""
    random = np.random.default_rng(seed)
    dut = CreditFifoConfig(signed(8), depth, batch, in_block).build()
    values = random.integers(-128, 128, beats).tolist()
    cycles: list[int] = []

    async def bench(ctx: Any) -> None:
        pipeline: deque[int] = deque([0] * delay)  # how many of the reserved beats come down the pipeline per cycle
        due = written = reserved = accepted = 0
        write_cycles: list[int] = []
        surplus, cycle, last_taken = 0, 0, -1
        while surplus < 40:
            room = ctx.get(dut.room)
            assert room == (depth - reserved + accepted >= batch), f"cycle {cycle}"
            want = min(batch, beats - reserved)
            take = want if want and room and random.random() >= idle else 0
            ctx.set(dut.reserve, take)
            reserved += take
            pipeline.append(take)
            due += pipeline.popleft()
            write = due > 0
            ctx.set(dut.write, write)
            if write:
                ctx.set(dut.payload, values[written])
                write_cycles.append(cycle)
                written += 1
                due -= 1
            ready = random.random() >= stall
            ctx.set(dut.o.ready, ready)
            valid, payload = ctx.get(dut.o.valid), ctx.get(dut.o.payload)
            # A beat shows 2 cycles after its write, or as soon as the one before has gone.
            there = write_cycles[accepted] + dut.config.latency if accepted < len(write_cycles) else None
            shown = there is not None and cycle >= max(there, last_taken + 1)
            assert bool(valid) == shown, f"cycle {cycle}: valid {valid}"
            if valid:
                assert payload == values[accepted], f"cycle {cycle}"
            if valid and ready:
                accepted += 1
                last_taken = cycle
                cycles.append(cycle)
            surplus += accepted == beats
            cycle += 1
            assert cycle < 20 * beats + 500
            await ctx.tick()
        assert ctx.get(dut.room)

    simulate(dut, bench)
    return cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("in_block", [False, True])
def test_fifo_idle_and_stall(idle: float, stall: float, in_block: bool) -> None:
    check_fifo(5, 60, idle=idle, stall=stall, delay=3, seed=int(10 * idle + stall * 100), in_block=in_block)


@pytest.mark.parametrize(("depth", "batch"), [(1, 1), (2, 1), (2, 2), (3, 2), (8, 5), (9, 9)])
@pytest.mark.parametrize("delay", [0, 1, 6])
def test_fifo_depths_and_batches(depth: int, batch: int, delay: int) -> None:
    for in_block in (False, True):
        check_fifo(depth, 40, stall=0.4, delay=delay, batch=batch, seed=depth + 10 * batch + delay, in_block=in_block)


def test_fifo_one_beat_per_cycle() -> None:
    """delay + latency + 1 places (the credit comes back a cycle after the beat has gone) carry a beat every cycle."""
    cycles = check_fifo(3 + CreditFifoConfig.latency + 1, 50, delay=3)
    assert cycles == list(range(3 + CreditFifoConfig.latency, 3 + CreditFifoConfig.latency + 50))
    fewer = check_fifo(3 + CreditFifoConfig.latency, 50, delay=3)
    assert fewer[-1] > cycles[-1]


@pytest.mark.parametrize("in_block", [False, True])
@pytest.mark.parametrize("depth", range(1, 10))
def test_fifo_holds_as_many_as_it_says(depth: int, in_block: bool) -> None:
    """Filled to the last place before the first beat leaves, twice; in LUTs the memory has one word less than that."""
    dut = CreditFifoConfig(8, depth, in_block=in_block).build()

    async def bench(ctx: Any) -> None:
        for turn in (0, 100):
            for place in range(depth):
                ctx.set(dut.reserve, 1)
                ctx.set(dut.write, 1)
                ctx.set(dut.payload, turn + place)
                await ctx.tick()
            ctx.set(dut.reserve, 0)
            ctx.set(dut.write, 0)
            await ctx.tick().repeat(5)
            assert not ctx.get(dut.room)
            ctx.set(dut.o.ready, 1)
            for place in range(depth):
                assert (ctx.get(dut.o.valid), ctx.get(dut.o.payload)) == (1, turn + place)
                await ctx.tick()
            ctx.set(dut.o.ready, 0)
            assert (ctx.get(dut.o.valid), ctx.get(dut.room)) == (0, 1)

    simulate(dut, bench)


def test_fifo_latency_is_two() -> None:
    assert CreditFifoConfig.latency == 2
    assert check_fifo(1, 1) == [2]


@pytest.mark.parametrize("depth", [0, -3])
def test_fifo_depth_error(depth: int) -> None:
    with pytest.raises(ValueError, match=f"^depth: wanted at least 1, got {depth}$"):
        CreditFifoConfig(8, depth).build()


@pytest.mark.parametrize("batch", [0, 4])
def test_fifo_batch_error(batch: int) -> None:
    with pytest.raises(ValueError, match=rf"^batch: wanted 1 \.\. depth = 3, got {batch}$"):
        CreditFifoConfig(8, 3, batch).build()


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 13])
def test_wrap_increment(length: int) -> None:
    counter = Signal(range(length))
    m = Module()
    m.d.sync += counter.eq(wrap_increment(counter, length))
    seen = []

    async def bench(ctx: Any) -> None:
        for _ in range(3 * length):
            seen.append(ctx.get(counter))
            await ctx.tick()

    simulate(m, bench)
    assert seen == [cycle % length for cycle in range(3 * length)]


class Cheat(Component):
    """A stage that breaks the rules: its output's ready reaches its input's, or its valid waits for ready."""

    def __init__(self, waits: bool) -> None:
        self.waits = waits
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += Signal().eq(1)  # the simulator wants a clocked one
        m.d.comb += [
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(self.i.valid & (self.o.ready if self.waits else 1)),
            self.i.ready.eq(1 if self.waits else self.o.ready),
        ]
        return m


@pytest.mark.parametrize("waits", [False, True])
def test_stream_rules_can_fail(waits: bool) -> None:
    with pytest.raises(AssertionError, match="without a register"):
        stream_rules(Cheat(waits), [1, 2, 3], 3)


def test_fifo_keeps_the_stream_rules() -> None:
    """o.ready inside a cycle reaches neither valid, payload nor room."""
    dut = CreditFifoConfig(8, 3).build()

    async def bench(ctx: Any) -> None:
        random = np.random.default_rng(1)
        for cycle in range(200):
            write = ctx.get(dut.room)
            ctx.set(dut.reserve, write)
            ctx.set(dut.write, write)
            ctx.set(dut.payload, cycle & 255)
            last = random.random() < 0.4
            seen = []
            for ready in (not last, last):
                ctx.set(dut.o.ready, ready)
                seen.append((ctx.get(dut.o.valid), ctx.get(dut.o.payload), ctx.get(dut.room)))
            assert seen[0] == seen[1]
            await ctx.tick()

    simulate(dut, bench)
