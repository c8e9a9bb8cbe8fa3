"""The rows of the weight memories, and what the sums lack."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned

from hwgen.rtl.packing import LUT, W8A8, Kernels, Packing, proven_chain
from hwgen.rtl.weights import bias_correction, pack_weights, phase_kernels, turns, varying_columns


def pack(weight: Kernels, pe: int, simd: int, bits: int, packing: Packing = W8A8, taps: int = 1) -> list[list[int]]:
    return pack_weights(weight, pe=pe, simd=simd, bits=bits, packing=packing, activation=signed(bits), taps=taps)


def test_pairs() -> None:
    """Rows fold by fold, tap by tap, group by group; the upper PE gives one to a negative lower one."""
    weight = np.array([5, -6, 0, 7, -8, -9]).reshape(6, 1, 1, 1)
    assert pack(weight, pe=2, simd=1, bits=8) == [[0xFA_05, 0x07_00, 0xF6_F8]]
    assert pack(weight, pe=3, simd=1, bits=8) == [[0x00_FA_05, 0xF7_F8_07]]
    taps = np.array([1, 2, 3, 4]).reshape(1, 1, 2, 2)
    assert pack(taps, pe=1, simd=1, bits=4) == [[1, 2, 3, 4]]
    groups = np.array([1, 2, 3]).reshape(1, 3, 1, 1)
    assert pack(groups, pe=1, simd=2, bits=4) == [[1, 3], [2, 0]]


def test_the_borrow_goes_on_through_a_zero() -> None:
    """The stored integer below decides: a zero above a negative weight is stored as -1, so the next one lends, too."""
    weight = np.array([-3, 0, 0, 5]).reshape(4, 1, 1, 1)
    assert pack(weight, pe=4, simd=1, bits=4, packing=Packing("dsp", 4, 7, 1)) == [[0x4_F_F_D]]


def test_all_tap_rows_in_a_word() -> None:
    """(tap column, group), the lanes (tap row, channel)."""
    weight = np.array([[[[1, 2], [3, 4]], [[5, 6], [7, -1]], [[-2, -3], [-4, -5]]]])
    whole = Packing("dsp", 1, 0, 1)
    assert pack(weight, pe=1, simd=2, bits=4, packing=whole, taps=2) == [[0x7351, 0x0C0E, 0xF462, 0x0B0D]]


def test_lut_form() -> None:
    weight = np.array([[1, 0, -1, -1], [0, -1, 1, -1]]).reshape(2, 4, 1, 1)
    # Lane by lane, "turns" above "not zero"; lane 3 is -1 as lane 2 is, its left neighbour.
    assert pack(weight, pe=2, simd=4, bits=2, packing=LUT) == [[0b11_01_11_00_01_11_00_01]]
    plain = np.array([[3, -4], [-1, 0]]).reshape(2, 2, 1, 1)
    assert pack(plain, pe=2, simd=2, bits=4, packing=LUT) == [[0x0_F_C_3]]
    signs = np.array([[1, -1], [-1, -1]]).reshape(2, 2, 1, 1)
    assert pack(signs, pe=2, simd=2, bits=1, packing=LUT) == [[0b0001]]


def test_turns() -> None:
    """Each adder of a tree of pairs finds whether its right operand's sign differs from its left one's."""
    random = np.random.default_rng(1)
    for lanes in range(1, 18):
        weight = random.integers(-1, 2, (lanes, 3))
        sums, turn, distance = list(np.where(np.arange(lanes)[:, None] == 0, weight, np.abs(weight))), turns(weight), 1
        assert np.array_equal(turn[0], weight[0] < 0)
        while distance < lanes:
            for right in range(distance, lanes, 2 * distance):
                sums[right - distance] = sums[right - distance] + np.where(turn[right], -sums[right], sums[right])
            distance *= 2
        assert np.array_equal(sums[0], weight.sum(axis=0))


@pytest.mark.parametrize(("packing", "bits", "activation", "missing"), [
    (W8A8, 8, signed(8), [0, 0]),
    (W8A8, 8, unsigned(8), [-128, 256]),
    (LUT, 3, unsigned(8), [4, 4]),  # a pair of pairs to each of four words
    (LUT, 2, signed(8), [-7, -8]),  # two adders of four words; an inverted lane
    (LUT, 2, unsigned(2), [-9, -4]),
])  # fmt: skip
def test_missing(packing: Packing, bits: int, activation: Shape, missing: list[int]) -> None:
    """The sums themselves are tested with MacArray; here the figures for one layer."""
    weight = np.zeros((2, 3, 2, 2), dtype=np.int64)
    weight[0, 0, 0, 0], weight[1, 2, 0] = -1, 1
    assert bias_correction(weight, simd=3, bits=bits, packing=packing, activation=activation).tolist() == missing


def test_kernels_of_the_phases() -> None:
    """Output row phase 0 of a 3 x 3 kernel at stride 2 meets taps 2, then 0, phase 1 tap 1."""
    weight = np.arange(9).reshape(1, 1, 3, 3)
    kernels = [kernel[0, 0].tolist() for kernel in phase_kernels(weight, 2)]
    assert kernels == [[[8, 6], [2, 0]], [[7], [1]], [[5, 3]], [[4]]]
    assert [kernel[0, 0].tolist() for kernel in phase_kernels(weight, 1)] == [[[8, 7, 6], [5, 4, 3], [2, 1, 0]]]
    single = phase_kernels(np.array([[[[7]]]]), 2)  # three phases have no tap
    assert [kernel.tolist() for kernel in single] == [[[[[7]]]], [[[[0]]]], [[[[0]]]], [[[[0]]]]]


@pytest.mark.parametrize("packing", [Packing("dsp", 2, 17, 3), Packing("dsp", 3, 8, 1), LUT])
def test_rows_of_the_phases_follow_one_another(packing: Packing) -> None:
    weight = np.random.default_rng(2).integers(-1, 2, (5, 4, 5, 5))
    kernels = phase_kernels(weight, 2)
    apart = [pack(kernel, pe=2, simd=3, bits=2, packing=packing) for kernel in kernels]
    together = pack(kernels, pe=2, simd=3, bits=2, packing=packing)
    assert [len(memories[0]) for memories in apart] == [9 * 6, 6 * 6, 6 * 6, 4 * 6]
    assert together == [sum(rows, []) for rows in zip(*apart, strict=True)]


def test_the_chain_is_proven_for_all_phases() -> None:
    """Large weights in one phase alone: eight lanes in two chains, where the others take one."""
    weight = np.ones((2, 8, 3, 3), dtype=np.int64)
    weight[:, :, 1, 1] = 127
    kernels = phase_kernels(weight, 2)
    proven = [proven_chain(kernel, 2, 8, 1, W8A8, signed(8)) for kernel in kernels]
    assert proven == [8, 8, 8, 7]
    assert proven_chain(kernels, 2, 8, 1, W8A8, signed(8)) == 7


def test_errors() -> None:
    assert pack(np.array([-127, -127]).reshape(2, 1, 1, 1), pe=2, simd=1, bits=8) == [[0x80_81]]
    with pytest.raises(ValueError, match=r"^weight: wanted narrow range, -127 \.\. 127, got -128$"):
        pack(np.array([[[[-128]]]]), pe=1, simd=1, bits=8)
    with pytest.raises(ValueError, match="^weight: wanted -1 and 1 in a multiple of 1 channels, got zeros in between$"):
        pack(np.array([[[[0]]]]), pe=1, simd=1, bits=1, packing=LUT)
    with pytest.raises(ValueError, match="^weight: wanted -1 and 1 in a multiple of 2 channels, got zeros in between$"):
        pack(np.array([[[[1]]]]), pe=1, simd=2, bits=1, packing=LUT)
    with pytest.raises(ValueError, match="^chain: wanted at most 4, which these weights allow, got 5$"):
        pack(np.full((2, 5, 1, 1), 127), pe=2, simd=5, bits=8, packing=Packing("dsp", 2, 17, 5))


def test_varying_columns() -> None:
    """Bits that are the same in every row, 0 or 1, are not counted."""
    assert varying_columns([[0b1010, 0b1110, 0b1011], [7, 7], [0, 0b1000]]) == (2, 0, 1)
    rows = [[0b0001, 0b1110, 0b0000], [0b11, 0b00]]
    assert varying_columns(rows) == (4, 2)
    assert varying_columns(rows, distinct=True) == (2, 1)
