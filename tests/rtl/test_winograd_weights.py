"""Transformed weights in DSPs: every part fits, and the parts of a word add up to it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwgen.rtl.packing import Packing, chain_runs
from hwgen.rtl.winograd import steps, transformed
from hwgen.rtl.winograd_weights import FoldedWeights, WinogradKernel, WinogradProgram, WinogradWeights, best_order


def weights(
    outputs: int = 5, inputs: int = 3, pe: int = 4, simd: int = 2, *, field: int = 16, high: int = 9, chain: int = 1,
    largest: int = 127, seed: int = 0, order: tuple[int, ...] = (),
) -> WinogradWeights:  # fmt: skip
    weight = np.random.default_rng(seed).integers(-largest, largest + 1, (outputs, inputs, 3, 5))
    return of(weight, pe, simd, Packing("dsp", 2, field, chain), high, order)


def of(
    weight: np.ndarray, pe: int, simd: int = 1, packing: Packing = Packing("dsp", 2, 16, 1), high: int = 9,  # noqa: B008
    order: tuple[int, ...] = (),
) -> WinogradWeights:  # fmt: skip
    """Weights at a stride of 1, for activations of 8 bits."""
    kernel = WinogradKernel(transformed(weight, 1), steps(weight.shape[3], 1))
    folded = FoldedWeights(kernel, pe, simd, 8, packing, high)
    return WinogradWeights(folded, order or tuple(range(pe)))


CASES = [
    weights(),
    weights(chain=2),
    weights(field=17, high=8, chain=2),
    weights(field=17, high=10, chain=2),
    weights(inputs=7, pe=5, simd=4, chain=3),
    weights(inputs=7, pe=3, simd=4, chain=4, largest=20),
    weights(outputs=1, pe=1, simd=3),
    weights(outputs=6, pe=6, order=(3, 1, 5, 0, 2, 4)),
]


@pytest.mark.parametrize("own", CASES)
def test_parts_add_up(own: WinogradWeights) -> None:
    """Word by word the parts' sum is the transformed weight of the word's row, group and step."""
    folded = own.folded
    whole, pe, simd = folded.products, folded.pe, folded.simd
    outputs, inputs = whole.shape[:2]
    folds = -(-outputs // pe)
    total = np.zeros((folds * pe, folded.groups * simd, *whole.shape[2:]), dtype=np.int64)
    fold = 0
    for word, part in zip(WinogradProgram([[own]]).words(), own.parts(), strict=True):
        for p, lane in itertools.product(range(pe), range(simd)):
            total[fold * pe + own.order[p], word.group * simd + lane, word.row, word.step] += part[p, lane]
        fold += word.end_fold
    assert fold == folds
    assert np.array_equal(total[:outputs, :inputs], whole)
    assert not total[outputs:].any()
    assert not total[:, inputs:].any()


@pytest.mark.parametrize("own", CASES)
def test_every_part_fits(own: WinogradWeights) -> None:
    """Lower weights leave their field for no activation, upper ones their bits, with the borrow from below."""
    folded = own.folded
    words, limit = WinogradProgram([[own]]).words(), (1 << folded.packing.field_bits) - 1
    for word, part in zip(words, own.parts(), strict=True):
        largest = folded.steps[word.step].largest(folded.bits)
        for below, above in own.pairs:
            for run in chain_runs(folded.simd, folded.packing.chain):
                assert np.abs(part[below, run.start : run.stop]).sum() * largest <= limit
            assert np.abs(part[below]).max() < 1 << (own.lower_bits - 1)
            stored = part[above] - (part[below] < 0)
            assert -(1 << (folded.high_bits - 1)) <= stored.min()
            assert stored.max() < 1 << (folded.high_bits - 1)


def test_words_come_once_where_all_fits() -> None:
    own = weights(largest=20)
    assert own.counts.max() == 1
    assert own.fold_words == (2 * 3 * 7,) * 2


def test_a_word_that_does_not_fit_comes_again() -> None:
    """One weight of 381 above another: two words, of 255 and the rest; alone in a DSP it comes once."""
    weight = np.zeros((2, 1, 1, 3), dtype=np.int64)
    weight[1] = 127
    own = of(weight, 2)
    assert own.counts.tolist() == [[1, 2, 1, 1]]
    assert own.parts()[:, 1, 0].tolist() == [127, 255, 126, 127, 127]
    narrow = of(weight, 2, packing=Packing("dsp", 2, 17, 1), high=8)
    assert narrow.counts.tolist() == [[1, 3, 1, 1]]
    assert of(weight[1:], 1).counts.tolist() == [[1, 1, 1, 1]]
    # Below, it has room for 65535 // 256 = 255.
    below = of(weight, 2, order=(1, 0))
    assert below.counts.tolist() == [[1, 2, 1, 1]]
    assert below.parts()[:, 0, 0].tolist() == [127, 255, 126, 127, 127]


def test_the_best_order_puts_large_weights_below() -> None:
    weight = np.zeros((4, 1, 1, 3), dtype=np.int64)
    weight[:, 0, 0, 0] = [10, 100, 20, 120]
    weight[:, 0, 0, 1] = [10, 100, 20, 120]
    own = of(weight, 4, packing=Packing("dsp", 2, 17, 1), high=8)
    order = best_order([own.folded])
    assert order == (1, 0, 3, 2)
    assert WinogradWeights(own.folded, order).counts.sum() < own.counts.sum()


def test_memory_rows() -> None:
    """Fields from bit 0 up: the lower weight, then the upper one, 1 less above a negative one."""
    weight = np.array([[[[3, 0]]], [[[-5, 2]]]])
    own = of(weight, 2)
    program = WinogradProgram([[own]])
    assert program.lower_bits == 3
    assert program.layout(3, 0) == [[(0, 0, 3), (1, 0, 9)]]
    fields = [(3, -5), (3, -3), (0, 2)]
    assert program.memories(3, 0) == [[(low & 7) | (high & 511) << 3 for low, high in fields]]
