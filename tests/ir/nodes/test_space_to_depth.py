"""Blocks to channels against plain loops, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge
from hwgen.ir.nodes import DepthToSpace, SpaceToDepth
from hwgen.ir.types import IntType

KIND = IntType(5, True)


@pytest.mark.parametrize("factor", [2, 3, 16])
def test_equals_plain_loops(factor: int) -> None:
    x = np.random.default_rng(factor).integers(-16, 16, (2 * factor, 3 * factor, 2))
    node = SpaceToDepth("blocks", 2, KIND, -4, factor)
    wanted = np.zeros((2, 3, 2 * factor**2), dtype=np.int64)
    for y in range(2 * factor):
        for column in range(3 * factor):
            for c in range(2):
                place = c * factor**2 + y % factor * factor + column % factor
                wanted[y // factor, column // factor, place] = x[y, column, c]
    assert node.execute(x).tolist() == wanted.tolist()
    assert node.output_shape((2 * factor, 3 * factor, 2)) == wanted.shape
    assert node.infer(Edge(2, KIND, -4)) == Edge(2 * factor**2, KIND, -4)
    assert (node.divides, node.multiplies, node.in_channels) == (factor, 1, 2)
    back = DepthToSpace("back", 2 * factor**2, KIND, -4, factor)
    assert back.execute(node.execute(x)).tolist() == x.tolist()


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(HwgenError, match="blocks.factor: wanted sizes that are multiples of 3, got 6x8"):
        SpaceToDepth("blocks", 2, KIND, -4, 3).output_shape((8, 6, 2))


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        (Edge(3, KIND, -4), "blocks.in_channels: wanted 3, got 2"),
        (Edge(2, IntType(6, True), -4), "blocks.input: wanted 6 bits, signed, got"),
        (Edge(2, KIND, -5), "blocks.input_exponent: wanted -5, got -4"),
    ],
)
def test_infer_refuses(edge: Edge, message: str) -> None:
    with pytest.raises(HwgenError) as error:
        SpaceToDepth("blocks", 2, KIND, -4, 2).infer(edge)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "blocks.channels: wanted an integer 1..4096, got 0"),
        ({"type": IntType(9, True)}, "blocks.type.bits: wanted an integer 2..8, got 9"),
        ({"exponent": -65}, "blocks.exponent: wanted an integer -64..64, got -65"),
        ({"factor": 1}, "blocks.factor: wanted an integer 2..16, got 1"),
        ({"factor": 17}, "blocks.factor: wanted an integer 2..16, got 17"),
        ({"channels": 1025}, "blocks.factor: wanted at most 4096 channels of the output, got 4100"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = {"name": "blocks", "channels": 2, "type": KIND, "exponent": -4, "factor": 2}
    with pytest.raises(HwgenError) as error:
        SpaceToDepth(**values | changes)
    assert message in str(error.value)
