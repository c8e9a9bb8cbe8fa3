"""Nodes and graphs: derived figures, and every refusal."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from support.graphs import Builder
from support.ir_samples import conv_values, sample_graph

from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Conv2d
from hwgen.ir.nodes.convolution import accumulator_bits, accumulator_bound
from hwgen.ir.types import IntType


def values(**changes: Any) -> dict[str, Any]:
    return conv_values(np.random.default_rng(1)) | changes


def test_accumulator_bits_is_the_smallest_that_holds_the_worst_case() -> None:
    weight = np.array([[[[3]], [[-5]]], [[[1]], [[0]]]])
    bias = np.array([-7, 100])
    assert accumulator_bound(weight, bias, IntType(8, True)) == 8 * 128 + 7
    assert accumulator_bits(weight, bias, IntType(8, True)) == 12  # -2048..2047 holds 1031, -1024..1023 does not
    assert accumulator_bound(weight, bias, IntType(8, False)) == 8 * 255 + 7  # 2047
    assert accumulator_bits(weight, bias, IntType(8, False)) == 12
    assert accumulator_bits(weight, bias - 1, IntType(8, False)) == 13  # 2048
    assert accumulator_bits(np.array([[[[1]]]]), np.array([0]), IntType(2, False)) == 3


def test_accumulator_bound_is_reached_by_some_input() -> None:
    rng = np.random.default_rng(4)
    weight, bias = rng.integers(-7, 8, (5, 3, 3, 3)), rng.integers(-50, 51, 5)
    for kind in (IntType(4, True), IntType(4, False)):
        bound = accumulator_bound(weight, bias, kind)
        low, high = kind.bounds
        upper = (np.where(weight > 0, high, low) * weight).sum(axis=(1, 2, 3)) + bias
        lower = (np.where(weight > 0, low, high) * weight).sum(axis=(1, 2, 3)) + bias
        assert -bound <= lower.min() and upper.max() <= bound


def test_shapes_macs_and_symbols() -> None:
    graph = sample_graph()
    assert graph.frame_multiple == 4
    assert graph.shapes(24, 16) == {
        "pixels": (16, 24, 3), "conv0": (8, 12, 5), "conv1": (8, 12, 7), "conv2": (4, 6, 3), "gain": (4, 6, 3),
    }  # fmt: skip
    wanted = {"conv0": 8 * 12 * 5 * 9 * 3, "conv1": 8 * 12 * 7 * 25 * 5, "conv2": 24 * 3 * 7, "gain": 0}
    assert graph.macs(24, 16) == wanted
    assert graph.symbols(24, 16) == 36
    assert graph.symbols(4, 12) == 5  # 9 values


@pytest.mark.parametrize(("width", "height", "key"), [(22, 16, "width"), (24, 6, "height"), (0, 16, "width")])
def test_frames_the_strides_do_not_divide_are_refused(width: int, height: int, key: str) -> None:
    with pytest.raises(HwgenError, match=f"frame {key}: wanted a multiple of 4, got"):
        sample_graph().shapes(width, height)


def test_arrays_are_read_only_copies() -> None:
    arguments = values()
    node = Conv2d(**arguments)
    arguments["weight"][0] = 0
    assert node.weight[0].any()
    with pytest.raises(ValueError, match="read-only"):
        node.weight[0] = 1


WEIGHT = values()["weight"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"in_channels": 0}, "conv0.in_channels: wanted an integer 1..4096, got 0"),
        ({"out_channels": 0}, "conv0.out_channels: wanted an integer 1..4096, got 0"),
        ({"out_channels": True}, "conv0.out_channels: wanted an integer 1..4096, got True"),
        ({"kernel": 17}, "conv0.kernel: wanted an integer 1..16, got 17"),
        ({"stride": 3}, "conv0.stride: wanted 1 or 2, or 2..16 as the kernel's sides, without padding and dilation"),
        ({"padding": 3}, "conv0.padding: wanted an integer 0..2, got 3"),
        ({"weight_bits": 9}, "conv0.weight_bits: wanted an integer 2..8, got 9"),
        ({"weight": WEIGHT[:3]}, r"conv0.weight: wanted shape (4, 3, 3, 3), got (3, 3, 3, 3)"),
        ({"weight": WEIGHT * 0 - 128}, "conv0.weight: wanted values -127..127, got -128..-128"),
        ({"weight": WEIGHT.astype(float)}, "conv0.weight: wanted integers, got float64"),
        ({"bias": np.full(4, 2**31)}, "conv0.bias: wanted values -2147483648..2147483647, got"),
        ({"bias": np.zeros(3, int)}, "conv0.bias: wanted shape (4,), got (3,)"),
        ({"activation": "tanh"}, "conv0.activation: wanted none, relu, prelu, clip, got 'tanh'"),
        ({"activation": "relu"}, "conv0.output.signed: wanted False for relu, got True"),
        ({"activation": "none"}, "conv0.slope: wanted none for activation none, got slopes"),
        ({"slope": None}, "conv0.slope: wanted one slope per channel, got none"),
        ({"slope": np.full(4, 128)}, "conv0.slope: wanted values -128..127, got 128..128"),
        ({"activation": "none", "slope": None}, "conv0.slope_bits, conv0.slope_fraction: wanted 0, 0 without slopes"),
        ({"slope_fraction": 9}, "conv0.slope_fraction: wanted an integer 0..8, got 9"),
        ({"shift": np.full(4, 41)}, "conv0.shift: wanted values -16..40, got 41..41"),
        ({"output_exponent": -70}, "conv0.output_exponent: wanted an integer -64..64, got -70"),
        ({"weight_exponent": np.zeros(4, int)}, "conv0.shift[0]: wanted 4, from the exponents, got"),
        ({"accumulator_bits": 4}, "conv0.accumulator_bits: wanted at least "),
        ({"accumulator_bits": 49}, "conv0.accumulator_bits: wanted an integer 2..48, got 49"),
        ({"input": IntType(9, False)}, "conv0.input.bits: wanted an integer 2..8, got 9"),
        ({"output": IntType(1, True)}, "conv0.output.bits: wanted an integer 2..8, got 1"),
        ({"input": 8}, "conv0.input: wanted an IntType, got 8"),
        ({"input": IntType(8, 1)}, "conv0.input.signed: wanted true or false, got 1"),  # type: ignore[arg-type]
        ({"padding": 33}, "conv0.padding: wanted an integer 0..32, got 33"),
        ({"weight_exponent": np.full(4, 65)}, "conv0.weight_exponent: wanted values -64..64, got 65..65"),
        ({"slope_bits": 17}, "conv0.slope_bits: wanted an integer 2..16, got 17"),
        ({"accumulator_bits": 48, "slope_bits": 16}, "conv0.accumulator_bits: wanted at most 62 bits after slope and"),
        ({"imag_bits": 9}, "conv0.imag_bits: wanted an integer 0..8, got 9"),
        ({"imag_bits": 4, "imag_left": 9}, "conv0.imag_left: wanted an integer 0..8, got 9"),
        ({"imag_bits": 4, "activation": "relu", "output": IntType(8, False)},
         "conv0.output.signed: wanted True for complex values, got False"),
        ({"imag_bits": 4, "out_channels": 3}, "conv0.out_channels: wanted real and imaginary parts: an even number"),
    ],
)  # fmt: skip
def test_conv2d_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        Conv2d(**values(**changes))
    assert message in str(error.value)


def renamed(graph: Graph, index: int, **changes: Any) -> tuple[Any, ...]:
    nodes = list(graph.nodes)
    nodes[index] = dataclasses.replace(nodes[index], **changes)
    return tuple(nodes)


def test_graph_refuses_nodes_that_do_not_fit() -> None:
    graph = sample_graph()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"nodes": (), "inputs": {}}, "output: wanted a gain or power, then at most one precoder, got the input port"),
        ({"nodes": graph.nodes[:-1], "inputs": {}}, "output: wanted a gain or power, then at most one precoder, got"),
        ({"nodes": graph.nodes[:1] + graph.nodes[2:], "inputs": {}}, "conv2.in_channels: wanted 5, got 7"),
        ({"nodes": renamed(graph, 1, name="conv0")}, "nodes: wanted distinct names, got"),
        ({"nodes": renamed(graph, 3, input=IntType(4, True))}, "gain.input: wanted 5 bits, signed, got"),
        ({"side": "relay"}, "side: wanted tx or rx, got 'relay'"),
        ({"frame": (0, 4)}, "frame: wanted an integer 1..65536, got 0"),
        ({"input_exponent": -7}, "input_exponent: wanted -8, a pixel's, got -7"),
    ]
    for changes, message in cases:
        with pytest.raises(HwgenError) as error:
            dataclasses.replace(graph, **changes)
        assert message in str(error.value)


def test_graph_refuses_ports_of_another_kind() -> None:
    graph = sample_graph()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"frame": (8, 8, 3)}, "frame: wanted width and height, got (8, 8, 3)"),
        ({"terms": {"license": 1}}, "terms.license: wanted a text, got 1"),
        ({"input": IntType(7, False)}, "input: wanted 8 bits, unsigned, got 7 bits, unsigned"),
        ({"side": "rx", "input_channels": 0}, "input_channels: wanted an integer 1..4096, got 0"),
        ({"side": "rx"}, "input: wanted 16 bits, signed, got 8 bits, unsigned"),
        ({"side": "rx", "input": IntType(16, True), "input_exponent": -11}, "input_exponent: wanted -12, got -11"),
    ]
    for changes, message in cases:
        with pytest.raises(HwgenError) as error:
            dataclasses.replace(graph, **changes)
        assert message in str(error.value)


def test_a_receiver_ends_in_pixels() -> None:
    b = Builder(np.random.default_rng(0), "rx", 2, (4, 8))
    pixel: dict[str, Any] = {"type": IntType(8, False), "exponent": -8, "activation": "relu"}
    cases: list[tuple[int, dict[str, Any], str]] = [
        (2, {}, "wanted 3 (red, green, blue) or 1 (grey), got 2"),
        (3, {"type": IntType(7, False)}, "wanted pixels: 8 bits, unsigned, got 7 bits, unsigned"),
        (3, {"exponent": -7}, "wanted -8, a pixel's, got -7"),
    ]
    for channels, changes, message in cases:
        b.conv("received", channels, **pixel | changes)
        with pytest.raises(HwgenError) as error:
            b.graph()
        assert message in str(error.value)
        b.inputs.pop(b.nodes.pop().name)
    for channels in (1, 3):
        b.conv("received", channels, **pixel)
        assert b.graph().edges[b.last].channels == channels
        b.inputs.pop(b.nodes.pop().name)


def test_graph_refuses_an_exponent_mismatch() -> None:
    graph = sample_graph()
    second = graph.convolutions[1]
    nodes = renamed(graph, 1, input_exponent=-5, weight_exponent=second.weight_exponent + 1)
    with pytest.raises(HwgenError, match="conv1.input_exponent: wanted -4, got -5"):
        dataclasses.replace(graph, nodes=nodes)
