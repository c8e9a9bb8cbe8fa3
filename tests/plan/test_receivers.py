# amaranth: UnusedElaboratable=no
"""Receivers, and transmitters with more than a gain: latency, interval and depths against the hardware, cycle by cycle.

Random graphs with transposed convolutions; what stands around them in every combination that a channel asks for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Value
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out
from support.streaming import Run, run_stream, simulate

from hwgen import board
from hwgen.emit.datapath import add_layers
from hwgen.emit.sample import sample_coefficients
from hwgen.errors import HwgenError
from hwgen.ir.execute import execute
from hwgen.ir.graph import (
    Alamouti,
    Conv2d,
    Convolution,
    ConvTranspose2d,
    Graph,
    IntType,
    MatrixProduct,
    Node,
    Power,
    Receive,
    Table,
    accumulator_bits,
    sigmoid_values,
)
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_pixels, pack_symbols
from hwgen.plan.buffers import bounds, depths, minimal_buffers, minimal_depths, with_depths
from hwgen.plan.ends import LOADING, least_cycles
from hwgen.plan.flow import Flow
from hwgen.plan.plan import Plan, fold_convolution
from hwgen.plan.size import size
from hwgen.plan.timing import frame_interval, latency, layer_cycles
from hwgen.rtl.convolution import ConvolutionFolding
from tests.plan.test_timing import model_ends, random_graph, random_plan

EQUALISERS = {
    "none": (),
    "scalar": (MatrixProduct("equaliser", 1, 1, (False,)),),
    "carriers": (MatrixProduct("equaliser", 1, 1, (False,), 2),),
    "svd": (MatrixProduct("equaliser", 2, 2, (False, False)),),
    "alamouti": (MatrixProduct("equaliser", 2, 4, (False, False, True, True)),),
}


def random_receiver(
    random: np.random.Generator,
    strides: list[int],
    *,
    latent: tuple[int, int] = (3, 2),
    channels: int = 2,
    largest: int = 5,
    coarse: bool = False,
    table: bool = False,
    equaliser: str = "none",
) -> Graph:
    """Layers of random channels, kernels, bits and activations; stride 1 is a plain convolution, 2 a transposed one.

    latent : (width, height) of the latent
    """
    parts = (6, 2) if coarse else (0, 0)
    nodes: list[Node] = [*EQUALISERS[equaliser]]
    kind, exponent, inputs = IntType(8, True), -7, channels
    nodes.append(Receive("received", channels, 5, kind, exponent, imag_bits=parts[0], imag_left=parts[1]))
    for index, stride in enumerate(strides):
        last = index == len(strides) - 1
        outputs = 3 if last else int(random.integers(1, largest + 1))
        kernel = int(random.choice([1, 3, 5] if stride == 1 else [1, 2, 3, 4, 5]))
        weight_bits, bits = int(random.integers(2, 9)), int(random.integers(2, 9))
        activation = str(random.choice(["none", "relu", "prelu"]))
        if last:
            bits, activation = (9, "none") if table else (8, "relu")
        limit = 2 ** (weight_bits - 1) - 1
        weight = random.integers(-limit, limit + 1, (outputs, inputs, kernel, kernel))
        bias = random.integers(-300, 301, outputs)
        reach = kernel * (inputs**0.5) * limit * 2**kind.bits / 4
        base = round(float(np.log2(max(reach / 2 ** (bits - 1), 1))))
        shift = base + random.integers(-1, 2, outputs)
        output_exponent = -8 if last and not table else exponent - weight_bits + base
        output, prelu = IntType(bits, activation != "relu"), activation == "prelu"
        size_of: dict[str, Any] = dict(kernel=kernel, stride=stride, padding=kernel // 2)
        if stride == 2:
            more = kernel % 2  # twice as large as its input
            size_of = dict(kernel=kernel, stride=2, padding=(kernel - 2 + more) // 2, output_padding=more)
        of_kind: type[Convolution] = ConvTranspose2d if stride == 2 else Conv2d
        nodes.append(of_kind(
            name=f"deconv{index}", in_channels=inputs, out_channels=outputs, weight=weight, weight_bits=weight_bits,
            bias=bias, activation=activation, slope=random.integers(-128, 128, outputs) if prelu else None,
            slope_bits=8 if prelu else 0, slope_fraction=6 if prelu else 0, shift=shift, input=kind, output=output,
            input_exponent=exponent, weight_exponent=output_exponent - exponent - shift,
            output_exponent=output_exponent, accumulator_bits=accumulator_bits(weight, bias, kind), **size_of,
        ))  # fmt: skip
        inputs, kind, exponent = outputs, output, output_exponent
    if table:
        nodes.append(Table("sigmoid", 3, sigmoid_values(kind.bits, -6), kind, exponent))
    scale = int(np.prod(strides))
    frame = (latent[0] * scale, latent[1] * scale)
    return Graph("random", frame, tuple(nodes), side="rx", input_channels=channels, input=IntType(16, True),
                 input_exponent=-12)  # fmt: skip


def receiver_plan(random: np.random.Generator, graph: Graph, *, fast: bool = True) -> Plan:
    """Any folding of each layer that the hardware takes; with `fast` one of the faster half."""
    width, height = graph.frame
    rows, columns, _ = graph.shapes(width, height)["symbols"]
    foldings: dict[str, ConvolutionFolding] = {}
    lanes, last = 1, graph.convolutions[-1]
    for node in graph.convolutions:
        least = min(fold_convolution(node, columns, rows, 1, 1).window.phase_taps) ** 2
        options = [
            (pe, simd, n, taps)
            for pe in range(1, node.out_channels + 1)
            for simd in range(1, node.in_channels + 1)
            for n in ((1,) if node is last else (1, 2, 4))
            for taps in ({1} if node.stride == 2 else {1, node.kernel})
            if pe <= n * least // taps * -(-node.in_channels // simd)
            and lanes <= simd and (simd % lanes == 0 or simd == node.in_channels)
            and n <= pe and (pe % n == 0 or pe == node.out_channels)
        ]  # fmt: skip
        options.sort(key=lambda option: (option[0] * option[1] * option[3], option))
        pe, simd, n, taps = options[int(random.integers(len(options) // 2 if fast else 0, len(options)))]
        foldings[node.name] = fold_convolution(node, columns, rows, pe, simd, taps=taps, in_lanes=lanes, out_lanes=n)
        rows, columns = node.output_size(rows, columns)
        lanes = n
    return Plan(graph, board.load("pynq_z2"), width, height, foldings)


class Layers(Component):
    """A plan's components with plain streams: TLAST is the bit above the output's, coefficients are always there."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        tx = plan.graph.side == "tx"
        super().__init__(
            {
                "i": In(stream.Signature(24 if tx else 32)),
                "o": Out(stream.Signature(33 if tx else 25)),
                "c": In(stream.Signature(32)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        components = add_layers(m, self.plan)
        first, *_, last = components.values()
        m.d.comb += [
            Value.cast(first.i.payload).eq(self.i.payload), first.i.valid.eq(self.i.valid),
            self.i.ready.eq(first.i.ready), self.o.payload.eq(Value.cast(last.o.payload)),
            self.o.valid.eq(last.o.valid), last.o.ready.eq(self.o.ready),
        ]  # fmt: skip
        if self.plan.graph.coefficient_words:
            node = self.plan.graph.symbol_node
            assert node is not None
            port = components[node.name].coefficients
            m.d.comb += [
                port.payload.eq(self.c.payload), port.valid.eq(self.c.valid), self.c.ready.eq(port.ready),
            ]  # fmt: skip
        return m


def vectors(plan: Plan, frames: int, seed: int) -> tuple[list[int], list[int], list[int]]:
    """Random frames: input beats, coefficient words, and the beats that must come out with TLAST above them."""
    random = np.random.default_rng(seed)
    graph, width, height = plan.graph, plan.width, plan.height
    node = graph.symbol_node
    coefficients = None
    beats: list[int] = []
    words: list[int] = []
    load: list[int] = []
    for frame in range(frames):
        if isinstance(node, MatrixProduct):
            coefficients = np.roll(sample_coefficients(node), frame)
            load += pack_symbols(coefficients).tolist()
        if graph.side == "tx":
            pixels = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
            beats += pack_pixels(pixels).tolist()
            out = execute(graph, pixels, coefficients)["symbols"].tolist()
            words += [*out[:-1], out[-1] | 1 << 32]
        else:
            symbols: IntArray = random.integers(-9000, 9000, (graph.symbols(width, height), 2))
            received = pack_symbols(symbols)
            beats += received.tolist()
            image = execute(graph, received, coefficients, (width, height))["pixels"]
            out = pack_pixels(image.astype(np.uint8)).tolist()
            words += [*out[:-1], out[-1] | 1 << 24]
    return beats, load, words


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
    assert (ends[0], ends[-1] - ends[-2]) == (latency(plan), frame_interval(plan))


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
        assert ends == Flow(plan).schedule({} if trial is plan else chosen, 4).ends
        assert (ends[0], ends[-1] - ends[-2]) == (latency(plan), frame_interval(plan))


@pytest.mark.parametrize("seed", range(16))
def test_minimal_depths(seed: int) -> None:
    """One place fewer in any ring or FIFO whose depth is chosen costs a cycle of latency or interval."""
    random = np.random.default_rng(300 + seed)
    graph = random_receiver(random, STRIDES[seed % len(STRIDES)], channels=2, latent=(4, 3))
    plan = receiver_plan(random, graph)
    chosen = minimal_depths(plan)
    assert set(chosen) == set(bounds(plan)) == {f"{n.name}.{k}" for n in graph.convolutions for k in ("ring", "fifo")}
    for name, limit in bounds(plan).items():
        fewer = {**chosen, name: chosen[name] - limit.unit}
        if fewer[name] < limit.least:
            with pytest.raises(ValueError, match="wanted at least"):
                with_depths(plan, fewer)
            continue
        ends = Flow(plan).schedule(fewer, 60).ends
        late = ends[0] > latency(plan) or (np.diff(ends)[3:] > frame_interval(plan)).any()
        assert late, f"{name}: {chosen[name]} could be smaller"


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
    """What is not chosen is in the depths, too, in the order of the data."""
    random = np.random.default_rng(1)
    graph = random_receiver(random, [1, 2], table=True, equaliser="svd")
    names = ["equaliser.fifo", "symbols", "received.fifo", "deconv0.fifo", "deconv1.fifo", "deconv0.ring",
             "deconv1.ring", "sigmoid.fifo", "pixels.fifo"]  # fmt: skip
    assert list(depths(receiver_plan(random, graph))) == names
    plan = transmitter(0, PRECODER, power=True)
    assert list(depths(plan))[-4:] == ["power.ring", "power.fifo", "symbols.fifo", "precoder.fifo"]
    assert depths(plan)["power.ring"] > graph_values(plan)


def graph_values(plan: Plan) -> int:
    rows, columns, channels = plan.graph.shapes(plan.width, plan.height)["power"]
    return rows * columns * channels


def test_a_receiver_is_sized() -> None:
    """The shortest interval, whose busiest layer nothing else exceeds; its first layer takes values one by one."""
    graph = random_receiver(np.random.default_rng(3), [1, 2, 2], latent=(6, 4), channels=4)
    plan = size(graph, board.load("pynq_z2"), *graph.frame)
    assert plan.pixel_lanes == 1 and not plan.serialised
    assert list(plan.foldings.values())[-1].out_lanes == 1
    assert frame_interval(plan) == max(map(layer_cycles, plan.foldings.values())) >= 3 * plan.width * plan.height
    check_cycles(minimal_buffers(plan), 3)


def test_forms_of_an_equaliser() -> None:
    """The fewest DSPs: three multiplications; where a rate is asked for whichever leaves the board more."""
    graph = random_receiver(np.random.default_rng(3), [2], latent=(6, 4), channels=2, equaliser="svd")
    target = board.load("pynq_z2")
    assert size(graph, target, *graph.frame).form == "three"
    many = target.resources.model_copy(update={"dsp": 100_000, "ff": 1_000_000, "bram36": 1000})
    assert size(graph, target.model_copy(update={"resources": many}), *graph.frame, fps=1000).form == "four"


def test_frames_shorter_than_their_coefficients_are_refused() -> None:
    graph = random_receiver(np.random.default_rng(1), [1], latent=(1, 1), channels=4, equaliser="alamouti")
    assert least_cycles(graph) == 8 + LOADING
    message = "--frame: wanted frames of at least 12 cycles, .* 8 words .*, got 1x1, of 4 cycles"
    with pytest.raises(HwgenError, match=message):
        size(graph, board.load("kv260"), *graph.frame)
