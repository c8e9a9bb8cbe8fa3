# amaranth: UnusedElaboratable=no
"""Windows of two output columns at once: every word, in its exact cycle."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from support.window_bench import check

from hwgen.rtl.pair_window import PairWindowConfig


def pair(channels: int = 2, simd: int = 1, kernel: int | tuple[int, int] = 3, times: int = 1,
         **more: Any) -> PairWindowConfig:
    """A depthwise layer's window."""
    rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
    shape: dict[str, Any] = dict(width=5, height=4, stride=1, padding=(rows // 2, columns // 2), bits=3) | more
    folds = -(-channels // simd) * times
    return PairWindowConfig(channels=channels, groups=shape.pop("groups", channels), simd=simd, folds=folds,
                            kernel=kernel, taps=rows, **shape)  # fmt: skip


SHAPES = [
    pair(), pair(width=6), pair(5, 2), pair(4, 4), pair(1, 1, width=1, height=1), pair(2, 2, width=2), pair(times=2),
    pair(3, 2, 5), pair(3, 2, 5, width=6), pair(2, 1, 9, width=9), pair(2, 1, (3, 1)), pair(5, 2, (3, 1), width=4),
    pair(2, 1, (3, 7)), pair(2, 2, (2, 4), padding=(1, 0), width=7), pair(3, 1, 4, padding=(1, 2)),
    pair(stride=2), pair(5, 2, stride=2, width=6), pair(2, 1, 5, stride=2, width=8), pair(stride=2, padding=0, width=7),
    pair(stride=2, padding=2, width=3), pair(stride=3, width=8, kernel=2, padding=0), pair(stride=4, width=9),
    pair(dilation=2, padding=2, width=6), pair(dilation=3, padding=(3, 1), width=6),
    pair(dilation=2, stride=2, width=8), pair(dilation=3, stride=2, padding=(2, 5), width=7),
    pair(4, 4, groups=2),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes(shape: PairWindowConfig) -> None:
    """Any depth of the line buffer and any values per beat; full, idle."""
    check(shape, frames=3, idle=0.1, full=0.2, seed=3)
    check(replace(shape, pixels=shape.span), lanes=shape.simd, full=0.1)
    check(shape, lanes=shape.simd, idle=0.6, form="distributed")


def test_all_small_geometries() -> None:
    """Every kernel of two or three rows, every padding, dilation 1 to 3, stride 1 to 3."""
    for kernel, dilation, stride in itertools.product(((2, 1), (2, 2), (2, 3), (3, 3)), (1, 2, 3), (1, 2, 3)):
        for columns in range(dilation * (kernel[1] - 1) + 1):
            size = 5 if (columns + stride) % 2 else 6
            try:
                shape = pair(1, 1, kernel, width=size, height=4, stride=stride, dilation=dilation, padding=(1, columns))
            except ValueError:
                continue  # a window that the frame cannot hold
            check(shape, idle=0.05, full=0.1)


def test_interval() -> None:
    """Where it computes longer than it reads, no gap between frames."""
    shape = pair(4, 1, width=6)
    seen = check(shape, frames=3)
    per_frame = shape.cycles_per_pixel * shape.out_width * shape.out_height
    assert seen.issued[-1] - seen.issued[-1 - per_frame] == per_frame == 3 * 4 * 3 * 4


def test_properties() -> None:
    shape = pair(5, 2, 5, width=9, stride=2)
    assert (shape.columns, shape.out_width, shape.words, shape.word_values) == (5, 3, 5, 20)
    assert [shape.home(column) for column in range(4)] == [(1, 0), (1, 1), (0, 2), (0, 3)]
    assert shape.tap_indices == ((0, 0), (1, 1), (2, 0), (3, 1), (2, 2))
    assert shape.tap_swaps == (False, False, True, True, False)
    assert shape.bank_words == 3 * (1 + max(shape.home(column)[1] for column in range(9)))


@pytest.mark.parametrize(("change", "message"), [
    ({"taps": 1}, "taps: wanted all of several tap rows for pairs of columns, got 1"),
    ({"groups": 1, "channels": 4, "folds": 4},
     "simd: wanted all 4 channels of a group for pairs of columns, got 1"),
    ({"groups": 1, "transposed": True, "taps": 1, "folds": 2},
     "transposed: wanted an ordinary convolution for pairs of columns"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(pair(), **change)
