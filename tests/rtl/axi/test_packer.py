# amaranth: UnusedElaboratable=no
"""Packer against hwgen.numerics.slots, whose results are written by hand here."""

from __future__ import annotations

import random as randoms
from collections.abc import Sequence
from typing import Any

import pytest
from support.streaming import run_stream, simulate, stream_rules

from hwgen.numerics.slots import Beat, packed, unpacked
from hwgen.rtl.axi.packer import PackerConfig
from hwgen.rtl.axi.slots import Slots

SHAPES = [Slots(4, 3, 3), Slots(8, 3, 3), Slots(16, 3, 3), Slots(4, 4, 3), Slots(16, 4, 4), Slots(4, 1, 1),
          Slots(4, 4, 4)]  # fmt: skip


@pytest.mark.parametrize(("items", "slots", "beats"), [
    ([0x030201, 0x060504, 0x090807, 0x0C0B0A], Slots(4, 3, 3),
     [(0x04030201, 15, False), (0x08070605, 15, False), (0x0C0B0A09, 15, True)]),
    ([0x030201, 0x060504], Slots(4, 3, 3), [(0x04030201, 15, False), (0x0605, 3, True)]),
    ([0x030201], Slots(4, 3, 3), [(0x030201, 7, True)]),
    ([0x030201], Slots(4, 4, 3), [(0x030201, 15, True)]),
    ([1, 2, 3], Slots(8, 4, 4), [(0x0000000200000001, 255, False), (3, 15, True)]),
])  # fmt: skip
def test_table(items: list[int], slots: Slots, beats: list[Beat]) -> None:
    assert packed(items, slots.beat, slots.slot) == beats
    check(slots, [items])


def words_of(frames: Sequence[Sequence[int]]) -> list[dict[str, int]]:
    return [{"beat": item, "last": int(at == len(frame) - 1)} for frame in frames for at, item in enumerate(frame)]


def check(slots: Slots, frames: Sequence[Sequence[int]], **conditions: float) -> tuple[list[int], list[int]]:
    """Every beat; returns the cycles in which items were taken and beats left."""
    expected = [beat for frame in frames for beat in packed(frame, slots.beat, slots.slot)]
    run = run_stream(PackerConfig(slots).build(), words_of(frames), len(expected), **conditions)
    assert [(int(beat["data"]), int(beat["keep"]), bool(beat["last"])) for beat in run.outputs] == expected
    return run.input_cycles, run.output_cycles


def random_frames(slots: Slots, count: int, seed: int) -> list[list[int]]:
    random = randoms.Random(seed)
    return [
        [random.getrandbits(8 * slots.used) for _ in range(random.randint(1, 3 * slots.items))] for _ in range(count)
    ]


@pytest.mark.parametrize("slots", SHAPES, ids=str)
def test_seeded_random(slots: Slots) -> None:
    for seed, (idle, stall) in enumerate([(0, 0), (0.4, 0), (0, 0.6), (0.3, 0.3), (0.8, 0.8)]):
        check(slots, random_frames(slots, 12, seed), idle=idle, stall=stall, seed=seed)


@pytest.mark.parametrize("slots", SHAPES, ids=str)
def test_what_is_packed_is_unpacked(slots: Slots) -> None:
    for frame in random_frames(slots, 10, 5):
        items, wrong = unpacked(packed(frame, slots.beat, slots.slot), slots.beat, slots.slot, slots.used)
        assert items == [(item, place == len(frame) - 1) for place, item in enumerate(frame)]
        assert wrong == 0


@pytest.mark.parametrize("slots", SHAPES, ids=str)
def test_latency_and_interval(slots: Slots) -> None:
    """An item a cycle; a beat two cycles behind the item that completes it; a cycle more where a last item crosses."""
    taken, left = check(slots, [[1] * (2 * slots.items)])
    assert taken == list(range(2 * slots.items))
    assert left[-1] == taken[-1] + PackerConfig.latency == taken[-1] + 2
    if slots.crosses:
        crossing = next(at for at in range(slots.items) if slots.first[at] + slots.slot > slots.beat)
        taken, _ = check(slots, [[1] * (crossing + 1), [2]])
        assert taken == [*range(crossing + 1), crossing + 2]


def test_stream_rules() -> None:
    slots = Slots(4, 3, 3)
    frames = random_frames(slots, 20, 3)
    beats = sum(len(packed(frame, 4, 3)) for frame in frames)
    assert stream_rules(PackerConfig(slots).build(), words_of(frames), beats) > 0


@pytest.mark.parametrize("begun", [0, 1, 2, 3, 4, 5])
def test_a_frame_that_is_cut_short_ends(begun: int) -> None:
    """With so many items gone in: a beat of zeros with TLAST where a beat had left, and the next frame is whole."""
    dut = PackerConfig(Slots(4, 3, 3)).build()

    async def bench(ctx: Any) -> None:
        seen: list[Beat] = []
        ends = 0

        async def tick() -> None:
            nonlocal ends
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                beat = ctx.get(dut.o.payload)
                seen.append((int(beat["data"]), int(beat["keep"]), bool(beat["last"])))
            ends += ctx.get(dut.ends)
            await ctx.tick()

        async def send(items: list[int], last: bool) -> None:
            for place, item in enumerate(items):
                ctx.set(dut.i.payload, {"beat": item, "last": int(last and place == len(items) - 1)})
                ctx.set(dut.i.valid, 1)
                while not ctx.get(dut.i.ready):
                    await tick()
                await tick()
                ctx.set(dut.i.valid, 0)

        await send([0x111111] * begun, False)
        ctx.set(dut.close, 1)
        for _ in range(8):
            await tick()
        whole = begun * 3 // 4
        assert ctx.get(dut.open) == (whole > 0)
        ctx.set(dut.o.ready, 1)
        for _ in range(12):
            await tick()
        assert not ctx.get(dut.open)
        assert len(seen) == whole + (whole > 0)
        assert [last for *_, last in seen] == [False] * whole + [True] * (whole > 0)
        assert seen[whole:] == [(0, 15, True)] * (whole > 0)
        assert ends == 0
        ctx.set(dut.close, 0)
        await send([1, 2, 3], True)
        for _ in range(8):
            await tick()
        assert seen[-3:] == packed([1, 2, 3], 4, 3)
        assert ends == 1
        assert not ctx.get(dut.open)

    simulate(dut, bench)
