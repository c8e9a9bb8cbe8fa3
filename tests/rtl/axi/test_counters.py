# amaranth: UnusedElaboratable=no
"""Counters against sums."""

from __future__ import annotations

import random as randoms
from typing import Any

import pytest
from support.streaming import simulate

from hwgen.rtl.axi.counters import CountersConfig


def test_seeded_random() -> None:
    """Three bits, so that they begin again at zero."""
    dut = CountersConfig(3, 3).build()
    random = randoms.Random(1)

    async def bench(ctx: Any) -> None:
        counts = [0, 0, 0]
        for _ in range(300):
            assert [ctx.get(dut.value[index]) for index in range(3)] == counts
            clear, freeze = random.random() < 0.05, random.random() < 0.3
            events = [random.random() < chance for chance in (0.1, 0.5, 0.9)]
            ctx.set(dut.clear, clear)
            ctx.set(dut.freeze, freeze)
            for index, event in enumerate(events):
                ctx.set(dut.event[index], event)
                counts[index] = 0 if clear else (counts[index] + (event and not freeze)) % 8
            await ctx.tick()

    simulate(dut, bench)


def test_constructor_errors() -> None:
    with pytest.raises(ValueError, match="events: wanted at least 1, got 0"):
        CountersConfig(0)
    with pytest.raises(ValueError, match="bits: wanted at least 1, got 0"):
        CountersConfig(1, 0)
