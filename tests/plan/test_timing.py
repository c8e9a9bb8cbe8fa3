# amaranth: UnusedElaboratable=no
"""Interval and latency: the formulas against a model that steps cycle by cycle, and against whole transmitters."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out
from support.streaming import Run, run_stream, stream_rules

from hwgen import board
from hwgen.emit.datapath import add_layers
from hwgen.ir.execute import execute
from hwgen.ir.graph import Conv2d, Gain, Graph, IntType, Node, accumulator_bits
from hwgen.plan.plan import Plan, fold_convolution
from hwgen.plan.size import size
from hwgen.plan.timing import frame_interval, latency, layer_cycles
from hwgen.rtl.convolution import ConvolutionFolding

GAIN_AND_SYMBOLS = 7 + 3
"""Cycles from the last value to TLAST: neither the gain nor the packer ever waits."""


def random_graph(random: np.random.Generator, layers: int, *, largest: int = 6, frame: tuple[int, int] = (8, 8),
                 strides: list[int] | None = None, kernels: tuple[int, ...] = (1, 3, 5, 7)) -> Graph:
    """Layers of random channels, kernels, bits and activations with random integers."""
    nodes: list[Node] = []
    inputs, kind, exponent = 3, IntType(8, False), -8
    for index in range(layers):
        outputs, kernel = int(random.integers(1, largest + 1)), int(random.choice(kernels))
        stride = strides[index] if strides else int(random.choice([1, 2]))
        weight_bits, bits = int(random.integers(2, 9)), int(random.integers(2, 9))
        activation = str(random.choice(["none", "relu", "prelu"]))
        limit = 2 ** (weight_bits - 1) - 1
        weight = random.integers(-limit, limit + 1, (outputs, inputs, kernel, kernel))
        bias = random.integers(-300, 301, outputs)
        # What a random walk over the taps reaches fills about the output's range, and saturates now and then.
        reach = kernel * (inputs**0.5) * limit * 2**kind.bits / 4
        base = round(float(np.log2(max(reach / 2 ** (bits - 1), 1))))
        shift = base + random.integers(-1, 2, outputs)
        output, output_exponent = IntType(bits, activation != "relu"), exponent - weight_bits + base
        prelu = activation == "prelu"
        nodes.append(Conv2d(
            name=f"conv{index}", in_channels=inputs, out_channels=outputs, kernel=kernel, stride=stride,
            padding=kernel // 2, weight=weight, weight_bits=weight_bits, bias=bias, activation=activation,
            slope=random.integers(-128, 128, outputs) if prelu else None, slope_bits=8 if prelu else 0,
            slope_fraction=6 if prelu else 0, shift=shift, input=kind, output=output, input_exponent=exponent,
            weight_exponent=output_exponent - exponent - shift, output_exponent=output_exponent,
            accumulator_bits=accumulator_bits(weight, bias, kind),
        ))  # fmt: skip
        inputs, kind, exponent = outputs, output, output_exponent
    nodes.append(Gain("gain", inputs, factor=40001, factor_bits=16, shift=7, input=kind))
    return Graph("random", frame, tuple(nodes))


def random_plan(random: np.random.Generator, graph: Graph, width: int, height: int, *, fast: bool = False) -> Plan:
    """Any folding of each layer that the hardware takes; with `fast` one of the faster half."""
    shapes = list(graph.shapes(width, height).values())
    foldings: dict[str, ConvolutionFolding] = {}
    lanes, last = int(random.choice([1, 3])), graph.convolutions[-1]
    for node, (rows, columns, _) in zip(graph.convolutions, shapes, strict=False):
        options = [
            (pe, simd, n, taps)
            for pe in range(1, node.out_channels + 1)
            for simd in range(1, node.in_channels + 1)
            for n in ((1,) if node is last else (1, 2, 3, 4))
            for taps in {1, node.kernel}
            if pe <= n * node.kernel**2 // taps * -(-node.in_channels // simd)
            and lanes <= simd and (simd % lanes == 0 or simd == node.in_channels)
            and n <= pe and (pe % n == 0 or pe == node.out_channels)
        ]  # fmt: skip
        options.sort(key=lambda option: (option[0] * option[1] * option[3], option))
        pe, simd, n, taps = options[int(random.integers(len(options) // 2 if fast else 0, len(options)))]
        foldings[node.name] = fold_convolution(node, columns, rows, pe, simd, taps=taps, in_lanes=lanes, out_lanes=n)
        lanes = n
    return Plan(graph, board.load("pynq_z2"), width, height, foldings)


class LayerModel:
    """One layer as counters: a ring of pixels, a reader, a FIFO with credits. One `step` is one cycle.

    Needs of the windows come from their taps, not from the component's own counts.
    """

    def __init__(self, folding: ConvolutionFolding, frames: int) -> None:
        window = folding.window
        self.folding, self.window = folding, window
        self.beats_per_pixel = -(-window.channels // folding.in_lanes)
        self.arrival = 1 if folding.in_lanes == window.simd else 2
        self.needed: list[int] = []
        self.released: list[int] = []
        self.words: list[int] = []
        width, height = window.width, window.height
        groups = -(-window.channels // window.simd)
        for frame in range(frames):
            before = frame * width * height
            rows = [self.taps(y) for y in range(window.out_height)]
            columns = [self.taps(x) for x in range(window.out_width)]
            for y, own_rows in enumerate(rows):
                # A row of outputs that begins where the next one does keeps what that one needs.
                below = max(rows[y + 1][0], 0) * width if y + 1 < len(rows) else height * width
                for own_columns in columns:
                    last = min(own_rows[-1], height - 1) * width + min(own_columns[-1], width - 1)
                    first = own_rows[0] * width + max(own_columns[0], 0) if own_rows[0] >= 0 else 0
                    self.needed.append(before + last + 1)
                    self.released.append(before + (min(first, below) if window.transposed else first))
                    self.words.append(len(own_rows) * len(own_columns) // window.taps * groups)
        self.released.append(frames * width * height)
        self.beats = self.pixels = self.there = self.position = self.word = self.fold = 0
        self.arrivals: deque[int] = deque()
        self.results: deque[int] = deque()  # the cycle from which on each one may leave
        self.credits = folding.fifo_depth

    def taps(self, place: int) -> list[int]:
        """The input rows (columns) that an output row (column) reads, those outside the frame too."""
        window = self.window
        if not window.transposed:
            return [place * window.stride - window.padding + tap for tap in range(window.kernel)]
        # A phase that no tap reaches reads one all the same.
        kernel = max(window.kernel, window.stride)
        return sorted(
            (place + window.padding - tap) // window.stride
            for tap in range(kernel)
            if (place + window.padding - tap) % window.stride == 0
        )

    @property
    def ready(self) -> bool:
        return self.window.capacity + self.released[self.position] > self.pixels

    def valid(self, cycle: int) -> bool:
        return bool(self.results) and self.results[0] <= cycle

    def step(self, cycle: int, accepts: bool, gives: bool) -> None:
        while self.arrivals and self.arrivals[0] <= cycle:
            self.arrivals.popleft()
            self.there += 1
        if accepts:
            self.beats += 1
            if self.beats % self.beats_per_pixel == 0:
                self.pixels += 1
                self.arrivals.append(cycle + self.arrival)
        if gives:
            self.results.popleft()
        reserved = 0
        if self.position < len(self.needed) and self.needed[self.position] <= self.there:
            if self.word < self.words[self.position] - 1:
                self.word += 1
            elif self.credits >= -(-self.folding.pe // self.folding.out_lanes):
                done = self.fold * self.folding.pe
                results = min(self.folding.pe, self.folding.out_channels - done)
                reserved = -(-results // self.folding.out_lanes)
                self.results.extend(cycle + self.folding.drain_latency + place for place in range(reserved))
                self.word = 0
                self.fold += 1
                if self.fold == self.window.folds:
                    self.fold = 0
                    self.position += 1
        self.credits += gives - reserved


def model_ends(
    foldings: list[ConvolutionFolding], frames: int, head: int | None = None, tail: int = GAIN_AND_SYMBOLS
) -> list[int]:
    """The cycle of each frame's TLAST, from the first accepted beat on; the source always offers, nothing stalls.

    head, tail : cycles before the first layer and behind the last, where nothing waits
    """
    layers = [LayerModel(folding, frames) for folding in foldings]
    first, last = foldings[0].window, foldings[-1]
    whole = foldings[0].in_lanes == first.channels
    beats = frames * first.width * first.height * layers[0].beats_per_pixel
    per_frame = last.window.out_width * last.window.out_height * last.out_channels
    ends: list[int] = []
    sent = received = cycle = 0
    while received < frames * per_frame:
        # Pixels that are taken apart into values come a cycle later.
        offered = sent < beats and cycle >= (1 - whole if head is None else head)
        ready = [layer.ready for layer in layers] + [True]
        valid = [offered] + [layer.valid(cycle) for layer in layers]
        passes = [v and r for v, r in zip(valid, ready, strict=True)]
        for index, layer in enumerate(layers):
            layer.step(cycle, passes[index], passes[index + 1])
        sent += passes[0]
        received += passes[-1]
        if passes[-1] and received % per_frame == 0:
            ends.append(cycle + tail)
        cycle += 1
        assert cycle < 1_000_000
    return ends


def check_model(plan: Plan, frames: int = 4) -> None:
    ends = model_ends(list(plan.foldings.values()), frames)
    assert ends[0] == latency(plan)
    assert ends[-1] - ends[-2] == frame_interval(plan)


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
    assert layer_cycles(whole) == 8 * 6  # one beat a pixel
    assert layer_cycles(single) == 3 * 8 * 6
    slow = fold_convolution(random_graph(random, 1, strides=[1], kernels=(3,)).convolutions[0], 8, 6, 1, 1)
    assert layer_cycles(slow) == slow.compute_cycles >= slow.out_channels * 8 * 6


def test_latency_of_one_pixel_by_hand() -> None:
    """1x1 frame, 1x1 kernel, whole pixels in: every stage's cycles added up."""
    graph = random_graph(np.random.default_rng(3), 1, strides=[1], kernels=(1,), largest=1, frame=(1, 1))
    (node,) = graph.convolutions
    plan = Plan(graph, board.load("pynq_z2"), 1, 1, {"conv0": fold_convolution(node, 1, 1, 1, 3, in_lanes=3)})
    written, word, products, chain, accumulate, sums, fifo = 1, 3, 1, 3, 1, 1, 2
    requantise = 7 if node.activation == "prelu" else 5
    expected = written + word + products + chain + accumulate + sums + requantise + fifo + GAIN_AND_SYMBOLS
    assert latency(plan) == expected
    assert frame_interval(plan) == 1


class Layers(Component):
    """A plan's layers with plain streams instead of AXI4-Stream ports; TLAST is bit 32."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__({"i": In(stream.Signature(24)), "o": Out(stream.Signature(33))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first, *_, last = add_layers(m, self.plan).values()
        m.d.comb += [
            first.i.payload.eq(self.i.payload), first.i.valid.eq(self.i.valid), self.i.ready.eq(first.i.ready),
            self.o.payload.eq(last.o.payload.as_value()), self.o.valid.eq(last.o.valid), last.o.ready.eq(self.o.ready),
        ]  # fmt: skip
        return m


def vectors(plan: Plan, frames: int, seed: int) -> tuple[list[int], list[int]]:
    """Random frames as input beats, and the words that must come out, TLAST in bit 32."""
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, plan.height, plan.width, 3)).astype(np.uint8)
    flat = pixels.reshape(-1, 3).astype(np.int64)
    words: list[int] = []
    for frame in pixels:
        symbols = execute(plan.graph, frame)["symbols"].tolist()
        words += [*symbols[:-1], symbols[-1] | 1 << 32]
    return (flat[:, 0] | flat[:, 1] << 8 | flat[:, 2] << 16).tolist(), words


def check_transmitter(plan: Plan, frames: int = 3, seed: int = 0, **conditions: Any) -> Run:
    beats, words = vectors(plan, frames, seed)
    run = run_stream(Layers(plan), beats, len(words), seed=seed, **conditions)
    assert run.outputs == words
    return run


def small_plan(seed: int) -> Plan:
    random = np.random.default_rng(200 + seed)
    layers = 1 + seed % 3
    strides = random.choice([1, 2], layers).tolist()
    product = int(np.prod(strides))
    width, height = (product * int(random.integers(1, 6 // product + 2)) for _ in range(2))
    graph = random_graph(random, layers, largest=5, strides=strides, kernels=(1, 3, 5), frame=(width, height))
    return random_plan(random, graph, width, height, fast=True)


@pytest.mark.parametrize("seed", range(8))
def test_transmitters(seed: int) -> None:
    """Three frames back to back: every symbol, every TLAST, and the predicted latency and interval to the cycle."""
    plan = small_plan(seed)
    run = check_transmitter(plan)
    per_frame = len(run.outputs) // 3
    assert run.output_cycles[per_frame - 1] - run.input_cycles[0] == latency(plan)
    assert run.output_cycles[-1] - run.output_cycles[-1 - per_frame] == frame_interval(plan)


@pytest.mark.parametrize(("idle", "stall"), [(0.0, 0.6), (0.6, 0.0), (0.3, 0.3)])
def test_transmitter_idle_and_stall(idle: float, stall: float) -> None:
    check_transmitter(small_plan(4), seed=1, idle=idle, stall=stall)


def test_transmitter_keeps_the_stream_rules() -> None:
    plan = small_plan(1)
    beats, words = vectors(plan, 3, 0)
    assert stream_rules(Layers(plan), beats, len(words), stall=0.8) > 0


@pytest.mark.parametrize("bits", [2, 8])
def test_transmitter_of_a_single_value(bits: int) -> None:
    """A frame of one pixel and one latent value: an odd last Q, TLAST on every beat."""
    graph = random_graph(np.random.default_rng(bits), 1, strides=[1], kernels=(3,), largest=1, frame=(1, 1))
    plan = size(graph, board.load("pynq_z2"), 1, 1)
    run = check_transmitter(plan, 5)
    assert all(word >> 32 == 1 and word >> 16 & 0xFFFF == 0 for word in run.outputs)
    assert run.output_cycles[0] - run.input_cycles[0] == latency(plan)
