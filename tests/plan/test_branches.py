# amaranth: UnusedElaboratable=no
"""Graphs with branches: every symbol, latency, interval and the cycle of every frame's end, against the hardware."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import (
    branches,
    depthwise,
    down,
    grouped,
    layer,
    random_dag,
    residual,
    table,
    twice,
    u_shape,
    up,
    wide_kernel,
    windows,
)
from support.plans import Layers, vectors
from support.streaming import run_stream

from hwgen import board
from hwgen.errors import HwgenError
from hwgen.lower import NOT_IN_HARDWARE
from hwgen.plan.buffers import minimal_depths, with_depths
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import Scheduler
from hwgen.plan.size import size

FRAMES = 4
SLOW = 60
"""Frames within which a design that is too slow shows it."""
KINDS = {"residual": (residual,), "twice": (twice,), "branches": (branches,),
         "u_shape": (u_shape,), "down_and_up": (down, up), "wide": (wide_kernel,),
         "depthwise": (depthwise,), "grouped": (grouped,),
         "windows": (windows,),
         "all": (layer, residual, twice, branches, table)}  # fmt: skip


def sized(kinds: str, seed: int, blocks: int = 1) -> Plan:
    """The first graph from that seed on whose convolutions the engine computes, sized for 8x8 frames."""
    for trial in range(seed, seed + 1000):
        graph = random_dag(np.random.default_rng(trial), "tx", blocks, KINDS[kinds], (8, 8))
        if graph.input_channels == 3 and not any(isinstance(node, NOT_IN_HARDWARE) for node in graph.nodes):
            try:
                return size(graph, board.load("pynq_z2"), 8, 8)
            except HwgenError as error:
                # Any other refusal is a fault.
                assert "in hardware" in error.wanted or "multiple" in error.wanted  # noqa: PT017
    raise AssertionError("no graph that hardware computes")


def hardware_ends(plan: Plan, idle: float = 0.0, stall: float = 0.0) -> list[int]:
    """The cycle of each frame's TLAST from the first accepted beat on; every symbol is compared, too."""
    beats, _, words = vectors(plan, FRAMES, 0)
    run = run_stream(Layers(plan), beats, len(words), idle=idle, stall=stall)
    assert run.outputs == words
    per_frame = len(words) // FRAMES
    return [run.output_cycles[(frame + 1) * per_frame - 1] - run.input_cycles[0] for frame in range(FRAMES)]


@pytest.mark.parametrize(("kinds", "seed"), [("residual", 1), ("residual", 100), ("twice", 1), ("branches", 1),
                                             ("u_shape", 1), ("down_and_up", 1), ("down_and_up", 50), ("wide", 1),
                                             ("depthwise", 1), ("depthwise", 40), ("grouped", 1), ("grouped", 40),
                                             ("windows", 1), ("windows", 2), ("windows", 50),
                                             ("all", 2), ("all", 300)])  # fmt: skip
def test_branches(kinds: str, seed: int) -> None:
    """With the shallowest buffers everything is as fast as with any."""
    plan = sized(kinds, seed, 3 if kinds == "all" else 1)
    chosen = minimal_depths(plan)
    scheduler = Scheduler(plan)
    ends = hardware_ends(with_depths(plan, chosen))
    assert ends == scheduler.schedule(chosen, FRAMES).ends
    assert (ends[0], ends[-1] - ends[-2]) == (scheduler.latency, scheduler.interval)


@pytest.mark.parametrize(("idle", "stall"), [(0.0, 0.6), (0.6, 0.0), (0.4, 0.4)])
def test_branches_idle_and_stall(idle: float, stall: float) -> None:
    plan = sized("residual", 1)
    hardware_ends(with_depths(plan, minimal_depths(plan)), idle, stall)


@pytest.mark.parametrize(("kinds", "seed"), [("residual", 1), ("branches", 1)])
def test_a_skip_holds_what_it_must(kinds: str, seed: int) -> None:
    """One beat fewer in a fork's FIFO costs latency or interval, as computed and in hardware."""
    plan = sized(kinds, seed)
    chosen = minimal_depths(plan)
    scheduler = Scheduler(plan)
    of_forks = [buffer for buffer in chosen if buffer.part.startswith("fifo") and buffer.part != "fifo"]
    assert of_forks
    for buffer in of_forks:
        fewer = {**chosen, buffer: chosen[buffer] - 1}
        if fewer[buffer] < buffer.least:
            continue
        computed = scheduler.schedule(fewer, FRAMES).ends
        assert hardware_ends(with_depths(plan, fewer)) == computed
        ends = scheduler.schedule(fewer, SLOW).ends
        late = ends[0] > scheduler.latency or (np.diff(ends)[3:] > scheduler.interval).any()
        assert late, f"{buffer.label}: {chosen[buffer]} could be smaller"
