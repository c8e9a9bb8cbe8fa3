# amaranth: UnusedElaboratable=no
"""Layers by products of polynomials in a design: every frame's end to the cycle, minimal buffers."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import layer, random_dag
from support.plans import Layers, vectors
from support.streaming import run_stream

from hwgen import board
from hwgen.errors import HwgenError
from hwgen.plan.buffers import minimal_depths, with_depths
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import Scheduler
from hwgen.plan.size import size
from hwgen.rtl.polynomial_convolution import PolynomialConvolutionConfig

FRAMES = 4


def blocks_of(plan: Plan) -> dict[str, PolynomialConvolutionConfig]:
    return {name: one for name, one in plan.configs.items() if isinstance(one, PolynomialConvolutionConfig)}


def sized(seed: int, columns: int) -> Plan:
    """The first graph from that seed on that has such a layer, in frames of so many columns."""
    for trial in range(seed, seed + 1000):
        graph = random_dag(np.random.default_rng(trial), "tx", 1, (layer,), (8, columns))
        if graph.input_channels != 3:
            continue
        try:
            plan = size(graph, board.load("pynq_z2"), columns, 8, engine="polynomial")
        except HwgenError:
            continue  # a frame that its layers cannot have
        if blocks_of(plan):
            return plan
    raise AssertionError("no graph with products of polynomials")


def hardware_ends(plan: Plan) -> list[int]:
    """The cycle of each frame's TLAST from the first accepted beat on; every symbol is compared, too."""
    beats, _, words = vectors(plan, FRAMES, 0)
    run = run_stream(Layers(plan), beats, len(words))
    assert run.outputs == words
    per_frame = len(words) // FRAMES
    return [run.output_cycles[(frame + 1) * per_frame - 1] - run.input_cycles[0] for frame in range(FRAMES)]


@pytest.mark.parametrize(("seed", "columns"), [(0, 8), (100, 9), (200, 12)])
def test_every_frames_end_and_no_entry_can_be_spared(seed: int, columns: int) -> None:
    """With the shallowest buffers as fast as with any; one entry fewer: later, and in hardware as computed."""
    plan = sized(seed, columns)
    chosen, scheduler = minimal_depths(plan), Scheduler(plan)
    ends = hardware_ends(with_depths(plan, chosen))
    assert ends == scheduler.schedule(chosen, FRAMES).ends
    assert (ends[0], ends[-1] - ends[-2]) == (scheduler.latency, scheduler.interval)
    name = next(iter(blocks_of(plan)))
    own = [buffer for buffer in chosen if buffer.node == name]
    assert {buffer.part for buffer in own} == {"fifo", "second_fifo", "ring"}
    for buffer in own:
        fewer = {**chosen, buffer: chosen[buffer] - buffer.unit}
        if fewer[buffer] < buffer.least:
            continue
        assert hardware_ends(with_depths(plan, fewer)) == scheduler.schedule(fewer, FRAMES).ends
        later = scheduler.schedule(fewer, 60).ends
        late = later[0] > scheduler.latency or (np.diff(later)[3:] > scheduler.interval).any()
        assert late, f"{buffer.label}: {chosen[buffer]} could be smaller"
