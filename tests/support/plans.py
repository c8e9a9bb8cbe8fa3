"""Random transmitters and receivers with any folding that the hardware takes, and a bench around them."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Module, Value
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen import board
from hwgen.emit.datapath import add_components
from hwgen.emit.sample import sample_coefficients
from hwgen.ir.execute import execute
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import Conv2d, Convolution, ConvTranspose2d, Gain, MatrixProduct, Receive, Table
from hwgen.ir.nodes.convolution import accumulator_bits
from hwgen.ir.nodes.table import sigmoid_values
from hwgen.ir.types import IntType
from hwgen.lower.base import Depths
from hwgen.lower.convolution import fold_convolution
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_pixels, pack_symbols
from hwgen.plan.plan import Plan, plan_with
from hwgen.rtl.convolution_config import ConvolutionConfig

EQUALISERS = {
    "none": (),
    "scalar": (MatrixProduct("equaliser", 1, 1, (False,)),),
    "carriers": (MatrixProduct("equaliser", 1, 1, (False,), 2),),
    "svd": (MatrixProduct("equaliser", 2, 2, (False, False)),),
    "alamouti": (MatrixProduct("equaliser", 2, 4, (False, False, True, True)),),
}


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
    foldings: dict[str, ConvolutionConfig] = {}
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
    return plan_with(graph, board.load("pynq_z2"), width, height, foldings)


def small_plan(seed: int) -> Plan:
    random = np.random.default_rng(200 + seed)
    layers = 1 + seed % 3
    strides = random.choice([1, 2], layers).tolist()
    product = int(np.prod(strides))
    width, height = (product * int(random.integers(1, 6 // product + 2)) for _ in range(2))
    graph = random_graph(random, layers, largest=5, strides=strides, kernels=(1, 3, 5), frame=(width, height))
    return random_plan(random, graph, width, height, fast=True)


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
    foldings: dict[str, ConvolutionConfig] = {}
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
    return plan_with(graph, board.load("pynq_z2"), width, height, foldings)


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
        made = add_components(m, self.plan)
        first, *_, last = made.values()
        m.d.comb += [
            Value.cast(first.i.payload).eq(self.i.payload), first.i.valid.eq(self.i.valid),
            self.i.ready.eq(first.i.ready), self.o.payload.eq(Value.cast(last.o.payload)),
            self.o.valid.eq(last.o.valid), last.o.ready.eq(self.o.ready),
        ]  # fmt: skip
        for component in made.values():
            if hasattr(component, "coefficients"):
                port = component.coefficients
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


def labels(depths: Depths) -> dict[str, int]:
    """Depths by the buffers' names in the manifest."""
    return {buffer.label: depth for buffer, depth in depths.items()}
