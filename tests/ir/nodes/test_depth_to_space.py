"""Channels to blocks against plain loops and torch, and every refusal."""

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
    channels = 2 * factor**2
    x = np.random.default_rng(factor).integers(-16, 16, (2, 3, channels))
    node = DepthToSpace("blocks", channels, KIND, -4, factor)
    wanted = np.zeros((2 * factor, 3 * factor, 2), dtype=np.int64)
    for row in range(2 * factor):
        for column in range(3 * factor):
            for c in range(2):
                place = c * factor**2 + row % factor * factor + column % factor
                wanted[row, column, c] = x[row // factor, column // factor, place]
    assert node.execute(x).tolist() == wanted.tolist()
    assert node.output_shape((2, 3, channels)) == wanted.shape
    assert node.infer(Edge(channels, KIND, -4)) == Edge(2, KIND, -4)
    assert (node.divides, node.multiplies, node.in_channels) == (1, factor, channels)


def test_the_order_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    x = np.arange(4 * 6 * 18).reshape(4, 6, 18)
    planes = torch.from_numpy(x).permute(2, 0, 1)[None]
    shuffled = torch.nn.functional.pixel_shuffle(planes, 3)[0].permute(1, 2, 0)
    assert DepthToSpace("a", 18, KIND, -4, 3).execute(x).tolist() == shuffled.tolist()
    unshuffled = torch.nn.functional.pixel_unshuffle(planes, 2)[0].permute(1, 2, 0)
    assert SpaceToDepth("a", 18, KIND, -4, 2).execute(x).tolist() == unshuffled.tolist()


def test_infer_refuses() -> None:
    with pytest.raises(HwgenError, match="blocks.in_channels: wanted 7, got 8"):
        DepthToSpace("blocks", 8, KIND, -4, 2).infer(Edge(7, KIND, -4))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "blocks.channels: wanted an integer 1..4096, got 0"),
        ({"channels": 6}, r"blocks.channels: wanted a multiple of factor**2 = 4, got 6"),
        ({"factor": 17}, "blocks.factor: wanted an integer 2..16, got 17"),
        ({"factor": "2"}, "blocks.factor: wanted an integer 2..16, got '2'"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = {"name": "blocks", "channels": 8, "type": KIND, "exponent": -4, "factor": 2}
    with pytest.raises(HwgenError) as error:
        DepthToSpace(**values | changes)
    assert message in str(error.value)
