# amaranth: UnusedElaboratable=no
"""Counters and sums against plain integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Signal
from support.streaming import simulate

from hwgen.rtl.counter import add_carry, add_wrapped, count, wrapping


def test_count_of_one() -> None:
    counter = count(Module(), 1, Const(1), "place")
    assert [Const.cast(value).value for value in (counter.place, counter.last, counter.next_last)] == [0, 1, 1]


@pytest.mark.parametrize("length", [2, 3, 4, 5, 8, 13])
def test_count(length: int) -> None:
    """The place, and whether it and the next one are the last, from every start, with pauses."""
    for start in range(length):
        m = Module()
        step = Signal()
        counter = count(m, length, step, "place", start)
        outputs = [Signal(8, name=name) for name in ("place", "last", "next_last")]
        m.d.comb += [o.eq(v) for o, v in zip(outputs, (counter.place, counter.last, counter.next_last), strict=True)]

        async def bench(ctx: Any, start: int = start, step: Signal = step, outputs: list[Signal] = outputs) -> None:
            random, place = np.random.default_rng(length), start
            for _ in range(3 * length + 10):
                seen = [ctx.get(output) for output in outputs]
                assert seen == [place, place == length - 1, (place + 1) % length == length - 1]
                moves = bool(random.random() < 0.7)
                ctx.set(step, moves)
                place = (place + moves) % length
                await ctx.tick()

        simulate(m, bench)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 13])
def test_wrapping(length: int) -> None:
    """The place, from every start, with pauses."""
    for start in range(length):
        m = Module()
        step, output = Signal(), Signal(8)
        m.d.comb += output.eq(wrapping(m, length, step, "place", start))

        async def bench(ctx: Any, start: int = start, step: Signal = step, output: Signal = output) -> None:
            random, place = np.random.default_rng(length), start
            for _ in range(3 * length + 10):
                assert ctx.get(output) == place
                moves = bool(random.random() < 0.7)
                ctx.set(step, moves)
                place = (place + moves) % length
                await ctx.tick()

        simulate(m, bench)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 12])
def test_add_wrapped(size: int) -> None:
    m = Module()
    place = Signal(range(size))
    steps = range(-size, 3 * size)
    sums = [Signal(8, name=f"sum{step + size}") for step in steps]
    m.d.comb += [total.eq(add_wrapped(place, step, size)) for total, step in zip(sums, steps, strict=True)]

    async def bench(ctx: Any) -> None:
        for value in range(size):
            ctx.set(place, value)
            assert [ctx.get(total) for total in sums] == [(value + step) % size for step in steps]

    simulate(m, bench, clock=False)


def test_add_carry() -> None:
    m = Module()
    a, b, carry, total = Signal(3), Signal(3), Signal(), Signal(8)
    m.d.comb += total.eq(add_carry(a, b, carry))

    async def bench(ctx: Any) -> None:
        for case in range(1 << 7):
            ctx.set(a, case & 7), ctx.set(b, case >> 3 & 7), ctx.set(carry, case >> 6)
            assert ctx.get(total) == ((case & 7) + (case >> 3 & 7) + (case >> 6)) % 8

    simulate(m, bench, clock=False)
