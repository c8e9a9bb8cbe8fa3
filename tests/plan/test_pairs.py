# amaranth: UnusedElaboratable=no
"""Layers that compute two output columns at a time, in a design: every frame's end to the cycle, minimal buffers."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import depthwise_of_any_kernel, layer, random_dag
from support.plans import Layers, vectors
from support.streaming import run_stream

from hwgen import board
from hwgen.errors import HwgenError
from hwgen.plan.buffers import minimal_depths, with_depths
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import Scheduler
from hwgen.plan.size import size
from hwgen.rtl.pair_convolution import PairConvolutionConfig

FRAMES = 4


def pairs_of(plan: Plan) -> dict[str, PairConvolutionConfig]:
    return {name: one for name, one in plan.configs.items() if isinstance(one, PairConvolutionConfig)}


def sized(seed: int, columns: int, before: bool = False) -> Plan:
    """The first graph from that seed on that has a layer of pairs, in frames of so many columns."""
    kinds = (layer, depthwise_of_any_kernel) if before else (depthwise_of_any_kernel,)
    for trial in range(seed, seed + 1000):
        graph = random_dag(np.random.default_rng(trial), "tx", 3 if before else 1, kinds, (8, columns))
        if graph.input_channels != 3:
            continue
        try:
            plan = size(graph, board.load("pynq_z2"), columns, 8)
        except HwgenError:
            continue  # a frame that its layers cannot have
        if pairs_of(plan):
            return plan
    raise AssertionError("no graph with pairs")


def hardware_ends(plan: Plan, idle: float = 0.0, stall: float = 0.0) -> list[int]:
    """The cycle of each frame's TLAST from the first accepted beat on; every symbol is compared, too."""
    beats, _, words = vectors(plan, FRAMES, 0)
    run = run_stream(Layers(plan), beats, len(words), idle=idle, stall=stall)
    assert run.outputs == words
    per_frame = len(words) // FRAMES
    return [run.output_cycles[(frame + 1) * per_frame - 1] - run.input_cycles[0] for frame in range(FRAMES)]


@pytest.mark.parametrize(("seed", "columns", "before"), [(0, 8, False), (10, 9, False), (20, 8, False), (30, 9, False),
                                                         (40, 12, True), (50, 9, True)])  # fmt: skip
def test_every_frames_end(seed: int, columns: int, before: bool) -> None:
    """With the shallowest buffers as fast as with any, odd rows too."""
    plan = sized(seed, columns, before)
    chosen, scheduler = minimal_depths(plan), Scheduler(plan)
    ends = hardware_ends(with_depths(plan, chosen))
    assert ends == scheduler.schedule(chosen, FRAMES).ends
    assert (ends[0], ends[-1] - ends[-2]) == (scheduler.latency, scheduler.interval)


@pytest.mark.parametrize(("idle", "stall"), [(0.0, 0.6), (0.6, 0.0), (0.4, 0.4)])
def test_idle_and_stall(idle: float, stall: float) -> None:
    plan = sized(60, 9)
    hardware_ends(with_depths(plan, minimal_depths(plan)), idle, stall)


@pytest.mark.parametrize(("seed", "columns"), [(0, 8), (10, 9)])
def test_no_entry_can_be_spared(seed: int, columns: int) -> None:
    """One entry fewer in either FIFO or a row of the line buffer: later, and in hardware as computed."""
    plan = sized(seed, columns)
    chosen, scheduler = minimal_depths(plan), Scheduler(plan)
    name = next(iter(pairs_of(plan)))
    own = [buffer for buffer in chosen if buffer.node == name]
    assert {buffer.part for buffer in own} == {"fifo", "second_fifo", "ring"}
    for buffer in own:
        fewer = {**chosen, buffer: chosen[buffer] - buffer.unit}
        if fewer[buffer] < buffer.least:
            continue
        assert hardware_ends(with_depths(plan, fewer)) == scheduler.schedule(fewer, FRAMES).ends
        ends = scheduler.schedule(fewer, 60).ends
        late = ends[0] > scheduler.latency or (np.diff(ends)[3:] > scheduler.interval).any()
        assert late, f"{buffer.label}: {chosen[buffer]} could be smaller"
