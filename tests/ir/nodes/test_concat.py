"""Concatenation against plain lists, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge
from hwgen.ir.nodes import Concat
from hwgen.ir.types import IntType

KIND = IntType(5, True)


@pytest.mark.parametrize("channels", [(1, 3), (2, 1, 4), (3, 3, 1, 2)])
def test_equals_plain_lists(channels: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(channels))
    inputs = [rng.integers(-16, 16, (3, 4, count)) for count in channels]
    node = Concat("both", channels, KIND, -4)
    wanted = [
        [sum((x.tolist()[row][column] for x in inputs), []) for column in range(4)] for row in range(3)
    ]
    assert node.execute(*inputs).tolist() == wanted
    assert node.infer(*(Edge(count, KIND, -4) for count in channels)) == Edge(sum(channels), KIND, -4)
    assert node.output_shape(*((3, 4, count) for count in channels)) == (3, 4, sum(channels))
    assert node.arity == len(channels)
    assert (node.input, node.output, node.input_exponent, node.output_exponent) == (KIND, KIND, -4, -4)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((Edge(1, KIND, -4),), "both.inputs: wanted 2, got 1"),
        ((Edge(3, KIND, -4), Edge(1, KIND, -4)), "both.in_channels: wanted 3, got 1"),
        ((Edge(1, KIND, -4), Edge(3, IntType(5, False), -4)), "both.input: wanted 5 bits, unsigned, got"),
        ((Edge(1, KIND, -4), Edge(3, KIND, -3)), "both.input_exponent: wanted -3, got -4"),
    ],
)
def test_infer_refuses(edges: tuple[Edge, ...], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        Concat("both", (1, 3), KIND, -4).infer(*edges)
    assert message in str(error.value)


def test_sizes_that_differ_are_refused() -> None:
    node = Concat("both", (1, 3), KIND, -4)
    with pytest.raises(HwgenError, match="both.inputs: wanted all of 4x3, got 5x3"):
        node.output_shape((3, 4, 1), (3, 5, 3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": (3,)}, r"both.channels: wanted those of 2..4 inputs, got (3,)"),
        ({"channels": (1, 1, 1, 1, 1)}, "both.channels: wanted those of 2..4 inputs, got (1, 1, 1, 1, 1)"),
        ({"channels": [1, 3]}, "both.channels: wanted those of 2..4 inputs, got [1, 3]"),
        ({"channels": (1, 0)}, "both.channels[1]: wanted an integer 1..4096, got 0"),
        ({"channels": (4096, 1)}, "both.channels: wanted at most 4096 together, got 4097"),
        ({"type": IntType(9, True)}, "both.type.bits: wanted an integer 2..8, got 9"),
        ({"exponent": 65}, "both.exponent: wanted an integer -64..64, got 65"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = {"name": "both", "channels": (1, 3), "type": KIND, "exponent": -4}
    with pytest.raises(HwgenError) as error:
        Concat(**values | changes)
    assert message in str(error.value)
