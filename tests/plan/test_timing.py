# amaranth: UnusedElaboratable=no
"""Interval and latency: the formulas against a model that steps cycle by cycle, and against whole transmitters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.layer_model import GAIN_AND_SYMBOLS, model_ends
from support.plans import Layers, random_graph, random_plan, small_plan, vectors
from support.streaming import Run, run_stream, stream_rules

from hwgen import board
from hwgen.lower.convolution import fold_convolution
from hwgen.plan.plan import Plan, plan_with
from hwgen.plan.schedule import latency
from hwgen.plan.size import size


def check_model(plan: Plan, frames: int = 4) -> None:
    ends = model_ends(list(plan.foldings.values()), frames)
    assert ends[0] == latency(plan)
    assert ends[-1] - ends[-2] == plan.frame_interval


@pytest.mark.parametrize("seed", range(40))
def test_formulas_equal_the_model(seed: int) -> None:
    random = np.random.default_rng(seed)
    layers = int(random.integers(1, 5))
    strides = random.choice([1, 2], layers).tolist()
    product = int(np.prod(strides))
    width, height = (product * int(random.integers(1, 12 // product + 2)) for _ in range(2))
    graph = random_graph(random, layers, strides=strides, frame=(width, height))
    check_model(random_plan(random, graph, width, height, fast=True))


@pytest.mark.parametrize("seed", range(12))
def test_formulas_equal_the_model_for_sized_plans(seed: int) -> None:
    """Sized layers are about equally busy: where one that comes in bursts could hold back another."""
    random = np.random.default_rng(100 + seed)
    graph = random_graph(random, 3, largest=10, strides=[[2, 2, 1], [1, 2, 2], [2, 1, 1]][seed % 3], frame=(24, 20))
    check_model(size(graph, board.load("pynq_z2"), 24, 20))


def test_layer_cycles() -> None:
    """The multipliers, the beats that come in: the busiest counts (never the beats that go out)."""
    random = np.random.default_rng(0)
    graph = random_graph(random, 1, strides=[2], kernels=(1,), largest=1)
    (node,) = graph.convolutions
    whole, single = fold_convolution(node, 8, 6, 1, 3, in_lanes=3), fold_convolution(node, 8, 6, 1, 1)
    assert (whole.compute_cycles, single.compute_cycles) == (12, 36)
    assert whole.cycles == 8 * 6  # one beat a pixel
    assert single.cycles == 3 * 8 * 6
    slow = fold_convolution(random_graph(random, 1, strides=[1], kernels=(3,)).convolutions[0], 8, 6, 1, 1)
    assert slow.cycles == slow.compute_cycles >= slow.out_channels * 8 * 6


def test_latency_of_one_pixel_by_hand() -> None:
    """1x1 frame, 1x1 kernel, whole pixels in: every stage's cycles added up."""
    graph = random_graph(np.random.default_rng(3), 1, strides=[1], kernels=(1,), largest=1, frame=(1, 1))
    (node,) = graph.convolutions
    plan = plan_with(graph, board.load("pynq_z2"), 1, 1, {"conv0": fold_convolution(node, 1, 1, 1, 3, in_lanes=3)})
    written, word, products, chain, accumulate, sums, fifo = 1, 3, 1, 3, 1, 1, 2
    requantise = 7 if node.activation == "prelu" else 5
    expected = written + word + products + chain + accumulate + sums + requantise + fifo + GAIN_AND_SYMBOLS
    assert latency(plan) == expected
    assert plan.frame_interval == 1


def check_transmitter(plan: Plan, frames: int = 3, seed: int = 0, **conditions: Any) -> Run:
    beats, _, words = vectors(plan, frames, seed)
    run = run_stream(Layers(plan), beats, len(words), seed=seed, **conditions)
    assert run.outputs == words
    return run


@pytest.mark.parametrize("seed", range(8))
def test_transmitters(seed: int) -> None:
    """Three frames back to back: every symbol, every TLAST, and the predicted latency and interval to the cycle."""
    plan = small_plan(seed)
    run = check_transmitter(plan)
    per_frame = len(run.outputs) // 3
    assert run.output_cycles[per_frame - 1] - run.input_cycles[0] == latency(plan)
    assert run.output_cycles[-1] - run.output_cycles[-1 - per_frame] == plan.frame_interval


@pytest.mark.parametrize(("idle", "stall"), [(0.0, 0.6), (0.6, 0.0), (0.3, 0.3)])
def test_transmitter_idle_and_stall(idle: float, stall: float) -> None:
    check_transmitter(small_plan(4), seed=1, idle=idle, stall=stall)


def test_transmitter_keeps_the_stream_rules() -> None:
    plan = small_plan(1)
    beats, _, words = vectors(plan, 3, 0)
    assert stream_rules(Layers(plan), beats, len(words), stall=0.8) > 0


@pytest.mark.parametrize("bits", [2, 8])
def test_transmitter_of_a_single_value(bits: int) -> None:
    """A frame of one pixel and one latent value: an odd last Q, TLAST on every beat."""
    graph = random_graph(np.random.default_rng(bits), 1, strides=[1], kernels=(3,), largest=1, frame=(1, 1))
    plan = size(graph, board.load("pynq_z2"), 1, 1)
    run = check_transmitter(plan, 5)
    assert all(word >> 32 == 1 and word >> 16 & 0xFFFF == 0 for word in run.outputs)
    assert run.output_cycles[0] - run.input_cycles[0] == latency(plan)
