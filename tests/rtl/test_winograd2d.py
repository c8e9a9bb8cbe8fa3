"""Winograd's products in two dimensions, against the definition of a convolution, and the order of the columns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwgen.rtl.winograd import Step, steps
from hwgen.rtl.winograd2d import largest, schedule, transformed_2d


def sums(own: tuple[Step, ...], taps: int, stride: int) -> np.ndarray:
    """What the products of a row add to both outputs: (product, output, column, tap)."""
    found = np.zeros((len(own), 2, taps + stride, taps), dtype=np.int64)
    for place, step in enumerate(own):
        product = np.zeros((taps + stride, taps), dtype=np.int64)
        product[step.first] += step.taps
        if step.second is not None:
            product[step.second] += step.sign * np.array(step.taps)
        found[place] = np.array(step.adds)[:, None, None] * product
    return found


@pytest.mark.parametrize(("rows", "columns", "stride"), [
    *((taps, taps, stride) for taps in range(2, 10) for stride in (1, 2)), (3, 5, 1), (2, 7, 2), (5, 9, 3),
])  # fmt: skip
def test_four_times_each_output(rows: int, columns: int, stride: int) -> None:
    """As polynomials in taps and inputs, row products times column products in the order in which they come."""
    down = sums(steps(rows, stride), rows, stride).sum(axis=0)
    across = sums(schedule(columns, stride).steps, columns, stride).sum(axis=0)
    found = np.einsum("oyi,pxj->opyxij", down, across)
    wanted = np.zeros_like(found)
    for o, p, i, j in itertools.product(range(2), range(2), range(rows), range(columns)):
        wanted[o, p, o * stride + i, p * stride + j, i, j] = 4
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize(("taps", "stride"), [*itertools.product(range(1, 12), (1, 2, 3))])
def test_every_column_is_read_once_and_in_time(taps: int, stride: int) -> None:
    """A line as long as it says, over three rows of which each has its own columns; ahead, one product before."""
    own = schedule(taps, stride)
    assert sorted(map(repr, own.steps)) == sorted(map(repr, steps(taps, stride)))
    line: list[tuple[int, int] | None] = [None] * own.length
    if own.ahead:
        line = [(0, own.reads[-1] or 0), *line[:-1]]
    for row, (place, step) in itertools.product(range(3), enumerate(own.steps)):
        column = own.reads[place]
        if column is not None:
            line = [(row + (own.ahead and place == len(own.steps) - 1), column), *line[:-1]]
        first, second = own.places[place]
        assert line[first] == (row, step.first)
        if step.second is not None:
            assert line[second] == (row, step.second)
    read = [column for column in own.reads if column is not None]
    assert sorted(read) == sorted({step.first for step in own.steps} | {step.second for step in own.steps} - {None})


@pytest.mark.parametrize(("taps", "stride", "ahead", "length"), [
    (5, 1, False, 3), (3, 1, True, 3), (5, 2, True, 4), (3, 2, False, 3), (2, 1, False, 3),
])  # fmt: skip
def test_lines(taps: int, stride: int, ahead: bool, length: int) -> None:
    """Three taps begin with a product of two columns, which takes a read before it."""
    assert (schedule(taps, stride).ahead, schedule(taps, stride).length) == (ahead, length)


@pytest.mark.parametrize(("bits", "rows", "columns"), [*itertools.product((2, 4), (-1, 0, 1), (-1, 0, 1))])
def test_largest_activation_is_reached_and_never_exceeded(bits: int, rows: int, columns: int) -> None:
    ends = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    found = {
        abs((a + rows * b) + columns * (c + rows * d)) for a, b, c, d in itertools.product(ends, repeat=4)
    }
    row, column = (Step(0, None if sign == 0 else 1, sign, (1,), (2, 0)) for sign in (rows, columns))
    assert max(found) == largest(row, column, bits)


def test_transformed_weights() -> None:
    """Rows of weights of one and of two: the products of (1, 2), times those of the columns' taps in turn."""
    weight = np.outer((1, 2), (1, 20, 3))[None, None]
    columns = {(0, 2): 1, (1, 2): 24, (2, 1): -16, (3, 1): 3}
    order = [(step.first, step.second) for step in schedule(3, 1).steps]
    wanted = np.outer((1, 3, 2), [columns[pair] for pair in order if pair in columns])  # type: ignore[index]
    assert transformed_2d(weight, 1).tolist() == [[wanted.tolist()]]
