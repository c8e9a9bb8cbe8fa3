# amaranth: UnusedElaboratable=no
"""Convolutions of all engines with profiles: frames behind one another, each in its own, against the integer graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.graphs import Builder
from support.planted import planted
from support.profiles import WithProfiles
from support.streaming import pack_beats, run_stream, unpack_beats

from hwgen import board
from hwgen.ir import nodes
from hwgen.ir.nodes import ComplexConv2d, Conv2d, ConvTranspose2d
from hwgen.ir.nodes.convolution import accumulator_bits
from hwgen.ir.types import IntType
from hwgen.lower.base import Stream
from hwgen.lower.convolution import ConvolutionLowering
from hwgen.option_values import Engine
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.pair_convolution import PairConvolutionConfig
from hwgen.rtl.polynomial_convolution import PolynomialConvolutionConfig
from hwgen.rtl.winograd2d_convolution import Winograd2dConvolutionConfig
from hwgen.rtl.winograd_convolution import WinogradConvolutionConfig

PROFILES = 3
ORDER = [2, 0, 1, 2]
DIRECT, PAIRS, POLYNOMIAL = ConvolutionConfig, PairConvolutionConfig, PolynomialConvolutionConfig
WINOGRAD, WINOGRAD_2D = WinogradConvolutionConfig, Winograd2dConvolutionConfig


def layer(rows: int, columns: int, kind: type[nodes.Convolution], weight_bits: int, **more: Any) -> ConvolutionLowering:
    """The hardware side of a layer with biases and slopes of each profile."""
    random = np.random.default_rng(rows * columns)
    channels, outputs = more.pop("channels", (2, 3))
    builder = Builder(random, "tx", channels, (rows, columns))
    builder.conv("pixels", outputs, kind, activation="prelu", type=IntType(8, True), weight_bits=8, **more)
    (node,) = builder.nodes
    assert isinstance(node, nodes.Convolution) and node.slope is not None
    weight = np.clip(node.weight, -limit, limit) if (limit := (1 << weight_bits - 1) - 1) < 127 else node.weight
    bias = node.bias + (random.integers(-40, 41, (PROFILES, outputs)) << np.clip(node.shift, 0, 20))
    slope = random.integers(-128, 128, (PROFILES, outputs))
    node = replace(node, weight=weight, weight_bits=weight_bits, bias=bias, slope=slope, input=IntType(4, False),
                   accumulator_bits=accumulator_bits(weight, bias, IntType(4, False)))  # fmt: skip
    out_rows, out_columns, _ = node.output_shape((rows, columns, channels))
    return ConvolutionLowering(
        node, (Stream(rows, columns, channels, node.input),), Stream(out_rows, out_columns, outputs, node.output)
    )


def config_of(one: ConvolutionLowering, engine: Engine, kind: type[ConvolutionConfig]) -> ConvolutionConfig:
    """The slowest option of that kind, and of as many values per beat as there are channels at most."""
    one.engine = engine
    offered = one.options(board.load("pynq_z2"), [(1, 2)], (1, 2)).configs
    found = [config for config in offered if type(config) is kind]
    assert found, f"{engine} offers {sorted({type(config).__name__ for config in offered})}"
    return found[len(found) // 2]


def outputs_of(one: ConvolutionLowering, config: ConvolutionConfig, dut: Any, **conditions: float) -> tuple[Any, Any]:
    """The component's results for frames of all profiles, and those of the graph."""
    random, taken, node = np.random.default_rng(1), one.inputs[0], one.node
    frames = random.integers(0, 16, (len(ORDER), taken.rows, taken.columns, taken.channels))
    expected = np.stack([node.at_profile(p).execute(frame) for p, frame in zip(ORDER, frames, strict=True)])
    beats = pack_beats(frames, config.in_lanes, taken.type.bits)
    count = len(ORDER) * one.output.pixels * config.beats_out
    run = run_stream(WithProfiles(dut, ORDER), beats, count, **conditions)
    found = unpack_beats(run.outputs, node.out_channels, config.out_lanes, node.output.bits, node.output.signed)
    return found, expected.reshape(-1).tolist()


CASES: list[tuple[Engine, type[ConvolutionConfig], dict[str, Any]]] = [
    ("direct", DIRECT, {}),
    ("direct", DIRECT, {"stride": 2}),
    ("direct", DIRECT, {"kind": ConvTranspose2d, "stride": 2, "padding": 1, "output_padding": 1}),
    ("direct", DIRECT, {"kind": ComplexConv2d, "channels": (2, 4)}),
    ("direct", PAIRS, {"channels": (3, 3), "groups": 3}),
    ("winograd", WINOGRAD, {"kernel_size": (5, 5)}),
    ("winograd", WINOGRAD,
     {"kind": ConvTranspose2d, "kernel_size": (5, 5), "stride": 2, "padding": 2, "output_padding": 1}),
    ("winograd2d", WINOGRAD_2D, {}),
    ("winograd2d", WINOGRAD_2D, {"rows": 5, "columns": 5}),
    ("polynomial", POLYNOMIAL, {"weight_bits": 4}),
    ("polynomial", POLYNOMIAL, {"weight_bits": 4, "columns": 5, "stride": 2}),
]


@pytest.mark.parametrize(("engine", "kind", "changes"), CASES)
def test_each_frame_in_its_profile(engine: Engine, kind: type[ConvolutionConfig], changes: dict[str, Any]) -> None:
    """With idle cycles and stalls, behind a reset amid other frames."""
    one = layer(**({"rows": 4, "columns": 4, "kind": Conv2d, "weight_bits": 8} | changes))
    config = config_of(one, engine, kind)
    found, expected = outputs_of(one, config, one.build(config), idle=0.2, stall=0.3, seed=2)
    assert found == expected


@pytest.mark.parametrize("wrong", [
    ('"frame_fold").last', '"frame_fold").next_last'),  # a fold early: the next frame's
    ("m.d.sync += profile.eq(self.profile.payload)", "m.d.comb += profile.eq(self.profile.payload)"),
])  # fmt: skip
def test_a_neighbours_profile_is_found(wrong: tuple[str, str]) -> None:
    one = layer(4, 6, Conv2d, 8)
    config = config_of(one, "direct", DIRECT)
    module, node = planted("convolution", *wrong), one.node
    assert node.slope is not None
    dut = module.Convolution(config, weight=node.weight, bias=node.bias.tolist(), shift=node.shift.tolist(),
                             slope=node.slope.tolist())  # fmt: skip
    found, expected = outputs_of(one, config, dut)
    assert found != expected


def test_profiles_cost_tables_and_change_no_cycle() -> None:
    one = layer(4, 6, Conv2d, 8)
    config = config_of(one, "direct", DIRECT)
    plain = replace(config, requantiser=replace(config.requantiser, profiles=1))
    assert config.cycles == plain.cycles and config.drain_latency == plain.drain_latency
    assert config.cost("xc7").lut > plain.cost("xc7").lut and config.cost("xc7").ff > plain.cost("xc7").ff


def test_tables_of_another_number_are_refused() -> None:
    one = layer(4, 6, Conv2d, 8)
    config, node = config_of(one, "direct", DIRECT), one.node
    numbers = {"weight": node.weight, "shift": node.shift.tolist(), "slope": node.slope.tolist()}  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="bias: wanted those of 3 profiles, got 2"):
        Convolution(config, bias=node.bias[:2].tolist(), **numbers)
