# amaranth: UnusedElaboratable=no
"""FIFOs that give in turn against plain queues: the beats, their order and every one's exact cycle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from amaranth.back import verilog
from amaranth.hdl import Array, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, Out
from support.streaming import simulate

from hwgen.rtl.counter import count
from hwgen.rtl.stream import CreditFifo, CreditFifoConfig
from hwgen.rtl.turns import Turns

DEPTH = 4


class InTurn(Component):
    """FIFOs whose pixels leave in the order of `turns`, again and again."""

    def __init__(self, turns: Sequence[int], beats: int, fifos: int) -> None:
        self.turns, self.beats = turns, beats
        self.fifos: list[CreditFifo] = [CreditFifoConfig(8, DEPTH, in_turn=True).build() for _ in range(fifos)]
        super().__init__({"o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        return self.into(Module())

    def into(self, m: Module) -> Module:
        """The same, behind what the module has already."""
        for place, fifo in enumerate(self.fifos):
            m.submodules[f"fifo{place}"] = fifo
        giving = Turns(m, self.o, self.fifos, self.beats)
        length = len(self.turns)
        place = count(m, length, giving.end_pixel, "place", 1 % length).place
        after, following = (Signal(range(len(self.fifos)), name=name) for name in ("after_now", "after_next"))
        m.d.comb += after.eq(Array(self.turns)[place])
        m.d.comb += following.eq(Array([*self.turns[1:], self.turns[0]])[place])
        giving.give(after, following, self.turns[1 % length])
        return m


def check(turns: Sequence[int], beats: int, idle: float, stall: float, fifos: int = 2, pixels: int = 40) -> list[int]:
    """Each FIFO gets its beats with pauses of its own; returns the cycles in which beats leave."""
    dut = InTurn(turns, beats, fifos)
    random = np.random.default_rng([len(turns), beats, int(idle * 10), int(stall * 10)])
    order = [turns[pixel % len(turns)] for pixel in range(pixels) for _ in range(beats)]
    values = random.integers(0, 256, len(order)).tolist()
    # Numbers of the beats that each FIFO gets.
    due = [[number for number, own in enumerate(order) if own == place] for place in range(fifos)]
    written: dict[int, int] = {}
    cycles: list[int] = []

    async def bench(ctx: Any) -> None:
        sent, gone, cycle = [0] * fifos, 0, 0
        while gone < len(order):
            assert cycle < 40 * len(order)
            for place, fifo in enumerate(dut.fifos):
                given = sum(own == place for own in order[:gone])
                assert ctx.get(fifo.room) == (sent[place] - given < DEPTH)
                write = sent[place] < len(due[place]) and ctx.get(fifo.room) and random.random() >= idle
                ctx.set(fifo.reserve, int(write))
                ctx.set(fifo.write, int(write))
                if write:
                    number = due[place][sent[place]]
                    ctx.set(fifo.payload, values[number])
                    written[number] = cycle
                    sent[place] += 1
            ready = random.random() >= stall
            ctx.set(dut.o.ready, int(ready))
            there = gone in written and cycle >= max(
                written[gone] + CreditFifoConfig.latency, cycles[-1] + 1 if cycles else 0
            )
            assert bool(ctx.get(dut.o.valid)) == there, f"cycle {cycle}"
            if there:
                assert ctx.get(dut.o.payload) == values[gone], f"cycle {cycle}"
                if ready:
                    cycles.append(cycle)
                    gone += 1
            cycle += 1
            await ctx.tick()
        assert not ctx.get(dut.o.valid)

    simulate(dut, bench)
    return cycles


@pytest.mark.parametrize("turns", [(0, 1), (0, 0, 1, 1), (0,), (0, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("beats", [1, 2, 3])
def test_two(turns: Sequence[int], beats: int) -> None:
    for idle, stall in ((0.0, 0.0), (0.6, 0.2), (0.2, 0.6)):
        check(turns, beats, idle, stall)


@pytest.mark.parametrize("turns", [(0, 1, 2, 3), (0, 0, 1, 1, 2, 2, 3, 3), (0, 1, 0, 2, 3, 2)])
@pytest.mark.parametrize("beats", [1, 2])
def test_four(turns: Sequence[int], beats: int) -> None:
    for idle, stall in ((0.0, 0.0), (0.6, 0.2), (0.2, 0.6)):
        check(turns, beats, idle, stall, fifos=4)


@pytest.mark.parametrize("beats", [1, 2])
@pytest.mark.parametrize("domain", ["comb", "sync"])
def test_its_stream_keeps_its_name(beats: int, domain: str) -> None:
    """Inside another module, too, whichever domain has the first statement: `hwgen verify` looks for it there."""

    class First(InTurn):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.d[domain] += Signal(name="other").eq(self.o.ready)
            return self.into(m)

    m = Module()
    m.submodules.inside = inside = First((0, 1), beats, 2)
    ready, valid, payload = Signal(), Signal(), Signal(8)
    m.d.comb += [inside.o.ready.eq(ready), valid.eq(inside.o.valid), payload.eq(inside.o.payload)]
    text = verilog.convert(m, name="top", ports=[ready, valid, payload], emit_src=False)
    own = text[text.index("module \\top.inside (") :]
    outputs = re.findall(r"^  output(?: \[.*\])? (.*);$", own[: own.index("endmodule")], re.MULTILINE)
    names = {name.strip() for name in outputs}
    assert {"o__valid", "o__payload"} <= names


@pytest.mark.parametrize("beats", [1, 2, 3])
def test_a_beat_in_every_cycle(beats: int) -> None:
    cycles = check((0, 1), beats, 0.0, 0.0)
    assert cycles == list(range(CreditFifoConfig.latency, CreditFifoConfig.latency + 40 * beats))
