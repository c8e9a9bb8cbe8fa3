"""The sum of two branches against plain Python integers, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge
from hwgen.ir.nodes import Add
from hwgen.ir.types import IntType

ONE, OTHER = IntType(6, True), IntType(8, False)


def add(**changes: Any) -> Add:
    values: dict[str, Any] = dict(
        name="sum", channels=3, input=ONE, other=OTHER, input_exponent=-4, shift=1, activation="none",
        output=IntType(7, True), output_exponent=-3,
    )  # fmt: skip
    return Add(**values | changes)


@pytest.mark.parametrize("shift", [0, 1, 3])
@pytest.mark.parametrize(("activation", "output"), [("none", IntType(4, True)), ("relu", IntType(5, False))])
def test_equals_plain_integers(shift: int, activation: str, output: IntType) -> None:
    node = add(shift=shift, output_exponent=shift - 4, activation=activation, output=output)
    rng = np.random.default_rng(shift)
    a, b = rng.integers(-32, 32, (5, 7, 3)), rng.integers(0, 256, (5, 7, 3))
    b[:2] //= 16
    wanted = [
        naive_requantise(int(x) + int(y), shift, *output.bounds)
        for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True)
    ]
    assert node.execute(a, b).reshape(-1).tolist() == wanted
    assert set(output.bounds) - {output.bounds[0] * output.signed} <= set(wanted)


def test_shape_and_edge() -> None:
    node = add()
    assert node.infer(Edge(3, ONE, -4), Edge(3, OTHER, None)) == Edge(3, IntType(7, True), -3)
    assert node.output_shape((4, 5, 3), (4, 5, 3)) == (4, 5, 3)
    assert (node.arity, node.in_channels, node.out_channels) == (2, 3, 3)
    with pytest.raises(HwgenError, match=r"sum.inputs: wanted two of shape \(4, 5, 3\), got \(5, 4, 3\)"):
        node.output_shape((4, 5, 3), (5, 4, 3))


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((Edge(3, ONE, -4),), "sum.inputs: wanted 2, got 1"),
        ((Edge(2, ONE, -4), Edge(3, OTHER, -4)), "sum.in_channels: wanted 2, got 3"),
        ((Edge(3, ONE, -4), Edge(2, OTHER, -4)), "sum.in_channels: wanted 2, got 3"),
        ((Edge(3, OTHER, -4), Edge(3, OTHER, -4)), "sum.input: wanted 8 bits, unsigned, got"),
        ((Edge(3, ONE, -4), Edge(3, ONE, -4)), "sum.other: wanted 6 bits, signed, got"),
        ((Edge(3, ONE, -3), Edge(3, OTHER, -4)), "sum.input_exponent: wanted -3, got -4"),
        ((Edge(3, ONE, -4), Edge(3, OTHER, -5)), "sum.input_exponent: wanted -5, got -4"),
    ],
)
def test_infer_refuses(edges: tuple[Edge, ...], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        add().infer(*edges)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "sum.channels: wanted an integer 1..4096, got 0"),
        ({"input": IntType(9, True)}, "sum.input.bits: wanted an integer 2..8, got 9"),
        ({"other": IntType(1, True)}, "sum.other.bits: wanted an integer 2..8, got 1"),
        ({"output": IntType(9, True)}, "sum.output.bits: wanted an integer 2..8, got 9"),
        ({"input_exponent": 65}, "sum.input_exponent: wanted an integer -64..64, got 65"),
        ({"output_exponent": 65}, "sum.output_exponent: wanted an integer -64..64, got 65"),
        ({"activation": "prelu"}, "sum.activation: wanted none or relu, got 'prelu'"),
        ({"activation": "relu"}, "sum.output.signed: wanted False for relu, got True"),
        ({"output": IntType(7, False)}, "sum.output.signed: wanted True for none, got False"),
        ({"shift": -1, "output_exponent": -5}, "sum.shift: wanted an integer 0..40, got -1"),
        ({"shift": 2}, "sum.shift: wanted 1, from the exponents, got 2"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        add(**changes)
    assert message in str(error.value)
