"""Winograd's minimal filtering in two dimensions: two by two outputs, with the products of the row times the column's.

F(2, r) of `hwgen.rtl.winograd` along the columns, and of its products along the rows once more (A. Lavin and S. Gray,
Fast Algorithms for Convolutional Neural Networks, 2016): a product meets (row a +- row b) of (column a +- column b) and
a weight that is a sum of taps in both directions. 5 x 5 taps take 7 x 7 products where 100 would be, and every output
comes four times, so that all factors are integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from hwgen.rtl.winograd import Step, steps

CONTROLS = 8
"""Bits beside a word: four for the rows, four for the columns, each as in `hwgen.rtl.winograd_mac`."""


def largest(row: Step, column: Step, bits: int) -> int:
    """The largest magnitude of what a weight meets, for signed inputs of so many bits."""
    rows, columns = (
        [1] if step.second is None else [1, step.sign] for step in (row, column)
    )
    signs = [a * b for a in rows for b in columns]
    plus, minus, half = signs.count(1), signs.count(-1), 1 << (bits - 1)
    return max(plus * half + minus * (half - 1), plus * (half - 1) + minus * half)


@dataclass(frozen=True)
class Schedule:
    """The products of the columns in an order in which a line of columns, of which one comes for each product, has
    those that each of them meets.

    Parameters
    ----------
    steps
        The products.
    reads
        With each of them the column that is read, its number in a pair's window; None: none, and the line stays.
    ahead
        Whether columns are read one product before: then the last one reads the next row's first column.
    places
        Of each product where its first and its second column stand in the line, the last one that was read at 0.
    """

    steps: tuple[Step, ...]
    reads: tuple[int | None, ...]
    ahead: bool
    places: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        """Columns of the line."""
        return max(map(max, self.places)) + 1


@cache
def schedule(kernel_width: int, stride: int) -> Schedule:
    """The products of a row of taps in turn: each time one with the fewest columns that were not read yet, and among
    those the one that meets the column that has been there the longest."""
    left, order, columns = list(steps(kernel_width, stride)), list[Step](), list[int]()
    due: list[int] = []
    while left:
        step = min(left, key=lambda own: _worth(own, columns))
        for column in _columns(step):
            if column not in columns:
                columns.append(column)
                due.append(len(order))
        order.append(step)
        left.remove(step)
    slots = _slots(due, len(order))
    ahead = slots[0] < 0
    if ahead:
        slots = _slots([min(place, len(order) - 2) for place in due], len(order) - 1)
    assert slots[0] >= -1, "a row of taps has at least as many products as columns"
    reads: list[int | None] = [None] * len(order)
    for slot, column in zip(slots, columns, strict=True):
        reads[slot] = column  # -1: the last one reads the next row's first column
    read_at = dict(zip(columns, slots, strict=True))
    last = [len(order) - 1] if ahead else []

    def place(column: int, now: int) -> int:
        return sum(read_at[column] < slot <= now for slot in [*slots, *last])

    places = [(place(own.first, n), place(_columns(own)[-1], n)) for n, own in enumerate(order)]
    return Schedule(tuple(order), tuple(reads), ahead, tuple(places))


def _worth(step: Step, read: list[int]) -> tuple[int, int]:
    """(columns that were not read, the first of those that were)."""
    known = [read.index(column) for column in _columns(step) if column in read]
    return len(_columns(step)) - len(known), min(known, default=len(read))


def _columns(step: Step) -> tuple[int, ...]:
    return (step.first,) if step.second is None else (step.first, step.second)


def _slots(due: list[int], end: int) -> list[int]:
    """The products with which columns are read: as late as can be, one with each."""
    found: list[int] = []
    for place in reversed(due):
        end = min(place, end - 1)
        found.insert(0, end)
    return found


def transformed_2d(weight: np.ndarray, stride: int) -> np.ndarray:
    """(O, I, rows, columns) -> int64 (O, I, row products, column products): the weight of every product.

    The products of the columns are in the order of `schedule`.
    """
    products = steps(weight.shape[2], stride), schedule(weight.shape[3], stride).steps
    rows, columns = (np.array([step.taps for step in own], dtype=np.int64) for own in products)
    found: np.ndarray = rows @ weight.astype(np.int64) @ columns.T
    return found
