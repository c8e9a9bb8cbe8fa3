"""Cycles found by the compiled loop against those of relaxed arrays, and the depths that follow from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.frame_by_frame import FrameByFrame
from support.graphs import branches, down, layer, random_dag, residual, twice, u_shape, up
from support.plans import random_graph, random_plan

from hwgen import board
from hwgen.errors import HwgenError
from hwgen.lower import NOT_IN_HARDWARE
from hwgen.lower.base import Buffer, Depths
from hwgen.plan import buffers
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import Scheduler
from hwgen.plan.size import size

KINDS = (layer, residual, twice, branches, u_shape, down, up)


def in_a_row(seed: int) -> Plan:
    """Two layers of any folding."""
    random = np.random.default_rng(seed)
    graph = random_graph(random, 2, strides=[2, 1], frame=(8, 6))
    return random_plan(random, graph, 8, 6, fast=True)


def branched(seed: int) -> Plan:
    """A graph with branches that the engine computes, 8x8 frames."""
    for trial in range(100 * seed, 100 * seed + 100):
        kinds = (KINDS[seed % len(KINDS)],)
        graph = random_dag(np.random.default_rng(trial), "tx", 1, kinds, (8, 8))
        if graph.input_channels == 3 and not any(isinstance(node, NOT_IN_HARDWARE) for node in graph.nodes):
            try:
                return size(graph, board.load("pynq_z2"), 8, 8)
            except HwgenError:
                continue  # some channels in hardware are multiples of others: none of what is tested here
    raise AssertionError("no graph that hardware computes")


@pytest.mark.parametrize("seed", range(8))
def test_depths_as_frame_by_frame(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every depth, and that one entry fewer anywhere is too few, by frames played one after the other."""
    plan = in_a_row(seed) if seed % 2 else branched(seed)
    found = buffers.minimal_depths(plan)
    monkeypatch.setattr(buffers, "Scheduler", FrameByFrame)
    assert found == buffers.minimal_depths(plan)
    for one in found:
        if found[one] > one.least:
            fewer = {**found, one: found[one] - one.unit}
            assert Scheduler(plan).keeps_pace(fewer) is FrameByFrame(plan).keeps_pace(fewer) is None


@pytest.mark.parametrize("plan", [in_a_row(11), branched(1), branched(3), branched(4)], ids=str)
def test_cycles_of_every_event(plan: Plan) -> None:
    """A first frame's, and those of frames that repeat themselves once buffers have been filled."""
    scheduler = Scheduler(plan)
    depths = buffers.minimal_depths(plan)
    pace = scheduler.keeps_pace(depths)
    assert pace is not None
    played = scheduler.schedule(depths, 12)
    settling = scheduler.laid_out(depths)
    busiest = False
    for kind, other in zip(settling.kinds, played.events, strict=True):
        assert np.array_equal(settling.cycles(pace.first, kind), other.frame(0))
        # Frames that are played get no later than those that repeat themselves, and what is always busy as late.
        early = [settling.cycles(pace.steady, kind) - (other.frame(f) - f * scheduler.interval) for f in range(12)]
        assert min(one.min() for one in early) >= 0
        busiest |= not early[-1].all()
    assert busiest


def test_depths_one_after_the_other() -> None:
    """What was laid out for other depths makes no difference, whatever changed."""
    plan = branched(1)
    scheduler, found = Scheduler(plan), buffers.minimal_depths(plan)
    enough = {one: max(one.enough, depth) for one, depth in found.items()}
    random = np.random.default_rng(1)
    for _ in range(12):
        depths: dict[Buffer, int] = {
            one: int(random.choice([one.least, found[one], enough[one]])) // one.unit * one.unit for one in found
        }
        again, anew = scheduler.keeps_pace(depths), Scheduler(plan).keeps_pace(depths)
        assert (again is None) == (anew is None) == (FrameByFrame(plan).keeps_pace(depths) is None)
        if again is not None and anew is not None:
            for ours, theirs in zip((*again.first, *again.steady), (*anew.first, *anew.steady), strict=True):
                assert np.array_equal(ours, theirs)


def test_depths_are_refused_by_required_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some without a schedule of their own, and none that has one."""
    plan = branched(1)
    refused: list[Depths] = []

    class Watched(Scheduler):
        def keeps_pace(self, depths: Depths, before: Any = None, smaller: Buffer | None = None) -> Any:
            settling = self.laid_out(depths)
            if smaller is not None and settling.misses_required(smaller, before.first, before.latest):
                refused.append(depths)
            return super().keeps_pace(depths, before, smaller)

    monkeypatch.setattr(buffers, "Scheduler", Watched)
    buffers.minimal_depths(plan)
    assert refused
    assert all(Scheduler(plan).keeps_pace(depths) is None for depths in refused)
