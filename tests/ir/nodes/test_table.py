"""A table against plain look-ups, and every refusal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hwgen.errors import HwgenError
from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, Edge
from hwgen.ir.nodes import Table
from hwgen.ir.nodes.table import TABLE, TABLE_EXPONENT, sigmoid_values
from hwgen.ir.types import IntType


@pytest.mark.parametrize("input", [IntType(2, False), IntType(5, True), IntType(12, True)])
@pytest.mark.parametrize("output", [PIXEL, IntType(8, True), IntType(3, True), IntType(2, False)])
def test_equals_look_ups(input: IntType, output: IntType) -> None:
    rng = np.random.default_rng(input.bits)
    values = rng.integers(output.bounds[0], output.bounds[1] + 1, 1 << input.bits)
    node = Table("t", 3, values, input, -4, output, -2)
    x = rng.integers(input.bounds[0], input.bounds[1] + 1, (6, 7, 3))
    wanted = [int(values[v if v >= 0 else v + (1 << input.bits)]) for v in x.reshape(-1).tolist()]
    assert node.execute(x).reshape(-1).tolist() == wanted
    assert node.infer(Edge(3, input, -4)) == Edge(3, output, -2)
    assert node.output_shape((6, 7, 3)) == (6, 7, 3)
    assert np.array_equal(node.arrays()["values"], values)
    assert node.arrays()["values"].dtype == (np.int8 if output.signed else np.uint8)
    assert node.least_version == 2
    assert Table("t", 3, values % 4, input, -4).least_version == 1


def test_a_sigmoid() -> None:
    values = sigmoid_values(TABLE.bits, TABLE_EXPONENT)
    for code in range(*TABLE.bounds):
        real = 256 / (1 + math.exp(-code * 2.0**TABLE_EXPONENT))
        assert abs(real - values[code]) <= 0.5 or values[code] == 255
    node = Table("t", 1, values, TABLE, TABLE_EXPONENT)
    assert (node.output, node.output_exponent) == (PIXEL, PIXEL_EXPONENT)


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        (Edge(2, IntType(4, True), -4), "t.in_channels: wanted 2, got 3"),
        (Edge(3, IntType(4, False), -4), "t.input: wanted 4 bits, unsigned, got"),
        (Edge(3, IntType(4, True), -5), "t.input_exponent: wanted -5, got -4"),
    ],
)
def test_infer_refuses(edge: Edge, message: str) -> None:
    with pytest.raises(HwgenError) as error:
        Table("t", 3, np.arange(16), IntType(4, True), -4).infer(edge)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "t.channels: wanted an integer 1..4096, got 0"),
        ({"input": IntType(13, True)}, "t.input.bits: wanted an integer 2..12, got 13"),
        ({"input_exponent": 65}, "t.input_exponent: wanted an integer -64..64, got 65"),
        ({"output": IntType(9, True)}, "t.output.bits: wanted an integer 2..8, got 9"),
        ({"output_exponent": 65}, "t.output_exponent: wanted an integer -64..64, got 65"),
        ({"values": np.arange(17)}, "t.values: wanted shape (16,), got (17,)"),
        ({"values": np.arange(16) * 1.0}, "t.values: wanted integers, got float64"),
        ({"output": IntType(4, True)}, "t.values: wanted values -8..7, got 0..15"),
        ({"values": np.arange(16) - 1}, "t.values: wanted values 0..255, got -1..14"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = dict(name="t", channels=3, values=np.arange(16), input=IntType(4, True), input_exponent=-4)
    with pytest.raises(HwgenError) as error:
        Table(**values | changes)
    assert message in str(error.value)
