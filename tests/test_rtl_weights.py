"""The rows of the weight memories, and what the sums lack."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import signed

from hwgen.rtl.packing import W8A8
from hwgen.rtl.weights import pack_weights


def pack(weight: np.ndarray, pe: int, simd: int, bits: int) -> list[list[int]]:
    return pack_weights(weight, pe=pe, simd=simd, bits=bits, packing=W8A8, activation=signed(8))


def test_pack_weights_pairs() -> None:
    """Rows fold by fold, tap by tap, group by group; the upper PE gives one to a negative lower one."""
    weight = np.array([5, -6, 0, 7, -8, -9]).reshape(6, 1, 1, 1)
    assert pack(weight, pe=2, simd=1, bits=8) == [[0xFA_05, 0x07_00, 0xF6_F8]]
    assert pack(weight, pe=3, simd=1, bits=8) == [[0x00_FA_05, 0xF7_F8_07]]
    taps = np.array([1, 2, 3, 4]).reshape(1, 1, 2, 2)
    assert pack(taps, pe=1, simd=1, bits=4) == [[1, 2, 3, 4]]
    groups = np.array([1, 2, 3]).reshape(1, 3, 1, 1)
    assert pack(groups, pe=1, simd=2, bits=4) == [[1, 3], [2, 0]]


def test_pack_weights_at_the_end_of_the_range() -> None:
    assert pack(np.array([-127, -127]).reshape(2, 1, 1, 1), pe=2, simd=1, bits=8) == [[0x80_81]]
    with pytest.raises(ValueError, match=r"^weight: wanted narrow range, -127 \.\. 127, got -128$"):
        pack(np.array([[[[-128]]]]), pe=1, simd=1, bits=8)
