# amaranth: UnusedElaboratable=no
"""Coefficients: every frame gets the set that was in use when it began."""

from __future__ import annotations

import random as randoms
from typing import Any

import pytest
from support.streaming import simulate

from hwgen.rtl.axi.coefficients import CoefficientsConfig


@pytest.mark.parametrize("words", [1, 2, 3, 8])
def test_every_frame_gets_the_set_of_its_begin(words: int) -> None:
    dut = CoefficientsConfig(words, owed=3).build()
    random = randoms.Random(words)
    expected: list[int] = []
    seen: list[int] = []
    commits = 0

    async def bench(ctx: Any) -> None:
        nonlocal commits
        current, writing, place = [0] * words, [0] * words, 0
        was_committed = 0
        for _ in range(1500):
            committed = ctx.get(dut.committed)
            if was_committed and not committed:
                current = list(writing)
                place = 0
                assert ctx.get(dut.room)
            was_committed = committed
            begins = ctx.get(dut.room) and random.random() < 0.1
            ctx.set(dut.begins, begins)
            if begins:
                expected.extend(current)
            write = not committed and place < words and random.random() < 0.3
            ctx.set(dut.write, write)
            if write:
                writing[place] = random.getrandbits(32)
                ctx.set(dut.address, place)
                ctx.set(dut.data, writing[place])
                place += 1
            commit = not committed and not write and place == words and random.random() < 0.1
            ctx.set(dut.commit, commit)
            was_committed = was_committed or commit
            commits += commit
            ctx.set(dut.o.ready, random.random() < 0.5)
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                seen.append(ctx.get(dut.o.payload.beat))
                assert ctx.get(dut.o.payload.last) == (len(seen) % words == 0)
            await ctx.tick()
            if commit:
                assert not ctx.get(dut.room)

    simulate(dut, bench)
    assert commits > 5
    assert len(seen) > 10 * words
    assert seen == expected[: len(seen)]
    assert len(expected) - len(seen) <= 4 * words


def test_forgotten_frames_get_no_words() -> None:
    """But for the one whose words are on their way."""
    dut = CoefficientsConfig(4).build()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.begins, 1)
        await ctx.tick().repeat(3)
        ctx.set(dut.begins, 0)
        ctx.set(dut.o.ready, 1)
        count = 0
        for cycle in range(33):
            if cycle == 3:
                assert ctx.get(dut.sending)
                ctx.set(dut.forget, 1)
            count += ctx.get(dut.o.valid)
            await ctx.tick()
        assert count == 4
        assert not ctx.get(dut.sending)
        ctx.set(dut.forget, 0)
        for _ in range(10):
            assert not ctx.get(dut.o.valid)
            await ctx.tick()

    simulate(dut, bench)


def test_latency() -> None:
    dut = CoefficientsConfig(2).build()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.begins, 1)
        await ctx.tick()
        ctx.set(dut.begins, 0)
        for _ in range(CoefficientsConfig.latency - 1):
            assert not ctx.get(dut.o.valid)
            await ctx.tick()
        assert ctx.get(dut.o.valid)

    simulate(dut, bench)


def test_constructor_errors() -> None:
    with pytest.raises(ValueError, match="words: wanted at least 1, got 0"):
        CoefficientsConfig(0)
