# amaranth: UnusedElaboratable=no
"""Receivers, and transmitters with more than a gain: latency, interval and depths against the hardware, cycle by cycle.

Random graphs with transposed convolutions; what stands around them in every combination that a channel asks for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.layer_model import model_ends
from support.plans import EQUALISERS, Layers, labels, random_graph, random_plan, random_receiver, receiver_plan, vectors
from support.streaming import Run, run_stream, simulate

from hwgen import board
from hwgen.errors import HwgenError
from hwgen.ir.node import Node
from hwgen.ir.nodes import Alamouti, MatrixProduct, Power
from hwgen.lower.matrix_product import LOADING
from hwgen.plan.buffers import minimal_buffers, minimal_depths, with_depths
from hwgen.plan.design import Design
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import Scheduler, latency
from hwgen.plan.size import size


def run(plan: Plan, frames: int = 4, seed: int = 0, **conditions: Any) -> Run:
    """Frames back to back, their coefficients as fast as they are taken and the first frame's before its symbols."""
    beats, load, words = vectors(plan, frames, seed)
    dut = Layers(plan)
    if not load:
        done = run_stream(dut, beats, len(words), seed=seed, **conditions)
        assert done.outputs == words
        return done
    random = np.random.default_rng(seed)
    idle, stall = conditions.get("idle", 0.0), conditions.get("stall", 0.0)
    done = Run([], [], [])

    async def bench(ctx: Any) -> None:
        sent = given = cycle = quiet = 0
        offered = loading = False
        while quiet < 60:
            loading = given < len(load) and (loading or random.random() >= idle)
            offered = given >= plan.graph.coefficient_words and sent < len(beats) and (
                offered or random.random() >= idle
            )
            ctx.set(dut.c.valid, loading)
            ctx.set(dut.c.payload, load[min(given, len(load) - 1)])
            ctx.set(dut.i.valid, offered)
            ctx.set(dut.i.payload, beats[min(sent, len(beats) - 1)])
            ctx.set(dut.o.ready, random.random() >= stall)
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                done.outputs.append(ctx.get(dut.o.payload))
                done.output_cycles.append(cycle)
            if offered and ctx.get(dut.i.ready):
                done.input_cycles.append(cycle)
                sent, offered = sent + 1, False
            if loading and ctx.get(dut.c.ready):
                given, loading = given + 1, False
            quiet += len(done.outputs) >= len(words)
            cycle += 1
            assert cycle < 100_000
            await ctx.tick()

    simulate(dut, bench)
    assert done.outputs == words
    return done


def check_cycles(plan: Plan, frames: int = 4) -> None:
    """Latency and interval as predicted."""
    done = run(plan, frames)
    per_frame = len(done.outputs) // frames
    ends = [done.output_cycles[(frame + 1) * per_frame - 1] - done.input_cycles[0] for frame in range(frames)]
    assert (ends[0], ends[-1] - ends[-2]) == (latency(plan), plan.frame_interval)


STRIDES = [[2], [1, 2], [2, 2], [2, 1], [1, 1], [2, 1, 2]]


@pytest.mark.parametrize("seed", range(12))
def test_receivers(seed: int) -> None:
    """Every pixel, every TLAST, latency and interval to the cycle; with ample and with minimal buffers."""
    random = np.random.default_rng(seed)
    strides = STRIDES[seed % len(STRIDES)]
    graph = random_receiver(random, strides, channels=1 + seed % 3, coarse=seed % 3 == 1, table=seed % 4 == 3)
    plan = receiver_plan(random, graph)
    check_cycles(plan if seed % 2 else minimal_buffers(plan))


@pytest.mark.parametrize("equaliser", EQUALISERS)
@pytest.mark.parametrize("seed", range(3))
def test_equalisers(equaliser: str, seed: int) -> None:
    random = np.random.default_rng(50 + seed)
    latent = [(4, 2), (2, 2), (4, 3)][seed]  # 4, 2 and 6 symbols a frame with one channel
    strides = [[2], [1, 2], [1, 1]][seed]
    graph = random_receiver(random, strides, latent=latent, channels=1, largest=3, equaliser=equaliser)
    check_cycles(minimal_buffers(receiver_plan(random, graph)))


@pytest.mark.parametrize(("idle", "stall"), [(0.0, 0.6), (0.6, 0.0), (0.3, 0.3)])
@pytest.mark.parametrize("equaliser", ["none", "svd", "alamouti"])
def test_receivers_idle_and_stall(equaliser: str, idle: float, stall: float) -> None:
    random = np.random.default_rng(7)
    graph = random_receiver(random, [1, 2], channels=2, latent=(4, 2), equaliser=equaliser, table=True)
    run(minimal_buffers(receiver_plan(random, graph)), seed=3, idle=idle, stall=stall)


@pytest.mark.parametrize("seed", range(24))
def test_formulas_equal_the_counters(seed: int) -> None:
    """Against a model that steps cycle by cycle, whose windows come from their taps."""
    random = np.random.default_rng(200 + seed)
    strides = STRIDES[seed % len(STRIDES)]
    latent = (int(random.integers(1, 6)), int(random.integers(1, 5)))
    graph = random_receiver(random, strides, channels=int(random.integers(1, 4)), latent=latent)
    plan = receiver_plan(random, graph)
    chosen = minimal_depths(plan)
    for trial in (minimal_buffers(plan), plan):
        ends = model_ends(list(trial.foldings.values()), 4, head=5, tail=3)
        assert ends == Scheduler(plan).schedule({} if trial is plan else chosen, 4).ends
        assert (ends[0], ends[-1] - ends[-2]) == (latency(plan), plan.frame_interval)


@pytest.mark.parametrize("seed", range(16))
def test_minimal_depths(seed: int) -> None:
    """One place fewer in any ring or FIFO whose depth is chosen costs a cycle of latency or interval."""
    random = np.random.default_rng(300 + seed)
    graph = random_receiver(random, STRIDES[seed % len(STRIDES)], channels=2, latent=(4, 3))
    plan = receiver_plan(random, graph)
    chosen = minimal_depths(plan)
    assert set(labels(chosen)) == {f"{n.name}.{k}" for n in graph.convolutions for k in ("ring", "fifo")}
    for buffer in chosen:
        fewer = {**chosen, buffer: chosen[buffer] - buffer.unit}
        if fewer[buffer] < buffer.least:
            with pytest.raises(ValueError, match="wanted at least"):
                with_depths(plan, fewer)
            continue
        ends = Scheduler(plan).schedule(fewer, 60).ends
        late = ends[0] > latency(plan) or (np.diff(ends)[3:] > plan.frame_interval).any()
        assert late, f"{buffer.label}: {chosen[buffer]} could be smaller"


def transmitter(seed: int, *behind: Node, power: bool = False, frame: tuple[int, int] = (4, 4)) -> Plan:
    """A random transmitter with these nodes behind it, a power normalisation in the gain's place."""
    random = np.random.default_rng(400 + seed)
    graph = random_graph(random, 2, largest=4, strides=[2, 1], kernels=(1, 3), frame=frame)
    *layers, gain = graph.nodes
    own: Node = Power("power", gain.channels, 65536, gain.input) if power else gain  # type: ignore[union-attr]
    even = (graph.convolutions[-1].out_channels * frame[0] * frame[1] // 4 + 1) // 2 % 2 == 0
    if behind and not even:
        return transmitter(seed + 1000, *behind, power=power, frame=frame)
    graph = replace(graph, nodes=(*layers, own, *behind), inputs={})
    return random_plan(random, graph, *frame, fast=True)


PRECODER = MatrixProduct("precoder", 2, 2, (False, False))
BEHIND: list[tuple[bool, tuple[Node, ...]]] = [
    (True, ()), (False, (PRECODER,)), (True, (PRECODER,)), (False, (Alamouti("alamouti"),)),
    (True, (Alamouti("alamouti"),)),
]  # fmt: skip


@pytest.mark.parametrize(("power", "behind"), BEHIND)
@pytest.mark.parametrize("seed", range(2))
def test_transmitters(power: bool, behind: tuple[Node, ...], seed: int) -> None:
    """Symbols, TLAST, latency and interval with a frame's power and with what a channel asks for."""
    check_cycles(minimal_buffers(transmitter(seed, *behind, power=power, frame=(8, 4))))


def test_buffers_of_the_ends() -> None:
    """Buffers whose depths are not chosen are in `depths`, too, in the order of the data."""
    random = np.random.default_rng(1)
    graph = random_receiver(random, [1, 2], table=True, equaliser="svd")
    names = ["equaliser.fifo", "symbols", "received.fifo", "deconv0.ring", "deconv0.fifo", "deconv1.ring",
             "deconv1.fifo", "sigmoid.fifo", "pixels.fifo"]  # fmt: skip
    assert list(receiver_plan(random, graph).depths) == names
    plan = transmitter(0, PRECODER, power=True)
    assert list(plan.depths)[-4:] == ["power.ring", "power.fifo", "symbols.fifo", "precoder.fifo"]
    assert plan.depths["power.ring"] > graph_values(plan)


def graph_values(plan: Plan) -> int:
    rows, columns, channels = plan.graph.shapes(plan.width, plan.height)["power"]
    return rows * columns * channels


def test_a_receiver_is_sized() -> None:
    """The shortest interval, whose busiest layer nothing else exceeds; its first layer takes values one by one."""
    graph = random_receiver(np.random.default_rng(3), [1, 2, 2], latent=(6, 4), channels=4)
    plan = size(graph, board.load("pynq_z2"), *graph.frame)
    assert next(iter(plan.foldings.values())).in_lanes == 1
    assert list(plan.foldings.values())[-1].out_lanes == 1
    busiest = max(config.cycles for config in plan.foldings.values())
    assert plan.frame_interval == busiest >= 3 * plan.width * plan.height
    check_cycles(minimal_buffers(plan), 3)


def test_forms_of_an_equaliser() -> None:
    """The fewest DSPs: three multiplications; where a rate is asked for whichever leaves the board more."""
    graph = random_receiver(np.random.default_rng(3), [2], latent=(6, 4), channels=2, equaliser="svd")
    target = board.load("pynq_z2")
    assert size(graph, target, *graph.frame).configs["equaliser"] == "three"
    many = target.resources.model_copy(update={"dsp": 100_000, "ff": 1_000_000, "bram36": 1000})
    large = size(graph, target.model_copy(update={"resources": many}), *graph.frame, fps=1000)
    assert large.configs["equaliser"] == "four"


def test_frames_shorter_than_their_coefficients_are_refused() -> None:
    graph = random_receiver(np.random.default_rng(1), [1], latent=(1, 1), channels=4, equaliser="alamouti")
    assert Design(graph, board.load("kv260"), *graph.frame).least_frame_cycles == 8 + LOADING
    message = "--frame: wanted frames of at least 12 cycles, .* 8 words .*, got 1x1, of 4 cycles"
    with pytest.raises(HwgenError, match=message):
        size(graph, board.load("kv260"), *graph.frame)
