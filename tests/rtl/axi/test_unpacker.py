# amaranth: UnusedElaboratable=no
"""Unpacker against hwgen.numerics.slots, whose results are written by hand here."""

from __future__ import annotations

import random as randoms
from collections.abc import Sequence
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from support.streaming import run_stream, simulate, stream_rules

from hwgen.numerics.slots import Beat, packed, unpacked
from hwgen.rtl.axi.slots import Slots
from hwgen.rtl.axi.unpacker import UnpackerConfig

SHAPES = [Slots(4, 3, 3), Slots(8, 3, 3), Slots(16, 3, 3), Slots(4, 4, 3), Slots(16, 4, 4), Slots(4, 1, 1),
          Slots(4, 4, 4)]  # fmt: skip
FULL = 0b1111


TABLE: list[tuple[str, Slots, list[Beat], list[tuple[int, bool]], int]] = [
    ("four pixels in three words", Slots(4, 3, 3),
     [(0x04030201, 0, False), (0x08070605, 0, False), (0x0C0B0A09, FULL, True)],
     [(0x030201, False), (0x060504, False), (0x090807, False), (0x0C0B0A, True)], 0),
    ("one pixel", Slots(4, 3, 3), [(0x04030201, 0b0111, True)], [(0x030201, True)], 0),
    ("two bytes more", Slots(4, 3, 3), [(0x04030201, FULL, False), (0x08070605, 0b0001, True)],
     [(0x030201, False), (0x000504, True)], 1),
    ("one byte more", Slots(4, 3, 3), [(0x04030201, FULL, True)], [(0x030201, False), (0x000004, True)], 1),
    ("no byte of the last beat", Slots(4, 3, 3), [(0x04030201, FULL, False), (0x08070605, 0, True)],
     [(0x030201, False), (0x000004, True)], 1),
    ("bytes behind one that is not kept", Slots(4, 4, 4), [(0x04030201, 0b1011, True)], [(0x00000201, True)], 1),
    ("a pixel a word", Slots(4, 4, 3), [(0x04030201, FULL, False), (0x08070605, 0b0111, True)],
     [(0x030201, False), (0x070605, True)], 0),
    ("two symbols a beat, one in the last", Slots(8, 4, 4),
     [(0x0807060504030201, 255, False), (0x0807060504030201, 15, True)],
     [(0x04030201, False), (0x08070605, False), (0x04030201, True)], 0),
]  # fmt: skip


class Enabled(Elaboratable):
    """An unpacker that takes frames, and the number of its length errors."""

    def __init__(self, slots: Slots) -> None:
        self.unpacker = UnpackerConfig(slots).build()
        self.i, self.o = self.unpacker.i, self.unpacker.o
        self.errors = Signal(16)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.unpacker = self.unpacker
        m.d.comb += self.unpacker.enable.eq(1)
        m.d.sync += self.errors.eq(self.errors + self.unpacker.length_error)
        return m


def words_of(beats: Sequence[Beat]) -> list[dict[str, int]]:
    return [{"data": data, "keep": keep, "last": int(last)} for data, keep, last in beats]


def check(slots: Slots, beats: Sequence[Beat], **conditions: float) -> list[int]:
    """Every item; returns the cycles in which they left."""
    expected, _ = unpacked(beats, slots.beat, slots.slot, slots.used)
    run = run_stream(Enabled(slots), words_of(beats), len(expected), **conditions)
    assert [(int(item["beat"]), bool(item["last"])) for item in run.outputs] == expected
    return run.output_cycles


def random_beats(slots: Slots, frames: int, seed: int) -> list[Beat]:
    """Frames of any number of bytes, half of them of whole items."""
    random = randoms.Random(seed)
    found: list[Beat] = []
    for _ in range(frames):
        size = random.randint(1, 3 * slots.beat)
        size = size if random.random() < 0.5 else -(-size // slots.slot) * slots.slot
        beats = packed([random.randrange(256) for _ in range(size)], slots.beat, 1)
        found += [(data, keep if last else random.getrandbits(slots.beat), last) for data, keep, last in beats]
    return found


@pytest.mark.parametrize(
    ("slots", "beats", "items", "errors"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_table(slots: Slots, beats: list[Beat], items: list[tuple[int, bool]], errors: int) -> None:
    """The rule in Python and the component, both by hand."""
    assert unpacked(beats, slots.beat, slots.slot, slots.used) == (items, errors)
    check(slots, beats)


@pytest.mark.parametrize("slots", SHAPES, ids=str)
def test_seeded_random(slots: Slots) -> None:
    for seed, (idle, stall) in enumerate([(0, 0), (0.4, 0), (0, 0.6), (0.3, 0.3), (0.8, 0.8)]):
        check(slots, random_beats(slots, 25, seed), idle=idle, stall=stall, seed=seed)


@pytest.mark.parametrize("slots", SHAPES, ids=str)
def test_length_errors(slots: Slots) -> None:
    beats = random_beats(slots, 30, 9)
    _, errors = unpacked(beats, slots.beat, slots.slot, slots.used)
    dut = Enabled(slots)
    pending = words_of(beats)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        for _ in range(len(beats) * slots.items * 4):
            ctx.set(dut.i.valid, bool(pending))
            if pending:
                ctx.set(dut.i.payload, pending[0])
                if ctx.get(dut.i.ready):
                    pending.pop(0)
            await ctx.tick()
        assert not pending
        assert ctx.get(dut.errors) == errors

    simulate(dut, bench)


@pytest.mark.parametrize("slots", SHAPES, ids=str)
def test_latency_and_interval(slots: Slots) -> None:
    items = 4 * slots.items
    beats = packed([7] * items, slots.beat, slots.slot)
    cycles = check(slots, beats)
    assert cycles[0] == UnpackerConfig.latency == 2
    per_beat = slots.beat // slots.slot
    if per_beat > 1 or slots.slot == slots.beat:  # the beats come as fast as the items leave
        assert cycles == list(range(2, 2 + items))


def test_stream_rules() -> None:
    slots = Slots(4, 3, 3)
    beats = random_beats(slots, 20, 3)
    items, _ = unpacked(beats, 4, 3, 3)
    assert stream_rules(Enabled(slots), words_of(beats), len(items)) > 0


def test_frames_wait_for_enable_and_beats_are_dropped() -> None:
    """Without `enable` no frame begins, one that has begun goes on; what `drop` finds is forgotten."""
    dut = UnpackerConfig(Slots(4, 3, 3)).build()

    async def bench(ctx: Any) -> None:
        async def send(data: int, last: int, limit: int = 20) -> bool:
            ctx.set(dut.i.payload, {"data": data, "keep": FULL, "last": last})
            ctx.set(dut.i.valid, 1)
            for _ in range(limit):
                ready = ctx.get(dut.i.ready)
                await ctx.tick()
                if ready:
                    ctx.set(dut.i.valid, 0)
                    return True
            ctx.set(dut.i.valid, 0)
            return False

        ctx.set(dut.o.ready, 1)
        assert not await send(1, 0)
        ctx.set(dut.enable, 1)
        assert await send(1, 0)
        assert ctx.get(dut.begun)
        ctx.set(dut.enable, 0)
        assert await send(2, 0)
        assert await send(3, 1)
        assert not ctx.get(dut.begun)
        assert not await send(4, 0)
        ctx.set(dut.enable, 1)
        assert await send(0x01020304, 0)  # one byte is left of it
        ctx.set(dut.drop, 1)
        for place in range(10):
            assert await send(5, place == 9, 2)
        assert not ctx.get(dut.begun)
        assert await send(5, 0)
        ctx.set(dut.drop, 0)
        await ctx.tick().repeat(2)
        assert not ctx.get(dut.begun)
        assert await send(0x00BBAA99, 1)
        seen = []
        for _ in range(10):
            if ctx.get(dut.o.valid):
                seen.append((ctx.get(dut.o.payload.beat), ctx.get(dut.o.payload.last)))
            await ctx.tick()
        assert seen == [(0xBBAA99, 0), (0, 1)]  # a frame of four bytes

    simulate(dut, bench)


@pytest.mark.parametrize(("shape", "message"), [
    ((0, 1, 1), "beat: wanted at least 1, got 0"), ((4, 5, 1), "slot: wanted at most beat = 4, got 5"),
    ((4, 3, 4), "used: wanted at most slot = 3, got 4"),
])  # fmt: skip
def test_constructor_errors(shape: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Slots(*shape)
