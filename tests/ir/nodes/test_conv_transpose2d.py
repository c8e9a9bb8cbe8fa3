"""Transposed convolutions against plain loops, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.ir_samples import conv_values
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge
from hwgen.ir.nodes import ConvTranspose2d
from hwgen.ir.types import IntType

KIND = IntType(5, True)


def values(kernel: int = 3, stride: int = 2, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(kernel)
    return conv_values(rng, "up", (2, 3), kernel, stride, "none", KIND, -3, 5, 6, (2, 5)) | changes


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", range(1, 8))
def test_equals_plain_loops(kernel: int, stride: int) -> None:
    for padding in range(0, min(kernel, 2 * stride + kernel // 2), 2):
        v = values(kernel, stride, padding=padding, output_padding=stride - 1)
        node = ConvTranspose2d(**v)
        height, width = 5, 6
        x = np.random.default_rng(padding).integers(-16, 16, (height, width, 2))
        rows, columns, _ = node.output_shape((height, width, 2))
        sums = np.zeros((rows, columns, 3), dtype=object) + v["bias"]
        taps = 0
        for y in range(height):
            for z in range(width):
                for i in range(kernel):
                    for j in range(kernel):
                        at = y * stride - padding + i, z * stride - padding + j
                        if 0 <= at[0] < rows and 0 <= at[1] < columns:
                            sums[at] += v["weight"][:, :, i, j] @ x[y, z]
                            taps += 6
        wanted = [naive_requantise(int(a), int(v["shift"][o % 3]), -32, 31) for o, a in enumerate(sums.reshape(-1))]
        assert node.execute(x).reshape(-1).tolist() == wanted
        assert node.macs((height, width, 2)) >= taps, "those on the padding are counted too"
        assert (node.multiplies, node.divides) == (stride, 1)


def test_flipped_does_the_same() -> None:
    node = ConvTranspose2d(**values(5, 1, padding=1))
    x = np.random.default_rng(0).integers(-16, 16, (5, 6, 2))
    assert node.flipped().execute(x).tolist() == node.execute(x).tolist()
    with pytest.raises(HwgenError, match="up.stride: wanted 1, got 2"):
        ConvTranspose2d(**values()).flipped()


def test_infer_and_frames_too_small() -> None:
    node = ConvTranspose2d(**values(2, 1, padding=1))
    assert node.infer(Edge(2, KIND, -3)) == Edge(3, IntType(6, True), -4)
    with pytest.raises(HwgenError, match="up.in_channels: wanted 3, got 2"):
        node.infer(Edge(3, KIND, -3))
    with pytest.raises(HwgenError, match="up.kernel: wanted frames of at least its size, got 3x1"):
        node.output_shape((1, 3, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel": 8}, "up.kernel: wanted an integer 1..7, got 8"),
        ({"stride": 3}, "up.stride: wanted an integer 1..2, got 3"),
        ({"kernel_height": 1}, "up.kernel: wanted the same in both directions, got (1, 3)"),
        ({"padding_width": 0}, "up.padding: wanted the same in both directions, got (1, 0)"),
        ({"padding": 3}, "up.padding: wanted an integer 0..2, got 3"),
        ({"output_padding": 2}, "up.output_padding: wanted an integer 0..1, got 2"),
        ({"dilation": 2}, "up.dilation, up.groups: wanted 1, 1 of a transposed one, got (2, 1)"),
        ({"groups": 2}, "up.dilation, up.groups: wanted 1, 1 of a transposed one, got (1, 2)"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        ConvTranspose2d(**values(**changes))
    assert message in str(error.value)
