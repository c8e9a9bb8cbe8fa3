"""The line buffer of two-dimensional products: rows of a product in different banks, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from support.layers import Layer
from support.transposed import Transposed
from support.winograd2d import Winograd2d

from hwgen.rtl.winograd2d_window_config import bank_cycle


@pytest.mark.parametrize("length", range(3, 40))
def test_three_rows_in_turn_lie_in_different_banks(length: int) -> None:
    """Round the ring, in 3 banks where that is possible, else in 4; only five rows need 5."""
    banks = bank_cycle(length)
    assert len(banks) == length
    for place in range(length):
        assert len({banks[(place + ahead) % length] for ahead in range(3)}) == 3
    assert max(banks) + 1 == (5 if length == 5 else 3 + (length % 3 > 0))


@pytest.mark.parametrize(("layer", "stride"), [
    (Layer(kernel=5, frame=(16, 16)), 1), (Layer(kernel=5, stride=2, frame=(16, 32)), 2),
    (Layer(kernel=5, stride=3, frame=(16, 32)), 3), (Transposed(frame=(16, 16)), 1),
])  # fmt: skip
def test_rows_a_stride_or_two_apart(layer: Layer | Transposed, stride: int) -> None:
    """For rings of any length: every row has a place of its own, and those that a product reads are in two banks."""
    window = Winograd2d(layer).config.window
    assert window.tap_stride == stride
    for rows in range(-(-window.span // window.width), 30):
        held = replace(window, pixels=rows * window.width)
        places = held.row_places
        assert len(places) == rows == len(set(places)) == sum(held.bank_rows)
        assert all(place < held.bank_rows[bank] for bank, place in places)
        for row in range(rows):
            for ahead in (stride, 2 * stride):
                assert places[row][0] != places[(row + ahead) % rows][0]


def test_rows_of_a_busy_layer() -> None:
    """Stride 1: the six rows of a window and the two that come in, less one; stride 2: seven and four, less one."""
    plain = Winograd2d(Layer(kernel=5, frame=(64, 16), simd=3)).config.window
    assert (plain.rows_held, plain.bank_rows) == (7, (2, 2, 2, 1))
    assert plain.memory_words == 7 * 64
    strided = Winograd2d(Layer(kernel=5, stride=2, frame=(64, 16))).config.window
    assert (strided.rows_held, strided.bank_rows) == (10, (2,) * 5)
    transposed = Winograd2d(Transposed(kernel=5, padding=2, frame=(64, 16))).config.window
    assert (transposed.rows_held, transposed.bank_rows) == (5, (1,) * 5)


@pytest.mark.parametrize(("change", "message"), [
    (dict(dilation=2, width=9, height=9), "dilation: wanted 1 for Winograd's products, got 2"),
    (dict(taps=3), "taps: wanted 1 for Winograd's products, got 3"),
    (dict(fold_words=((17, 16),)),
     "fold_words: wanted 3 folds of at least 32 words for each of 1 phases, got ((17, 16),)"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(Winograd2d(Layer()).config.window, **change)


def test_transposed_errors() -> None:
    window = Winograd2d(Transposed(frame=(4, 4))).config.window
    with pytest.raises(ValueError, match="^height: wanted an output of whole pairs of both kinds, got 9 rows$"):
        replace(window, height=5, output_padding=0)
