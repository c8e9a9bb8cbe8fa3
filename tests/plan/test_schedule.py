"""Loops of two waits relaxed at once: the same cycles as one pass after the other, in fewer passes."""

from __future__ import annotations

import numpy as np
import pytest
from support.plans import random_graph, random_plan

from hwgen.plan import schedule
from hwgen.plan.buffers import minimal_depths
from hwgen.plan.events import Events, Loop, Wait
from hwgen.plan.schedule import Scheduler

NEVER = 1 << 40
"""Passes after which no loop is ever relaxed at once."""


@pytest.mark.parametrize("seed", range(6))
def test_the_same_cycles(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With buffers as shallow as they can be and with one beat less in each of them, over three frames."""
    random = np.random.default_rng(seed)
    graph = random_graph(random, 3, strides=[2, 1, 1], frame=(8, 12))
    plan = random_plan(random, graph, 8, 12, fast=True)
    scheduler, found = Scheduler(plan), minimal_depths(plan)
    smaller = [{**found, one: depth - one.unit} for one, depth in found.items() if depth > one.least]
    for depths in [found, *smaller]:
        schedules = []
        for passes in (1, NEVER):
            monkeypatch.setattr(schedule, "PASSES", passes)
            schedules.append(scheduler.schedule(depths, 3))
        at_once, in_turn = schedules
        assert at_once.ends == in_turn.ends
        for one, other in zip(at_once.events, in_turn.events, strict=True):
            assert np.array_equal(one.cycles, other.cycles)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_fifo_settles_at_once(depth: int) -> None:
    """Producer k waits for consumer k - depth, consumer k for producer k: a period of depth beats in 7 + 2 cycles."""
    producer, consumer = Events(1000), Events(1000)
    beats = np.arange(1000)
    for events in (producer, consumer):
        events.add_frame(np.zeros(1000, dtype=np.int64))
    room = Wait(producer, slice(0, 1000), consumer, lambda: (beats - depth, 2))
    given = Wait(consumer, slice(0, 1000), producer, lambda: (beats, 7))
    (loop,) = Loop.among([room, given], [producer, consumer])
    loop.relax()
    assert np.array_equal(producer.cycles, beats // depth * 9)
    version = producer.version
    loop.relax()
    assert producer.version == version, "what is settled does not move"
    given.relax()
    room.relax()
    assert np.array_equal(consumer.cycles, beats // depth * 9 + 7) and producer.version == version
