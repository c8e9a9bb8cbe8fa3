# amaranth: UnusedElaboratable=no
"""Every buffer is as shallow as it can be: as computed no cycle is lost, one place fewer costs some.

`Scheduler` is held against the counters of `LayerModel` and against the hardware, cycle by cycle;
the depths against both conditions on many designs, in hardware on a few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from support.layer_model import model_ends
from support.plans import Layers, labels, random_graph, random_plan, vectors
from support.streaming import run_stream

from hwgen import board
from hwgen.lower.base import Buffer, Depths
from hwgen.lower.convolution import fold_convolution
from hwgen.plan import buffers
from hwgen.plan.buffers import minimal_buffers, minimal_depths, with_depths
from hwgen.plan.plan import Plan, plan_with
from hwgen.plan.schedule import Scheduler, latency
from hwgen.plan.size import size
from hwgen.rtl.pixels import PixelSerialiserConfig
from hwgen.rtl.stream import CreditFifoConfig
from hwgen.rtl.winograd2d_window_config import Winograd2dWindowConfig

SLOW = 60
"""Frames within which a design that is too slow shows it."""


def any_plan(seed: int, layers: int, side: int, **options: Any) -> Plan:
    """Layers of any kernel, stride and folding; a frame of at most `side` pixels a side, or the product of strides."""
    random = np.random.default_rng(seed)
    strides = random.choice([1, 2], layers).tolist()
    product = int(np.prod(strides))
    width, height = (product * int(random.integers(1, max(side // product, 1) + 1)) for _ in range(2))
    graph = random_graph(random, layers, strides=strides, frame=(width, height), **options)
    return random_plan(random, graph, width, height, fast=True)


def balanced_plan(seed: int, width: int, height: int) -> Plan:
    """Sized layers are about equally busy."""
    strides = [[2, 2, 1], [1, 2, 2], [2, 1, 1]][seed % 3]
    graph = random_graph(np.random.default_rng(seed), 3, largest=8, strides=strides, frame=(width, height))
    return size(graph, board.load("pynq_z2"), width, height)


def frames_until_slow(plan: Plan, chosen: Depths) -> int:
    """Number of frames, at least 4, that show that these depths cost latency or interval; 0 where they cost neither."""
    ends = Scheduler(plan).schedule(chosen, 4).ends
    if ends[0] > latency(plan) or ends[-1] - ends[-2] > plan.frame_interval:
        return 4
    ends = Scheduler(plan).schedule(chosen, SLOW).ends
    late = np.flatnonzero(np.diff(ends) > plan.frame_interval)
    return int(late[late >= 3][0]) + 2 if (late >= 3).any() else 0


def one_fewer(plan: Plan, chosen: Depths, buffer: Buffer) -> Depths | None:
    """The depths with one entry fewer in a buffer; None where the design refuses that."""
    fewer = {**chosen, buffer: chosen[buffer] - buffer.unit}
    if fewer[buffer] >= buffer.least:
        return fewer
    component: Callable[[], Any] = partial(with_depths, plan, fewer)
    if buffer.part == "pixels":
        component = PixelSerialiserConfig(3, 8, fewer[buffer]).build
    elif not buffer.node.startswith("conv"):
        component = partial(CreditFifoConfig, 8, fewer[buffer])
    with pytest.raises(ValueError, match="wanted (at least|1 or 2)"):
        component()
    return None


@pytest.mark.parametrize("seed", range(40))
def test_minimal_in_all_cycles_of_all_events(seed: int) -> None:
    """Against the recurrence: each buffer alone, in designs of 1 to 4 layers."""
    plan = any_plan(seed, 1 + seed % 4, 12) if seed % 3 else balanced_plan(seed, 16, 12)
    chosen = minimal_depths(plan)
    ends = Scheduler(plan).schedule(chosen, 5).ends
    assert ends[0] == latency(plan)
    assert ends[-1] - ends[-2] == plan.frame_interval
    for buffer in chosen:
        fewer = one_fewer(plan, chosen, buffer)
        assert fewer is None or frames_until_slow(plan, fewer), f"{buffer.label}: {chosen[buffer]} could be smaller"


@pytest.mark.parametrize("seed", range(12))
def test_flow_equals_the_counters(seed: int) -> None:
    """The end of every frame, with depths as computed and with random ones."""
    random = np.random.default_rng(seed)
    plan = any_plan(100 + seed, 1 + seed % 3, 10)
    chosen = minimal_depths(plan)
    loose = {
        buffer: int(random.integers(buffer.least // buffer.unit, buffer.enough // buffer.unit + 1)) * buffer.unit
        for buffer in Scheduler(plan).buffers
    }
    for trial in (chosen, loose):
        # The counters know neither of the gain's and the packer's FIFOs nor of a serialiser with a single place.
        known = {buffer: depth for buffer, depth in trial.items() if buffer.node.startswith("conv")}
        deep = with_depths(plan, known)
        assert Scheduler(plan).schedule(known, 4).ends == model_ends(list(deep.foldings.values()), 4)


def hardware_ends(plan: Plan, frames: int) -> list[int]:
    """The cycle of each frame's TLAST from the first accepted beat on; every symbol is compared, too."""
    beats, _, words = vectors(plan, frames, 0)
    run = run_stream(Layers(plan), beats, len(words), after=0)
    assert run.outputs == words
    return [cycle - run.input_cycles[0] for cycle, word in zip(run.output_cycles, words, strict=True) if word >> 32]


@pytest.mark.parametrize(("seed", "buffers"), [(1, 7), (2, 9), (4, 6), (6, 5), (8, 9), (10, 6)])
def test_minimal_in_hardware(seed: int, buffers: int) -> None:
    """As computed latency and interval are as predicted; one place fewer in any buffer, and one of both is longer.

    42 buffers: a ring and a FIFO of every convolution, the gain's FIFO, the packer's, the serialiser's pixels.
    """
    plan = any_plan(300 + seed, 1 + seed % 3, 8, largest=4)
    chosen = minimal_depths(plan)
    ends = hardware_ends(with_depths(plan, chosen), 4)
    assert ends == Scheduler(plan).schedule(chosen, 4).ends
    assert (ends[0], ends[-1] - ends[-2]) == (latency(plan), plan.frame_interval)
    refused = 0
    for buffer in chosen:
        fewer = one_fewer(plan, chosen, buffer)
        if fewer is None:
            refused += 1
            continue
        frames = frames_until_slow(plan, fewer)
        ends = hardware_ends(with_depths(plan, fewer), frames)
        assert ends == Scheduler(plan).schedule(fewer, frames).ends
        longer = ends[0] > latency(plan) or ends[-1] - ends[-2] > plan.frame_interval
        assert longer, f"{buffer.label}: {chosen[buffer]} could be smaller"
    assert refused < len(chosen) == buffers


@pytest.mark.parametrize("seed", [4, 8])
def test_no_deadlock(seed: int) -> None:
    """The shallowest buffers under random pauses: everything comes out, nothing else does."""
    plan = minimal_buffers(any_plan(300 + seed, 1 + seed % 3, 8, largest=4))
    beats, _, words = vectors(plan, 3, 0)
    for idle, stall in ((0.0, 0.7), (0.7, 0.0), (0.4, 0.4)):
        assert run_stream(Layers(plan), beats, len(words), idle=idle, stall=stall, seed=seed).outputs == words


def test_depths_of_a_plan() -> None:
    """The plan has the chosen depths; before, it has depths that suffice."""
    plan = any_plan(302, 3, 8, largest=4)
    assert plan.depths == {buffer.label: buffer.enough for buffer in Scheduler(plan).buffers}
    minimal = minimal_buffers(plan)
    assert minimal.depths == labels(minimal_depths(plan))
    assert minimal_buffers(minimal).configs == minimal.configs


def test_a_ring_has_as_many_rows_as_have_banks() -> None:
    """Four rows would do for a slow layer at a stride of 2, but have no banks for Winograd's products."""
    graph = random_graph(np.random.default_rng(1), 2, largest=4, strides=[2, 2], frame=(8, 8), kernels=(7,))
    plan = minimal_buffers(size(graph, board.load("pynq_z2"), 8, 8, fps=1000.0, engine="winograd2d"))
    window = plan.configs["conv1"].window
    assert isinstance(window, Winograd2dWindowConfig)
    assert (window.height, window.rows_held, window.bank_rows) == (4, 5, (1,) * 5)
    ends = hardware_ends(plan, 3)
    assert (ends[0], ends[-1] - ends[-2]) == (latency(plan), plan.frame_interval)
    with pytest.raises(ValueError, match="pixels: wanted at least the 20 that a window spans, got 16"):
        replace(window, pixels=16)


def test_bounds_that_do_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a line buffer's bound ever be too small, deeper ones are tried."""
    plan = any_plan(302, 3, 8, largest=4)

    class Small(Scheduler):
        def __init__(self, plan: Plan) -> None:
            super().__init__(plan)
            self.buffers = [replace(b, busy=b.least, enough=b.least) if b.grows else b for b in self.buffers]

        def keeps_pace(self, depths: Any, before: Any = None, smaller: Any = None) -> Any:
            known = {buffer.label: buffer for buffer in Scheduler(self.plan).buffers}
            own = {known[buffer.label]: depth for buffer, depth in depths.items()}
            return Scheduler(self.plan).keeps_pace(own, before, known[smaller.label] if smaller else None)

    small = Small(plan)
    assert small.keeps_pace({buffer: buffer.enough for buffer in small.buffers}) is None
    monkeypatch.setattr(buffers, "Scheduler", Small)
    chosen = minimal_depths(plan)
    assert small.keeps_pace(chosen)
    assert any(depth > buffer.enough for buffer, depth in chosen.items() if buffer.grows)


def test_large_frame() -> None:
    """Six layers, where a search through cycles would take long."""
    graph = random_graph(
        np.random.default_rng(3), 6, largest=16, strides=[2, 2, 1, 1, 1, 2], kernels=(3, 5), frame=(256, 128)
    )
    plan = size(graph, board.load("pynq_z2"), 256, 128)
    chosen, scheduler = minimal_depths(plan), Scheduler(plan)
    assert scheduler.keeps_pace(chosen)
    for buffer in chosen:
        fewer = one_fewer(plan, chosen, buffer)
        assert fewer is None or not scheduler.keeps_pace(fewer), f"{buffer.label}: {chosen[buffer]} could be smaller"


def test_flow_of_a_large_frame_by_hand() -> None:
    """A single 5 x 5 layer that is always busy: rows, pixels of a window, and one to hide the way back."""
    graph = random_graph(np.random.default_rng(1), 1, strides=[1], kernels=(5,), largest=1, frame=(256, 64))
    folding = fold_convolution(graph.convolutions[0], 256, 64, 1, 3, in_lanes=3)
    plan = plan_with(graph, board.load("pynq_z2"), 256, 64, {"conv0": folding})
    found = labels(minimal_depths(plan))
    assert found == {"conv0.fifo": 1, "gain.fifo": 1, "symbols.fifo": 1, "conv0.ring": 4 * 256 + 5 + 1}
