"""Arrays in the kernel's memory, and its loop on two kinds of events laid out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hwgen.plan import kernel
from hwgen.plan.kernel import Kernel
from hwgen.plan.settling import NOTHING


def test_arrays_stay_where_they_are() -> None:
    """What an array holds survives the memory's growth."""
    one = Kernel()
    first = one.allocate(3, np.int32)
    one.array(first, 3, np.int32)[:] = [1, -2, 3]
    second = one.allocate(kernel.PAGE * (kernel.GROWTH + 1) // 8, np.int64)
    one.array(second, 1, np.int64)[:] = 1 << 40
    assert (first % kernel.ALIGNMENT, second % kernel.ALIGNMENT, second - first) == (0, 0, 16)
    assert one.array(first, 3, np.int32).tolist() == [1, -2, 3] and one.array(second, 1, np.int64).tolist() == [1 << 40]


def test_more_than_the_memory_holds() -> None:
    one = Kernel()
    with pytest.raises(MemoryError, match="a frame's events take more than 4 GiB"):
        one.allocate(1 << 30, np.int64)
    one.array(one.allocate(1, np.int64), 1, np.int64)[:] = 7  # nothing was taken


def laid_out(depth: int) -> tuple[Kernel, int, tuple[int, int]]:
    """Six entries, the k-th not before the (k - depth)-th exit, and six exits, each 5 cycles after its entry."""
    one, count = Kernel(), 6
    table, waits = one.allocate(14, np.int32), one.allocate(8, np.int32)
    cycles = one.allocate(count, np.int64), one.allocate(count, np.int64)
    steps, came, room = (one.allocate(count, np.int32) for _ in range(3))
    one.array(steps, count, np.int32)[:] = 1
    one.array(came, count, np.int32)[:] = np.arange(count)
    one.array(room, count, np.int32)[:] = np.arange(count) - depth
    exits = table + 28
    one.array(table, 14, np.int32)[:] = (
        count, cycles[0], 0, steps, waits, waits + 16, one.allocate(count, np.int64),
        count, cycles[1], 0, steps, waits + 16, waits + 32, one.allocate(count, np.int64),
    )  # fmt: skip
    one.array(waits, 8, np.int32)[:] = exits, room, 0, 1, table, came, 0, 5
    for place in cycles:
        one.array(place, count, np.int64)[:] = -1000
    one.array(cycles[0], 1, np.int64)[:] = 0
    return one, table, cycles


def test_a_first_frame() -> None:
    """Two entries at once, then a pause until the first has left."""
    one, table, cycles = laid_out(depth=2)
    assert one.settle(table, table + 56, 100, periodic=False) == 11
    assert one.array(cycles[0], 6, np.int64).tolist() == [0, 1, 6, 7, 12, 13]
    assert one.array(cycles[1], 6, np.int64).tolist() == [5, 6, 11, 12, 17, 18]


@pytest.mark.parametrize(("interval", "turns"), [(18, [0]), (17, [12, 12])])
def test_frames_that_repeat_themselves(interval: int, turns: list[int]) -> None:
    """Six entries through a FIFO of two take 18 cycles. In fewer all that follows is later, for ever."""
    one, table, cycles = laid_out(depth=2)
    one.settle(table, table + 56, interval, periodic=False)
    before = one.array(cycles[0], 6, np.int64).copy()
    for moved in turns:
        one.array(table, 14, np.int32)[[2, 9]] = 0
        assert one.settle(table, table + 56, interval, periodic=True) == moved
    assert np.array_equal(one.array(cycles[0], 6, np.int64), before + len(turns) * (interval < 18))


def test_a_circle_stands_still() -> None:
    """A FIFO without an entry: the first waits for itself, and nothing is settled."""
    one, table, _ = laid_out(depth=0)
    one.settle(table, table + 56, 100, periodic=False)
    assert one.array(table, 14, np.int32)[[2, 9]].tolist() == [0, 0]


def test_no_index_is_no_wait() -> None:
    one, table, cycles = laid_out(depth=2)
    waits = int(one.array(table, 14, np.int32)[4])
    room = int(one.array(waits, 4, np.int32)[1])
    one.array(room, 6, np.int32)[:] = NOTHING
    one.settle(table, table + 56, 100, periodic=False)
    assert one.array(cycles[0], 6, np.int64).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(2, [[3, 4, 9, 10, 15, 16], [8, 9, 14, 15, 20, 21]]), (5, [[3, 5, 6, 7, 8, 9], [8, 10, 11, 12, 13, 14]])],
)
def test_the_latest_cycles_of_a_first_frame(depth: int, expected: list[list[int]]) -> None:
    """With the last exit 3 cycles later everything can be. In a FIFO of five the first exit must be out for the last
    entry, which comes two cycles after the one before: what stands between can be 4 cycles later."""
    one, table, cycles = laid_out(depth)
    order = one.allocate(12, np.int64)
    one.settle(table, table + 56, 100, periodic=False, order=order)
    settled = one.array(order, 24, np.int32).reshape(12, 2)
    assert sorted(map(tuple, settled.tolist())) == [(kind, event) for kind in (table, table + 28) for event in range(6)]
    latest = [int(one.array(table, 14, np.int32)[place]) for place in (6, 13)]
    for place in latest:
        one.array(place, 6, np.int64)[:] = 1 << 40
    one.array(latest[1], 6, np.int64)[5] = one.array(cycles[1], 6, np.int64)[5] + 3
    one.required(order, order + 8 * 12)
    found = [one.array(place, 6, np.int64).tolist() for place in latest]
    assert found == expected
