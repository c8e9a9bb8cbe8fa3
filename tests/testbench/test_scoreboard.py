"""The scoreboard names the first word that differs, by its place in the frame."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from hwgen.sim.design import Design
from hwgen.testbench.scoreboard import Mismatch, Scoreboard


def scoreboard(side: str) -> Scoreboard:
    design: Any = SimpleNamespace(side=side, width=4, height=3, output_bits=32 if side == "tx" else 24)
    return Scoreboard(cast(Design, design))


def words(*values: int) -> np.ndarray:
    return np.array(values, np.uint32)


def test_equal_frames() -> None:
    board = scoreboard("tx")
    for first in (1, 7):
        board.expect(words(first, 2, 3))
    board.check(words(1, 2, 3))
    assert (board.frames, board.words) == (1, 3)
    with pytest.raises(Mismatch, match=r"^output: 1 frames missing behind 1 right ones$"):
        board.finish()
    board.check(words(7, 2, 3))
    board.finish()
    with pytest.raises(Mismatch, match=r"^output: a frame of 2 words behind the last one, frame 1$"):
        board.check(words(1, 2))


@pytest.mark.parametrize(
    ("side", "place", "was", "got"),
    [("tx", "symbol 6", "0x00000006", "0x80000006"), ("rx", r"pixel \(x 2, y 1\), word 6", "0x000006", "0x80000006")],
)
def test_the_first_difference(side: str, place: str, was: str, got: str) -> None:
    board = scoreboard(side)
    right = np.arange(12, dtype=np.uint32)
    board.expect(right)
    board.check(right)
    wrong = right.copy()
    wrong[[6, 9]] |= np.uint32(1 << 31)
    board.expect(right)
    message = rf"^output: frame 1, {place}: expected {was}, got {got} \(2 of 12 words differ\)$"
    with pytest.raises(Mismatch, match=message):
        board.check(wrong)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_frame_of_another_length(count: int) -> None:
    board = scoreboard("tx")
    board.expect(words(1, 2, 3))
    with pytest.raises(Mismatch, match=rf"^output: frame 0: TLAST behind {count} words instead of 3"):
        board.check(words(1, 2, 3, 4)[:count])
