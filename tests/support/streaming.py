"""Drive components in Amaranth's simulator: streams with an idle source and a stalling sink, or any bench."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth import ClockDomain, Module
from amaranth.sim import Simulator


@dataclass
class Run:
    """The result of a run: the beats, the cycle of each accepted input beat and of each output beat."""

    outputs: list
    input_cycles: list[int]
    output_cycles: list[int]


def run_stream(
    dut, inputs: Sequence, outputs: int, *, idle: float = 0.0, stall: float = 0.0, seed: int = 0, after: int = 100,
    limit: int = 200_000,
) -> Run:
    """Feed `inputs` into dut.i, take `outputs` beats from dut.o, then watch `after` cycles for a surplus one.

    idle, stall : probability that the source / sink pauses in a cycle. A payload that changes while it waits, or a
    valid that is taken back, fails the run. With either, everything happens after a reset amid other traffic.
    """
    random = np.random.default_rng(seed)
    run = Run([], [], [])

    async def bench(ctx):  # type: ignore[no-untyped-def]
        if idle or stall:
            await interrupted(ctx, [dut.i], [dut.o], [inputs], seed)
        cycle, sent, waiting, surplus = 0, 0, None, 0
        offered = False
        while len(run.outputs) < outputs or surplus < after:
            offered = sent < len(inputs) and (offered or random.random() >= idle)
            ctx.set(dut.i.valid, offered)
            if offered:
                ctx.set(dut.i.payload, inputs[sent])
            ctx.set(dut.o.ready, random.random() >= stall)
            accepted = offered and ctx.get(dut.i.ready)
            valid, ready, payload = ctx.get(dut.o.valid), ctx.get(dut.o.ready), ctx.get(dut.o.payload)
            if waiting is not None:
                assert valid and payload == waiting[0], "payload changed or valid fell while the beat waited"
            waiting = (payload,) if valid and not ready else None
            if valid and ready:
                assert len(run.outputs) < outputs, f"a surplus beat in cycle {cycle}: {payload}"
                run.outputs.append(payload)
                run.output_cycles.append(cycle)
            if len(run.outputs) == outputs:
                surplus += 1
            if accepted:
                run.input_cycles.append(cycle)
                sent += 1
                offered = False
            cycle += 1
            assert cycle < limit, f"only {len(run.outputs)} of {outputs} beats in {limit} cycles"
            await ctx.tick()

    simulate(dut, bench)
    return run


RESET = ClockDomain("sync")
"""The clock domain of what is simulated, whose reset a bench may set."""


def simulate(dut: Any, bench: Callable[[Any], Awaitable[None]], clock: bool = True) -> None:
    """Run a test bench on a component, one with a clock unless it has no registers."""
    top = Module()
    top.submodules.dut = dut
    if clock:
        top.domains.sync = RESET
    simulator = Simulator(top)
    if clock:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


async def interrupted(
    ctx: Any, sources: Sequence[Any], sinks: Sequence[Any], inputs: Sequence[Sequence[int]], seed: int
) -> None:
    """A piece of traffic with pauses on all sides, cut off anywhere by a reset of one cycle.

    The beats are `inputs` from anywhere on, so that a component is left with any state: what it keeps over a reset
    shows in the results after it.
    """
    random = np.random.default_rng([seed, 1])
    position = [int(random.integers(len(beats))) if len(beats) else 0 for beats in inputs]
    offered = [False] * len(sources)
    for _ in range(int(random.integers(1, 2 + 2 * max((len(beats) for beats in inputs), default=0)))):
        for n, source in enumerate(sources):
            offered[n] = bool(len(inputs[n])) and (offered[n] or random.random() < 0.8)
            ctx.set(source.valid, offered[n])
            if offered[n]:
                ctx.set(source.payload, inputs[n][position[n] % len(inputs[n])])
        for sink in sinks:
            ctx.set(sink.ready, random.random() < 0.7)
        for n, source in enumerate(sources):
            if offered[n] and ctx.get(source.ready):
                position[n] += 1
                offered[n] = False
        await ctx.tick()
    for source in sources:
        ctx.set(source.valid, 0)
    ctx.set(RESET.rst, 1)
    await ctx.tick()
    ctx.set(RESET.rst, 0)


def stream_rules(
    dut: Any, inputs: Sequence, outputs: int, *, seed: int = 0, stall: float = 0.4, limit: int = 20_000
) -> int:
    """Check in every cycle that `o.ready` reaches neither `i.ready`, `o.valid` nor `o.payload` before the clock edge.

    `o.ready` is toggled inside the cycle: what follows it without a register would change at once. Returns in how
    many cycles `i.ready` was low, so that a test can tell that back-pressure was there.
    """
    random = np.random.default_rng(seed)
    refused = 0

    async def bench(ctx: Any) -> None:
        nonlocal refused
        sent = received = cycle = 0
        while received < outputs:
            offered = sent < len(inputs)
            ctx.set(dut.i.valid, offered)
            if offered:
                ctx.set(dut.i.payload, inputs[sent])
            seen = []
            last = random.random() >= stall
            for ready in (not last, last):
                ctx.set(dut.o.ready, ready)
                seen.append((ctx.get(dut.i.ready), ctx.get(dut.o.valid), ctx.get(dut.o.payload)))
            assert seen[0] == seen[1], f"cycle {cycle}: o.ready reaches an output without a register"
            ready, valid, _ = seen[1]
            refused += not ready
            sent += offered and ready
            received += valid and last
            cycle += 1
            assert cycle < limit, f"only {received} of {outputs} beats in {limit} cycles"
            await ctx.tick()

    simulate(dut, bench)
    return refused


def pack_beats(pixels: np.ndarray, lanes: int, bits: int, seed: int = 0) -> list[int]:
    """(..., channels) integers as beats of `lanes` values; what a pixel's last beat has too many is random."""
    channels = pixels.shape[-1]
    beats = -(-channels // lanes)
    flat = pixels.reshape(-1, channels)
    padded = np.random.default_rng(seed).integers(0, 1 << bits, (len(flat), beats * lanes))
    padded[:, :channels] = flat
    mask = (1 << bits) - 1
    return [
        sum((value & mask) << place * bits for place, value in enumerate(beat))
        for beat in padded.reshape(-1, lanes).tolist()
    ]


def unpack_beats(beats: Sequence[int], channels: int, lanes: int, bits: int, signed: bool) -> list[int]:
    """The values of whole pixels' beats, padding left out."""
    raw = np.array([[beat >> place * bits & (1 << bits) - 1 for place in range(lanes)] for beat in beats])
    values = raw.reshape(-1, -(-channels // lanes) * lanes)[:, :channels].reshape(-1)
    return (values - ((values >> (bits - 1)) << bits) if signed else values).tolist()


@dataclass
class PortsRun:
    """The result of a run with several outputs: the beats of each, the cycle of each input beat and output beat."""

    outputs: list[list[int]]
    input_cycles: list[list[int]]
    output_cycles: list[list[int]]


def run_ports(
    dut: Any, inputs: Sequence[Sequence[int]], outputs: Sequence[int], *, idle: float = 0.0, stall: float = 0.0,
    seed: int = 0, after: int = 60, limit: int = 200_000, start: Sequence[int] = (), probe: bool = False,
) -> PortsRun:
    """`run_stream` for streams dut.i and dut.o that may be sequences: each port idles and stalls by itself.

    outputs : beats wanted of each output
    start : cycle from which each output is ready, 0 where it is left out
    probe : also check that no output's ready reaches an input's ready, or an output, before the clock edge
    """
    random = np.random.default_rng(seed)
    sources = [dut.i] if hasattr(dut.i, "payload") else [dut.i[n] for n in range(len(inputs))]
    sinks = [dut.o] if hasattr(dut.o, "payload") else [dut.o[n] for n in range(len(outputs))]
    begin = [*start, *([0] * (len(sinks) - len(start)))]
    run = PortsRun([[] for _ in sinks], [[] for _ in sources], [[] for _ in sinks])

    async def bench(ctx: Any) -> None:
        if idle or stall:
            await interrupted(ctx, sources, sinks, inputs, seed)
        offered = [False] * len(sources)
        waiting: list[int | None] = [None] * len(sinks)
        cycle = surplus = 0
        while surplus < after:
            for n, source in enumerate(sources):
                sent = len(run.input_cycles[n])
                offered[n] = sent < len(inputs[n]) and (offered[n] or random.random() >= idle)
                ctx.set(source.valid, offered[n])
                if offered[n]:
                    ctx.set(source.payload, inputs[n][sent])
            ready = [cycle >= begin[n] and bool(random.random() >= stall) for n in range(len(sinks))]
            seen = []
            for flip in (True, False) if probe else (False,):
                for sink, is_ready in zip(sinks, ready, strict=True):
                    ctx.set(sink.ready, is_ready != flip)
                seen.append([ctx.get(source.ready) for source in sources]
                            + [ctx.get(each) for sink in sinks for each in (sink.valid, sink.payload)])  # fmt: skip
            assert seen[0] == seen[-1], f"cycle {cycle}: o.ready reaches a port without a register"
            for n, sink in enumerate(sinks):
                valid, payload = ctx.get(sink.valid), ctx.get(sink.payload)
                if waiting[n] is not None:
                    assert valid and payload == waiting[n], f"output {n}: a waiting beat changed"
                waiting[n] = payload if valid and not ready[n] else None
                if valid and ready[n]:
                    assert len(run.outputs[n]) < outputs[n], f"a surplus beat of output {n} in cycle {cycle}: {payload}"
                    run.outputs[n].append(payload)
                    run.output_cycles[n].append(cycle)
            for n, source in enumerate(sources):
                if offered[n] and ctx.get(source.ready):
                    run.input_cycles[n].append(cycle)
                    offered[n] = False
            surplus += [len(found) for found in run.outputs] == list(outputs)
            cycle += 1
            assert cycle < limit, f"only {[len(found) for found in run.outputs]} of {outputs} beats in {limit} cycles"
            await ctx.tick()

    simulate(dut, bench)
    return run
