# amaranth: UnusedElaboratable=no
"""Queues of profiles, and the frames at a design's input with their profiles, against plain lists."""

from __future__ import annotations

import random as randoms
from typing import Any

import pytest
from support.streaming import simulate

from hwgen.numerics.framing import framed
from hwgen.rtl.framer import FramerConfig
from hwgen.rtl.input_framing import InputFraming, InputFramingConfig
from hwgen.rtl.primitives import Cost
from hwgen.rtl.profile_queues import ProfileQueuesConfig


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_every_consumer_gets_every_profile_in_order(depth: int, stall: float) -> None:
    """One is accepted where all queues have room, and shows one cycle later."""
    config, random = ProfileQueuesConfig(5, 2, depth), randoms.Random(depth)
    dut, sent = config.build(), [random.randrange(5) for _ in range(30)]
    found: list[list[int]] = [[], []]

    async def bench(ctx: Any) -> None:
        given = 0
        level = [0, 0]
        for _ in range(400):
            ctx.set(dut.i.valid, given < len(sent))
            ctx.set(dut.i.payload, sent[min(given, len(sent) - 1)])
            assert ctx.get(dut.i.ready) == (max(level) < depth)
            taken = given < len(sent) and max(level) < depth
            for place, queue in enumerate(dut.o):
                ctx.set(queue.ready, random.random() >= stall)
                assert ctx.get(queue.valid) == (level[place] > 0)
                if level[place] and ctx.get(queue.ready):
                    found[place].append(ctx.get(queue.payload))
                    level[place] -= 1
            given += taken
            level = [each + taken for each in level]
            await ctx.tick()

    simulate(dut, bench)
    assert found == [sent, sent] and config.latency == 1


@pytest.mark.parametrize(("arguments", "message"), [
    ((1, 1, 1), "profiles: wanted at least 2, got 1"),
    ((2, 0, 1), "consumers: wanted at least 1, got 0"),
    ((2, 1, 0), "depth: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(arguments: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProfileQueuesConfig(*arguments)


def test_cost_grows_with_consumers() -> None:
    one, three = (ProfileQueuesConfig(8, count, 4).cost("xc7") for count in (1, 3))
    assert three.ff == 3 * one.ff and three.lut > one.lut
    plain = InputFramingConfig(FramerConfig(3, 8)).cost("xc7")
    profiled = InputFramingConfig(FramerConfig(3, 8), profiles=ProfileQueuesConfig(8, 1, 4)).cost("xc7")
    assert profiled.ff - plain.ff == 3 + 1 + one.ff  # beside the beat that waits, whether it is a frame's first
    assert isinstance(plain, Cost)


def drive(
    dut: InputFraming, beats: list[tuple[int, bool]], profiles: list[int], seed: int, stall: float, behind: int
) -> tuple[list[int], list[int]]:
    """Beats with what `profile` has beside each; a profile is taken `behind` output beats after its frame's end."""
    random = randoms.Random(seed)
    length = dut.config.frames.length
    out: list[int] = []
    seen: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.use_tlast, 1)
        sent = quiet = 0
        while quiet < 60:
            quiet += 1
            ctx.set(dut.i.valid, sent < len(beats))
            if sent < len(beats):
                beat, last = beats[sent]
                ctx.set(dut.i.payload, {"beat": beat, "last": last})
                ctx.set(dut.profile, profiles[sent])
            ctx.set(dut.o.ready, random.random() >= stall)
            (queue,) = dut.profiles
            due = (len(out) - behind) // length > len(seen) or quiet > 30
            ctx.set(queue.ready, due)
            if ctx.get(queue.valid) and due:
                seen.append(ctx.get(queue.payload))
                quiet = 0
            if ctx.get(dut.i.valid) and ctx.get(dut.i.ready):
                sent += 1
                quiet = 0
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                assert len(out) // length <= len(seen) + dut.config.profiles.depth, "a frame that should have waited"
                out.append(ctx.get(dut.o.payload))
                quiet = 0
            await ctx.tick()

    simulate(dut, bench)
    return out, seen


@pytest.mark.parametrize(("length", "depth", "stall", "behind"), [
    (1, 2, 0.0, 0), (1, 1, 0.5, 1), (3, 2, 0.0, 2), (4, 1, 0.5, 3), (4, 4, 0.3, 9), (5, 3, 0.6, 0),
])  # fmt: skip
def test_a_frame_has_the_profile_of_its_first_accepted_beat(
    length: int, depth: int, stall: float, behind: int
) -> None:
    """Whatever is short, long, or waits; a number that is too large is the last profile."""
    random = randoms.Random(length)
    beats = [(random.randrange(256), random.random() < 1.2 / length) for _ in range(60)]
    beats[-1] = beats[-1][0], True
    profiles = [random.randrange(8) for _ in beats]
    begins = [place == 0 or beats[place - 1][1] for place in range(len(beats))]
    config = InputFramingConfig(FramerConfig(length, 8), profiles=ProfileQueuesConfig(6, 1, depth))
    out, seen = drive(config.build(), beats, profiles, 3, stall, behind)
    assert out == [beat for frame in framed(beats, length) for beat in frame.beats]
    assert seen == [min(number, 5) for number, begin in zip(profiles, begins, strict=True) if begin]
