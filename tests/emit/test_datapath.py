# amaranth: UnusedElaboratable=no
"""The whole datapath: its AXI4-Stream top, its reset, the names of its layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Fragment, Module, ResetInserter, Signal
from amaranth.sim import Simulator
from support.plans import Layers, random_receiver, receiver_plan, small_plan, vectors
from support.streaming import simulate

from hwgen.emit.datapath import Top, add_components
from hwgen.emit.ports import ports
from hwgen.plan.plan import Plan
from hwgen.plan.schedule import latency
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.input_framing import InputFraming
from hwgen.rtl.pixels import PixelPacker, PixelSerialiser
from hwgen.rtl.symbols import SymbolPacker, SymbolUnpacker


def run_axi(
    plan: Plan, beats: list[int], count: int, coefficients: list[int] | None = None, use_tlast: int = 1,
    frames: int = 2, errors: int = 0,
) -> list[tuple[int, int]]:
    """Drive the top by its own clock and reset pins; (tdata, tlast) of `count` beats, then 50 cycles of silence.

    frames : of equal length on either input, with TLAST unless that is not used
    errors : that the design must have counted
    """
    dut = Top(plan)
    words: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        async def cycle() -> None:
            ctx.set(dut.aclk, 1)
            await ctx.delay(5e-9)
            ctx.set(dut.aclk, 0)
            await ctx.delay(5e-9)

        def last(place: int, of: list[int]) -> int:
            return use_tlast and (place + 1) % (len(of) // frames) == 0

        ctx.set(dut.use_tlast, use_tlast)
        ctx.set(dut.aresetn, 0)
        await cycle()
        ctx.set(dut.aresetn, 1)
        sent = given = quiet = cycles = 0
        while quiet < 50:
            ctx.set(dut.s_axis_tvalid, sent < len(beats))
            ctx.set(dut.s_axis_tdata, beats[min(sent, len(beats) - 1)])
            ctx.set(dut.s_axis_tlast, last(sent, beats))
            ctx.set(dut.m_axis_tready, 1)
            if coefficients:
                ctx.set(dut.s_coef_tvalid, given < len(coefficients))
                ctx.set(dut.s_coef_tdata, coefficients[min(given, len(coefficients) - 1)])
                ctx.set(dut.s_coef_tlast, last(given, coefficients))
                given += ctx.get(dut.s_coef_tvalid) and ctx.get(dut.s_coef_tready)
            sent += ctx.get(dut.s_axis_tvalid) and ctx.get(dut.s_axis_tready)
            if ctx.get(dut.m_axis_tvalid):
                words.append((ctx.get(dut.m_axis_tdata), ctx.get(dut.m_axis_tlast)))
            quiet += len(words) >= count
            cycles += 1
            assert cycles < 20_000
            await cycle()
        assert ctx.get(dut.frame_errors) == errors

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
    return words


@pytest.mark.parametrize("use_tlast", [1, 0])
def test_axi_top(use_tlast: int) -> None:
    """R, G, B from bit 0 up; I low, Q high; TLAST on a frame's last word, nothing surplus; with TLAST and by count."""
    plan = small_plan(1)
    beats, _, words = vectors(plan, 2, 3)
    expected = [(word & 0xFFFF_FFFF, word >> 32) for word in words]
    assert run_axi(plan, beats, len(words), use_tlast=use_tlast) == expected
    # A TLAST that never comes: two frames are one that is too long, and its second half is dropped.
    if use_tlast:
        assert run_axi(plan, beats, len(words) // 2, frames=1, errors=1) == expected[: len(words) // 2]


@pytest.mark.parametrize("use_tlast", [1, 0])
@pytest.mark.parametrize("equaliser", ["none", "svd"])
def test_axi_top_of_a_receiver(equaliser: str, use_tlast: int) -> None:
    """Symbols in, pixels out, TLAST on a frame's last; coefficients by a stream of their own."""
    random = np.random.default_rng(2)
    graph = random_receiver(random, [1, 2], latent=(4, 2), equaliser=equaliser)
    plan = receiver_plan(random, graph)
    beats, load, words = vectors(plan, 2, 3)
    names = [port.name for port in ports(plan.design.hardware)]
    assert bool(load) == (equaliser != "none") == ("s_coef_tdata" in names)
    found = run_axi(plan, beats, len(words), load, use_tlast)
    assert found == [(word & 0xFF_FFFF, word >> 24) for word in words]


def test_components_of_a_receiver() -> None:
    random = np.random.default_rng(2)
    graph = random_receiver(random, [1, 2], latent=(4, 2), equaliser="svd", table=True)
    m = Module()
    components = add_components(m, receiver_plan(random, graph))
    names = ["framer", "equaliser", "symbols", "received", "deconv0", "deconv1", "sigmoid", "pixels"]
    assert list(components) == names == [name for _, name, _ in Fragment.get(m, None).subfragments]
    assert isinstance(components["symbols"], SymbolUnpacker) and isinstance(components["pixels"], PixelPacker)


@pytest.mark.parametrize("after", [1, 7, 60, 300])
def test_reset_starts_a_frame_anew(after: int) -> None:
    """A reset in the midst of a frame: the next frame is whole and right, and as quick as the first after power-up."""
    plan = small_plan(1)
    beats, _, words = vectors(plan, 1, 5)
    reset = Signal()
    layers = Layers(plan)
    dut = ResetInserter(reset)(layers)

    async def bench(ctx: Any) -> None:
        ctx.set(layers.o.ready, 1)
        ctx.set(layers.i.valid, 1)
        for _ in range(after):
            ctx.set(layers.i.payload, 0xABCDEF)
            await ctx.tick()
        ctx.set(layers.i.valid, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        sent, found, last = 0, [], 0
        for cycle in range(latency(plan) + 60):
            ctx.set(layers.i.valid, sent < len(beats))
            ctx.set(layers.i.payload, beats[min(sent, len(beats) - 1)])
            sent += sent < len(beats) and ctx.get(layers.i.ready)
            if ctx.get(layers.o.valid):
                found.append(ctx.get(layers.o.payload))
                last = cycle
            await ctx.tick()
        assert found == words
        assert last == latency(plan)

    simulate(dut, bench)


@pytest.mark.parametrize("seed", range(6))
def test_layers_are_named_after_their_nodes(seed: int) -> None:
    """`framer` always first, `pixels` only where the first layer takes values one by one, `symbols` always last."""
    plan = small_plan(seed)
    m = Module()
    framer, first, *_, last = add_components(m, plan).values()
    names = [name for _, name, _ in Fragment.get(m, None).subfragments]
    expected = [node.name for node in plan.graph.nodes] + ["symbols"]
    assert names == ["framer", *(["pixels"] if next(iter(plan.foldings.values())).in_lanes == 1 else []), *expected]
    assert isinstance(framer, InputFraming)
    assert isinstance(first, PixelSerialiser if next(iter(plan.foldings.values())).in_lanes == 1 else Convolution)
    assert isinstance(last, SymbolPacker)
