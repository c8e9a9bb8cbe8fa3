# amaranth: UnusedElaboratable=no
"""Windows of convolutions with groups: the words of each fold's own channels."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from support.window_bench import check

from hwgen.rtl.window_config import WindowConfig


def grouped(channels: int, groups: int, simd: int, times: int = 1, **more: Any) -> WindowConfig:
    """A window of groups; each fold's words are read `times` times in a row."""
    own = channels // groups
    turns = groups if simd <= own else -(-channels // simd)
    shape: dict[str, Any] = dict(width=4, height=4, kernel=3, stride=1, padding=1, bits=3) | more
    return WindowConfig(channels=channels, groups=groups, simd=simd, folds=turns * times, **shape)


GROUPED = [
    grouped(4, 4, 1), grouped(4, 4, 1, times=2), grouped(5, 5, 2), grouped(5, 5, 2, taps=3), grouped(4, 4, 4),
    grouped(6, 2, 2, times=2), grouped(6, 2, 2, taps=3, times=3), grouped(6, 2, 3), grouped(6, 2, 6), grouped(9, 3, 6),
    grouped(4, 2, 1, kernel=1, padding=0), grouped(3, 3, 1, kernel=1, padding=0), grouped(5, 5, 2, kernel=1, padding=0),
    grouped(4, 2, 1, dilation=2, padding=2, width=6), grouped(3, 3, 2, dilation=2, padding=(2, 1), width=6, taps=3),
    grouped(4, 4, 2, kernel=(3, 1), padding=(1, 0), taps=3), grouped(4, 4, 2, kernel=(1, 3), padding=(0, 1)),
    grouped(4, 2, 2, stride=2, width=6, height=6), grouped(3, 3, 2, stride=2, taps=3, width=6, height=5),
    grouped(2, 2, 1, kernel=4, stride=4, padding=0, width=8), grouped(10, 2, 3, times=2, padding=2),
    grouped(10, 2, 3, taps=3), grouped(1, 1, 1), grouped(3, 3, 1, width=1, height=1, taps=3),
]  # fmt: skip


@pytest.mark.parametrize("shape", GROUPED, ids=str)
def test_groups(shape: WindowConfig) -> None:
    """A fold reads the words of its own groups, each word in its exact cycle."""
    own = shape.channels // shape.groups
    lanes = [n for n in range(1, shape.simd + 1) if shape.simd % n == 0 or shape.simd == shape.channels]
    lanes = [n for n in lanes if shape.simd > own or own % n == 0]
    check(shape, frames=3, idle=0.1, full=0.2, seed=3)
    check(replace(shape, pixels=shape.span), lanes=lanes[-1], full=0.1)
    check(shape, lanes=lanes[len(lanes) // 2], idle=0.6, form="distributed")


GOOD = grouped(6, 3, 2)


@pytest.mark.parametrize(("change", "message"), [
    ({"groups": 0}, "groups: wanted at least 1, got 0"),
    ({"groups": 4}, "groups: wanted a divisor of the 6 channels, got 4"),
    ({"simd": 3},
     "simd: wanted at most a group's 2 channels, or several whole groups, got 3"),
    ({"channels": 9, "lanes": 2},
     "lanes: wanted a divisor of a group's 3 channels, got 2"),
    ({"folds": 4},
     "folds: wanted a multiple of the 3 in which all groups take their turn, got 4"),
    ({"transposed": True},
     "groups: wanted 1 in a transposed convolution, got 3"),
])  # fmt: skip
def test_errors(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(GOOD, **change)


def test_properties() -> None:
    """29 channels in three words of ten, nine folds of a depthwise layer; five of a group of thirteen."""
    depthwise = grouped(29, 29, 10, times=3, taps=3)
    assert (depthwise.parallel_groups, depthwise.group_folds, depthwise.turn_folds, depthwise.folds) == (10, 3, 3, 9)
    assert (depthwise.tap_words, depthwise.stored_words, depthwise.words, depthwise.word_values) == (1, 3, 3, 30)
    assert (depthwise.section_channels, depthwise.tap_step, depthwise.weight_rows) == (1, 3, 27)
    several = grouped(26, 2, 5, times=2, dilation=2, padding=2, width=6)
    assert (several.parallel_groups, several.group_folds, several.turn_folds, several.folds) == (1, 2, 2, 4)
    assert (several.tap_words, several.stored_words, several.words) == (3, 6, 27)
    assert (several.section_channels, several.tap_step, several.weight_rows) == (5, 10, 108)
