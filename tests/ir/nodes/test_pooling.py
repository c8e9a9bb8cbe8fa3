"""Pooling against plain loops, and every refusal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge
from hwgen.ir.nodes import AveragePool, MaxPool
from hwgen.ir.nodes.pooling import averaging
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


def windows(x: np.ndarray, kernel: int, stride: int, padding: int) -> list[list[int]]:
    """The values of every window that lie in the frame, in the order of the pooled frame's values."""
    rows, columns, channels = x.shape

    def places(side: int) -> list[range]:
        starts = range(-padding, side + padding - kernel + 1, stride)
        return [range(max(start, 0), min(start + kernel, side)) for start in starts]

    return [
        [int(x[i, j, c]) for i in one for j in other]
        for one in places(rows) for other in places(columns) for c in range(channels)
    ]  # fmt: skip


WINDOWS = [(3, 2, 1), (3, 2, 0), (3, 1, 1), (2, 1, 0), (2, 2, 1), (4, 3, 2), (5, 2, 2), (3, 3, 1)]


@pytest.mark.parametrize(("kernel", "stride", "padding"), WINDOWS)
@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
def test_windows(kernel: int, stride: int, padding: int, size: tuple[int, int]) -> None:
    x = np.random.default_rng(kernel).integers(-32, 32, (*size, 3))
    x[:3] = -32
    wanted = windows(x, kernel, stride, padding)
    node = MaxPool("pool", 3, KIND, -4, kernel, stride, padding)
    found = node.execute(x)
    assert found.reshape(-1).tolist() == [max(window) for window in wanted]
    assert found.shape == node.output_shape(x.shape)
    assert node.divides == stride
    for finer in (0, 1):
        multiplier, shift = averaging("pool", kernel, KIND, finer)
        mean = average(kernel=kernel, stride=stride, padding=padding, multiplier=multiplier, shift=shift,
                       output_exponent=-4 - finer)  # fmt: skip
        exact = [Fraction(sum(window) << finer, kernel**2) for window in wanted]  # the border counts as zeros
        assert mean.execute(x).reshape(-1).tolist() == [min(max(round(each), -16), 15) for each in exact]
        assert mean.output_shape(x.shape) == found.shape


@pytest.mark.parametrize("kernel", [6, 10, 12, 14])
def test_an_average_that_no_multiplier_meets_is_refused(kernel: int) -> None:
    with pytest.raises(HwgenError, match=f"pool.kernel: wanted a power of two, or an odd number and .*, got {kernel}"):
        averaging("pool", kernel, KIND, 0)
    with pytest.raises(HwgenError, match=r"pool.kernel: wanted a power of two, or .* no coarser output, got 3"):
        averaging("pool", 3, KIND, -1)


def test_windows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(HwgenError, match="pool.kernel: wanted sizes of at least 3, got 8x2"):
        MaxPool("pool", 3, KIND, -4, 5, 2, 1).output_shape((2, 8, 3))


@pytest.mark.parametrize("node", [MaxPool("pool", 3, KIND, -4, 4), average()])
def test_what_does_not_fit_is_refused(node: MaxPool | AveragePool) -> None:
    with pytest.raises(HwgenError, match="pool.kernel: wanted sizes that are multiples of 4, got 8x10"):
        node.output_shape((10, 8, 3))
    for edge, message in (
        (Edge(2, KIND, -4), "pool.in_channels: wanted 2, got 3"),
        (Edge(3, IntType(7, True), -4), "pool.input: wanted 7 bits, signed, got"),
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
        ({"kernel": 6}, "pool.multiplier: wanted one that rounds every sum's average as it is, got 1"),
        ({"kernel": 3, "shift": 12}, "pool.multiplier: wanted one that rounds every sum's average as it is, got 1"),
        ({"kernel": 3, "multiplier": 0}, "pool.multiplier: wanted an integer 1..1099511627776, got 0"),
        ({"multiplier": 3}, "pool.multiplier: wanted 1 for a kernel that is a power of two, got 3"),
        ({"kernel": 3, "output_exponent": -21},
         "pool.input_exponent - output_exponent: wanted an integer -16..16, got 17"),
        ({"stride": 5}, "pool.stride: wanted an integer 1..4, got 5"),
        ({"stride": -1}, "pool.stride: wanted an integer 1..4, got -1"),
        ({"padding": 3}, "pool.padding: wanted an integer 0..2, got 3"),
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
