"""Transformed weights in DSPs, in two dimensions: every part fits, the parts of a word add up to it, and each word
comes with the column that its product needs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwgen.rtl.packing import Packing, chain_runs
from hwgen.rtl.winograd2d import largest
from hwgen.rtl.winograd2d_weights import (
    CANARY,
    FoldedWeights2d,
    WinogradProgram2d,
    WinogradWeights2d,
    Word2d,
    kernel_2d,
)


def of(
    outputs: int = 5, inputs: int = 3, pe: int = 4, simd: int = 2, *, kernel: int = 5, stride: int = 1, field: int = 16,
    chain: int = 1, most: int = 127,
) -> WinogradWeights2d:  # fmt: skip
    """Random weights for activations of 8 bits."""
    weight = np.random.default_rng(0).integers(-most, most + 1, (outputs, inputs, kernel, kernel))
    packing = Packing("dsp", 2, field, chain)
    folded = FoldedWeights2d(kernel_2d(weight, stride), pe, simd, 8, packing, 25 - field)
    return WinogradWeights2d(folded, tuple(range(pe)))


CASES = [of(), of(chain=2), of(kernel=3), of(stride=2, field=17, chain=2), of(inputs=7, pe=5, simd=4, chain=3),
         of(most=9)]  # fmt: skip


def words_of(own: WinogradWeights2d) -> list[Word2d]:
    found = WinogradProgram2d([[own]], [0]).words()
    assert all(isinstance(word, Word2d) for word in found)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("own", CASES)
def test_parts_add_up(own: WinogradWeights2d) -> None:
    """Word by word the parts' sum is the transformed weight; the word that only reads has none."""
    folded = own.folded
    whole, pe, simd = folded.products, folded.pe, folded.simd
    outputs, inputs = whole.shape[:2]
    total = np.zeros((folded.folds * pe, folded.groups * simd, *whole.shape[2:]), dtype=np.int64)
    words, parts, groups, fold = words_of(own), own.parts(), _groups(own), 0
    assert len(words) == len(parts) == sum(own.fold_words)
    for place, (word, part, group) in enumerate(zip(words, parts, groups, strict=True)):
        if folded.kernel.schedule.ahead and place == 0:
            assert not part.any()
            continue
        for p, lane in itertools.product(range(pe), range(simd)):
            total[fold * pe + p, group * simd + lane, word.use_row, word.step] += part[p, lane]
        fold += word.end_fold
    assert fold == folded.folds
    assert np.array_equal(total[:outputs, :inputs], whole)
    assert not total[outputs:].any()
    assert not total[:, inputs:].any()


def _groups(own: WinogradWeights2d) -> list[int]:
    """The group of every word's product, out of the line of columns that the words read."""
    kernel = own.folded.kernel
    line: list[tuple[int, int, int]] = []
    found = []
    for word in words_of(own):
        if word.reads:
            line = [(word.row, word.group, word.column), *line][: kernel.schedule.length]
        if kernel.schedule.ahead and not found:
            found.append(0)
            continue
        step = kernel.steps[word.step]
        places = kernel.schedule.places[word.step]
        met = [line[place] for place in (places if step.second is not None else places[:1])]
        assert [column for _, _, column in met] == [step.first, step.second][: len(met)]
        assert {row for row, _, _ in met} == {word.use_row}
        (group,) = {group for _, group, _ in met}
        found.append(group)
    return found


@pytest.mark.parametrize("own", CASES)
def test_every_part_fits(own: WinogradWeights2d) -> None:
    """Lower weights leave their field by two bits for no activation, upper ones their bits, with the borrow."""
    folded = own.folded
    field, kernel = folded.packing.field_bits, folded.kernel
    for word, part in zip(words_of(own), own.parts(), strict=True):
        most = largest(kernel.row_steps[word.use_row], kernel.steps[word.step], folded.bits)
        for below, above in own.pairs:
            for run in chain_runs(folded.simd, folded.packing.chain):
                assert np.abs(part[below, run.start : run.stop]).sum() * most < 1 << (field + CANARY - 1)
            stored = part[above] - (part[below] < 0)
            assert -(1 << (folded.high_bits - 1)) <= stored.min()
            assert stored.max() < 1 << (folded.high_bits - 1)


def test_words_come_once_where_all_fits() -> None:
    """One more for each block where columns are read ahead."""
    assert of(most=9).fold_words == (2 * 49,) * 2
    assert of(most=9, kernel=3).fold_words == (2 * 16 + 1, 2 * 16)
