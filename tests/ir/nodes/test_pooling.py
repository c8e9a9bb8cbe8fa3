"""Pooling against plain loops, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge
from hwgen.ir.nodes import AveragePool, MaxPool
from hwgen.ir.types import IntType

KIND = IntType(6, True)


def blocks(x: np.ndarray, kernel: int) -> list[list[int]]:
    """The values of every block, in the order of the pooled frame's values."""
    rows, columns, channels = x.shape[0] // kernel, x.shape[1] // kernel, x.shape[2]
    return [
        [int(x[y * kernel + i, column * kernel + j, c]) for i in range(kernel) for j in range(kernel)]
        for y in range(rows) for column in range(columns) for c in range(channels)
    ]  # fmt: skip


def average(**changes: Any) -> AveragePool:
    values: dict[str, Any] = dict(
        name="pool", channels=3, kernel=4, input=KIND, input_exponent=-4, shift=5, output=IntType(5, True),
        output_exponent=-3,
    )  # fmt: skip
    return AveragePool(**values | changes)


@pytest.mark.parametrize("kernel", [2, 3, 16])
def test_largest(kernel: int) -> None:
    x = np.random.default_rng(kernel).integers(-32, 32, (2 * kernel, 3 * kernel, 3))
    node = MaxPool("pool", 3, KIND, -4, kernel)
    assert node.execute(x).reshape(-1).tolist() == [max(block) for block in blocks(x, kernel)]
    assert node.output_shape(x.shape) == (2, 3, 3)
    assert node.infer(Edge(3, KIND, -4)) == Edge(3, KIND, -4)
    assert (node.divides, node.multiplies) == (kernel, 1)


@pytest.mark.parametrize("kernel", [2, 4, 8, 16])
@pytest.mark.parametrize("finer", [0, 1, 2])
def test_average(kernel: int, finer: int) -> None:
    shift = 2 * (kernel.bit_length() - 1) - finer
    node = average(kernel=kernel, shift=shift, output_exponent=-4 - finer)
    x = np.random.default_rng(kernel).integers(-32, 32, (3 * kernel, 4 * kernel, 3))
    x[:kernel] //= 9
    x[-kernel:, :kernel], x[-kernel:, -kernel:] = 31, -32
    wanted = [naive_requantise(sum(block), shift, -16, 15) for block in blocks(x, kernel)]
    assert node.execute(x).reshape(-1).tolist() == wanted
    assert {-16, 15} <= set(wanted)
    assert node.output_shape(x.shape) == (3, 4, 3)
    assert node.infer(Edge(3, KIND, -4)) == Edge(3, IntType(5, True), -4 - finer)
    assert (node.divides, node.in_channels, node.out_channels) == (kernel, 3, 3)


@pytest.mark.parametrize("node", [MaxPool("pool", 3, KIND, -4, 4), average()])
def test_what_does_not_fit_is_refused(node: MaxPool | AveragePool) -> None:
    with pytest.raises(HwgenError, match="pool.kernel: wanted sizes that are multiples of 4, got 8x10"):
        node.output_shape((10, 8, 3))
    for edge, message in (
        (Edge(2, KIND, -4), "pool.in_channels: wanted 2, got 3"),
        (Edge(3, IntType(7, True), -4), "pool.input: wanted IntType(bits=7, signed=True), got"),
        (Edge(3, KIND, -2), "pool.input_exponent: wanted -2, got -4"),
    ):
        with pytest.raises(HwgenError) as error:
            node.infer(edge)
        assert message in str(error.value)


@pytest.mark.parametrize("kernel", [1, 17])
def test_max_pool_refuses(kernel: int) -> None:
    with pytest.raises(HwgenError, match=f"pool.kernel: wanted an integer 2..16, got {kernel}"):
        MaxPool("pool", 3, KIND, -4, kernel)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "pool.channels: wanted an integer 1..4096, got 0"),
        ({"kernel": 1}, "pool.kernel: wanted an integer 2..16, got 1"),
        ({"kernel": 6}, "pool.kernel: wanted 2, 4, 8 or 16, got 6"),
        ({"input": IntType(9, True)}, "pool.input.bits: wanted an integer 2..8, got 9"),
        ({"output": IntType(1, True)}, "pool.output.bits: wanted an integer 2..8, got 1"),
        ({"output": IntType(5, False)}, "pool.output.signed: wanted True, as the input's, got False"),
        ({"input_exponent": 65}, "pool.input_exponent: wanted an integer -64..64, got 65"),
        ({"output_exponent": 65}, "pool.output_exponent: wanted an integer -64..64, got 65"),
        ({"shift": -1, "output_exponent": -9}, "pool.shift: wanted an integer 0..40, got -1"),
        ({"shift": 4}, "pool.shift: wanted 5, from kernel and exponents, got 4"),
    ],
)
def test_average_pool_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        average(**changes)
    assert message in str(error.value)
