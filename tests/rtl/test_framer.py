# amaranth: UnusedElaboratable=no
"""Framer and InputFraming against hwgen.numerics.framing, which is told by hand what is right."""

from __future__ import annotations

import random as randoms
from collections.abc import Sequence
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from support.streaming import RESET, run_stream, simulate, stream_rules

from hwgen.numerics.framing import Framed, framed
from hwgen.rtl.framer import FramerConfig
from hwgen.rtl.input_framing import InputFraming, InputFramingConfig
from hwgen.rtl.primitives import Cost

Beats = list[tuple[int, bool]]


def packets(*sizes: int) -> Beats:
    """Beats 1, 2, 3, ... in frames of these sizes, each with TLAST on its last."""
    lasts = [place == size - 1 for size in sizes for place in range(size)]
    return [(1 + number, last) for number, last in enumerate(lasts)]


TABLE: list[tuple[str, int, Beats, list[tuple[list[int], int, str | None]]]] = [
    ("good", 3, packets(3, 3), [([1, 2, 3], 3, None), ([4, 5, 6], 3, None)]),
    ("a beat is lost", 3, packets(2, 3), [([1, 2, 0], 2, "short"), ([3, 4, 5], 3, None)]),
    ("a beat too many", 3, packets(4, 3), [([1, 2, 3], 4, "long"), ([5, 6, 7], 3, None)]),
    ("TLAST is lost", 3, packets(6, 3), [([1, 2, 3], 6, "long"), ([7, 8, 9], 3, None)]),
    ("TLAST is lost twice", 2, packets(6, 2), [([1, 2], 6, "long"), ([7, 8], 2, None)]),
    ("TLAST too many", 4, packets(1, 3, 4), [([1, 0, 0, 0], 1, "short"), ([2, 3, 4, 0], 3, "short"),
                                             ([5, 6, 7, 8], 4, None)]),
    ("TLAST a beat early", 3, packets(2, 4, 3), [([1, 2, 0], 2, "short"), ([3, 4, 5], 4, "long"),
                                                 ([7, 8, 9], 3, None)]),
    ("TLAST a beat late", 3, packets(4, 2, 3), [([1, 2, 3], 4, "long"), ([5, 6, 0], 2, "short"),
                                                ([7, 8, 9], 3, None)]),
    ("TLAST on every beat", 2, packets(1, 1, 2), [([1, 0], 1, "short"), ([2, 0], 1, "short"), ([3, 4], 2, None)]),
    ("frames of one beat", 1, packets(1, 1, 3, 1), [([1], 1, None), ([2], 1, None), ([3], 3, "long"), ([6], 1, None)]),
    ("no end", 2, [(1, False), (2, False), (3, False)], [([1, 2], 3, "long")]),
    ("no end yet", 3, [(1, False), (2, False)], [([1, 2], 2, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("length", "beats", "frames"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_table(length: int, beats: Beats, frames: list[tuple[list[int], int, str | None]]) -> None:
    """The rule in Python and the component, both by hand."""
    assert framed(beats, length) == [Framed(tuple(out), sent, fault) for out, sent, fault in frames]  # type: ignore[arg-type]
    check(beats, length)


class WithTlast(Elaboratable):
    """A framer whose `use_tlast` is tied to 1."""

    def __init__(self, length: int) -> None:
        self.framer = FramerConfig(length, 8).build()
        self.i, self.o = self.framer.i, self.framer.o

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.framer = self.framer
        m.d.comb += self.framer.use_tlast.eq(1)
        return m


def words_of(beats: Sequence[tuple[int, bool]]) -> list[dict[str, int]]:
    return [{"beat": beat, "last": int(last)} for beat, last in beats]


def check(beats: Beats, length: int, **conditions: float) -> list[int]:
    """Every beat that leaves; returns the cycles in which they did."""
    expected = [beat for frame in framed(beats, length) for beat in frame.beats]
    run = run_stream(WithTlast(length), words_of(beats), len(expected), **conditions)
    assert run.outputs == expected
    return run.output_cycles


def random_beats(random: randoms.Random, length: int, frames: int) -> Beats:
    """Frames of which half are as they should be, all others shorter or longer by anything."""
    found: Beats = []
    for _ in range(frames):
        size = length if random.random() < 0.5 else random.randint(1, 3 * length)
        found += [(random.randrange(1, 256), place == size - 1) for place in range(size)]
    return found


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_idle_and_stall(length: int, idle: float, stall: float) -> None:
    """Behind a reset amid other traffic, wherever one of them is above 0."""
    random = randoms.Random(length)
    for seed in range(3):
        check(random_beats(random, length, 12), length, idle=idle, stall=stall, seed=seed)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 9])
def test_seeded_random(length: int) -> None:
    check(random_beats(randoms.Random(100 + length), length, 60), length, idle=0.2, stall=0.2, seed=length)


@pytest.mark.parametrize("length", [1, 2, 3, 8])
def test_latency_and_interval(length: int) -> None:
    """A beat leaves in the cycle in which it comes, one in every cycle, across good frames and through padding."""
    assert FramerConfig.latency == InputFramingConfig.latency == 0
    assert check(packets(*[length] * 5), length) == list(range(5 * length))
    short = max(length - 1, 1)
    assert check(packets(short, length, short, length), length) == list(range(4 * length))
    assert check(packets(length + 3, length), length) == [*range(length), *range(length + 3, 2 * length + 3)]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_stream_rules(length: int) -> None:
    beats = random_beats(randoms.Random(5), length, 30)
    outputs = sum(len(frame.beats) for frame in framed(beats, length))
    assert stream_rules(WithTlast(length), words_of(beats), outputs, stall=0.6) > 0


@pytest.mark.parametrize("length", [1, 2, 5])
def test_without_tlast_beats_are_counted(length: int) -> None:
    """Whatever TLAST is, all beats leave as they came and no fault is found."""
    random = randoms.Random(length)
    beats = [(random.randrange(256), random.random() < 0.3) for _ in range(50)]
    dut = InputFramingConfig(FramerConfig(length, 8)).build()
    found, errors, pulses = drive(dut, [beats], use_tlast=0)
    assert found == [[beat for beat, _ in beats]] and (errors, pulses) == (0, [])


def drive(
    dut: InputFraming, streams: Sequence[Beats], use_tlast: int = 1, stall: float = 0.0, seed: int = 1
) -> tuple[list[list[int]], int, list[int]]:
    """Beats through all streams at once: what left each, `frame_errors` at the end, cycles with `frame_error`."""
    random = randoms.Random(seed)
    inputs = [dut.i, getattr(dut, "coefficients_i", None)][: len(streams)]
    outputs = [dut.o, getattr(dut, "coefficients_o", None)][: len(streams)]
    found: list[list[int]] = [[] for _ in streams]
    pulses: list[int] = []
    count = 0

    async def bench(ctx: Any) -> None:
        nonlocal count
        ctx.set(dut.use_tlast, use_tlast)
        sent, quiet, cycle = [0] * len(streams), 0, 0
        while quiet < 40:
            quiet += 1
            for n, (beats, source, sink) in enumerate(zip(streams, inputs, outputs, strict=True)):
                ctx.set(source.valid, sent[n] < len(beats))
                if sent[n] < len(beats):
                    ctx.set(source.payload, words_of([beats[sent[n]]])[0])
                ctx.set(sink.ready, random.random() >= stall)
            for n, (source, sink) in enumerate(zip(inputs, outputs, strict=True)):
                if ctx.get(source.valid) and ctx.get(source.ready):
                    sent[n] += 1
                    quiet = 0
                if ctx.get(sink.valid) and ctx.get(sink.ready):
                    found[n].append(ctx.get(sink.payload))
                    quiet = 0
            if ctx.get(dut.frame_error):
                pulses.append(cycle)
            cycle += 1
            await ctx.tick()
        count = ctx.get(dut.frame_errors)

    simulate(dut, bench)
    return found, count, pulses


def test_a_pulse_and_a_count_for_every_fault() -> None:
    """One behind the beat that shows it: TLAST too early, or a last beat without."""
    dut = InputFramingConfig(FramerConfig(3, 8)).build()
    _, count, pulses = drive(dut, [packets(3, 2, 3, 5, 1, 3)])
    # Beats leave in cycles 0..2, 3..4 (and a zero in 5), 6..8, 9..11 (dropped: 12, 13), 14 (zeros: 15, 16), 17..19.
    assert (count, pulses) == (3, [4 + 1, 11 + 1, 14 + 1])


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_faults_of_both_streams_count(stall: float) -> None:
    random = randoms.Random(3)
    config = InputFramingConfig(FramerConfig(4, 8), FramerConfig(3, 8))
    streams = [random_beats(random, length, 40) for length in (4, 3)]
    frames = [framed(beats, length) for beats, length in zip(streams, (4, 3), strict=True)]
    found, count, pulses = drive(config.build(), streams, stall=stall)
    assert found == [[beat for frame in each for beat in frame.beats] for each in frames]
    faults = [sum(frame.fault is not None for frame in each) for each in frames]
    assert count == sum(faults) and max(faults) <= len(pulses) <= count


def test_two_faults_at_once_are_one_pulse_and_count_two() -> None:
    config = InputFramingConfig(FramerConfig(3, 8), FramerConfig(3, 8))
    _, count, pulses = drive(config.build(), [packets(2, 3), packets(2, 3)])
    assert (count, pulses) == (2, [2])


@pytest.mark.parametrize("after", range(12))
def test_reset_starts_a_frame_anew(after: int) -> None:
    """In the midst of a frame, of its padding or of what is dropped; the count begins at zero."""
    dut = InputFramingConfig(FramerConfig(4, 8)).build()
    found: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.use_tlast, 1)
        ctx.set(dut.o.ready, 1)
        for traffic, keep in ((packets(2, 7, 4)[:after], False), (packets(4, 3), True)):
            sent = quiet = 0
            while quiet < (10 if keep else 1):
                ctx.set(dut.i.valid, sent < len(traffic))
                if sent < len(traffic):
                    ctx.set(dut.i.payload, words_of([traffic[sent]])[0])
                    sent += ctx.get(dut.i.ready)
                else:
                    quiet += 1
                if keep and ctx.get(dut.o.valid):
                    found.append(ctx.get(dut.o.payload))
                await ctx.tick()
            if not keep:
                ctx.set(RESET.rst, 1)
                await ctx.tick()
                ctx.set(RESET.rst, 0)
        assert ctx.get(dut.frame_errors) == 1

    simulate(dut, bench)
    assert found == [1, 2, 3, 4, 5, 6, 7, 0]


@pytest.mark.parametrize(("change", "message"), [
    (dict(length=0), "length: wanted at least 1, got 0"),
    (dict(length=-3), "length: wanted at least 1, got -3"),
    (dict(width=0), "width: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        FramerConfig(**(dict(length=8, width=8) | change))


@pytest.mark.parametrize(("length", "width", "lut", "ff"), [
    (1, 8, 15, 12), (2, 32, 43, 39), (3, 24, 36, 32), (8, 24, 39, 33), (64, 24, 42, 36), (100, 8, 28, 21),
    (1024, 32, 54, 48), (131072, 24, 55, 47), (153600, 32, 64, 56),
])  # fmt: skip
def test_cost(length: int, width: int, lut: int, ff: int) -> None:
    """As Yosys 0.70 makes them of either family: flip-flops exactly, LUTs within two; no multiplier, no memory."""
    for family in ("xc7", "xcup"):
        cost = FramerConfig(length, width).cost(family)
        assert cost == Cost(cost.lut, ff) and abs(cost.lut - lut) <= 2
