"""The weights of two-dimensional products in DSPs: as `hwgen.rtl.winograd_weights`, with two bits to spare in a field.

P = S_0 + S_1 * 2**f, and S_0 may leave its field by two bits, |S_0| < 2**(f + 1): it adds h = floor(S_0 / 2**f), one of
-2, -1, 0, 1, to what stands above. S_1 modulo 4 is known from the products' lowest two bits, so

    h = P[f : f + 2] - S_1  (mod 4),  S_0 = P[:f] + h * 2**f,  S_1 = P[f:] - h

(FINN's mvu has the idea.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwgen.rtl.packing import largest_sum
from hwgen.rtl.winograd import Step, steps
from hwgen.rtl.winograd2d import Schedule, largest, schedule, transformed_2d
from hwgen.rtl.winograd_weights import FoldedWeights, WinogradKernel, WinogradProgram, WinogradWeights, Word

CANARY = 2
"""Bits by which a lower sum may leave its field."""


@dataclass(frozen=True, eq=False)
class WinogradKernel2d(WinogradKernel):
    """As WinogradKernel, transformed in both directions.

    Parameters
    ----------
    products
        int (O, I, products of the rows, of the columns): see `hwgen.rtl.winograd2d.transformed_2d`.
    row_steps
        Products of the rows, `steps` those of the columns.
    schedule
        Of the columns' products.
    """

    row_steps: tuple[Step, ...]
    schedule: Schedule


def kernel_2d(weight: np.ndarray, stride: int) -> WinogradKernel2d:
    """Weights (O, I, rows, columns), transformed."""
    own = schedule(weight.shape[3], stride)
    return WinogradKernel2d(transformed_2d(weight, stride), own.steps, steps(weight.shape[2], stride), own)


@dataclass(frozen=True, eq=False)
class FoldedWeights2d(FoldedWeights):
    """As FoldedWeights, of products in two dimensions."""

    kernel: WinogradKernel2d

    @cached_property
    def low(self) -> NDArray[np.int64]:
        field, rows = self.packing.field_bits + CANARY, self.kernel.row_steps
        own = [[largest_sum(field, largest(row, column, self.bits)) for column in self.steps] for row in rows]
        words = np.array(own, dtype=np.int64)[:, None]
        return np.broadcast_to(words, (len(rows), self.groups, len(self.steps))).ravel()


@dataclass(frozen=True, eq=False)
class WinogradWeights2d(WinogradWeights):
    """As WinogradWeights; where columns are read ahead, a word without weights comes before the first fold."""

    folded: FoldedWeights2d

    @property
    def fold_words(self) -> tuple[int, ...]:
        first, *others = super().fold_words
        return (first + self.folded.kernel.schedule.ahead, *others)

    def parts(self) -> NDArray[np.int64]:
        own = super().parts()
        return np.concatenate([np.zeros_like(own[:1]), own]) if self.folded.kernel.schedule.ahead else own


@dataclass(frozen=True)
class Word2d(Word):
    """A word of a block: what is read with it, and what is made of the columns that were read.

    Parameters
    ----------
    row, group
        Of the column that is read: product of the rows, over all row phases; words of a pixel before it.
    step
        Number of the product of the columns, over all kinds of pairs.
    use_row
        The product of the rows that the word is of.
    column
        The column that is read, in the window of a block's first pair.
    reads
        Whether one is.
    """

    use_row: int
    column: int
    reads: bool

    @property
    def values(self) -> tuple[int, ...]:
        return (*super().values, self.use_row, self.column, self.reads)


class WinogradProgram2d(WinogradProgram):
    """As WinogradProgram, of blocks.

    Parameters
    ----------
    phases
        For each row phase, and in it for each kind of pair, the weights.
    shifts
        Of each kind of pair the column of the block's window at which its own begins.
    """

    phases: Sequence[Sequence[WinogradWeights2d]]

    def __init__(self, phases: Sequence[Sequence[WinogradWeights2d]], shifts: Sequence[int]) -> None:
        super().__init__(phases)
        self.shifts = shifts

    def words(self) -> list[Word]:
        found: list[Word] = []
        rows_before = 0
        for kinds in self.phases:
            steps_before = 0
            for kind, weights in enumerate(kinds):
                found += self._words_of(weights, rows_before, steps_before, self.shifts[kind])
                steps_before += len(weights.folded.steps)
            found[-1] = replace(found[-1], end_program=True)
            rows_before += len(kinds[0].folded.kernel.row_steps)
        return found

    def _words_of(self, weights: WinogradWeights2d, rows_before: int, steps_before: int, shift: int) -> list[Word]:
        """The words of a kind of pair; of a word that comes again the first one reads."""
        own, groups = weights.folded.kernel, weights.folded.groups
        count, rows, turn = len(own.steps), len(own.row_steps), own.schedule
        found: list[Word] = []
        if turn.ahead:
            column = turn.reads[-1] or 0
            found.append(Word2d(rows_before, 0, steps_before, False, False, False, rows_before, shift + column, True))
        for fold in weights.counts.tolist():
            for number, times in enumerate(fold):
                rest, step = divmod(number, count)
                # Ahead, the last product of a row reads the next one's column, and the last of all for nothing.
                of_read = (rest + 1) % (rows * groups) if turn.ahead and step == count - 1 else rest
                row, group = divmod(of_read, groups)
                read = turn.reads[step]
                word = Word2d(
                    rows_before + row, group, steps_before + step, False, False, False,
                    rows_before + rest // groups, shift + (read or 0), read is not None,
                )  # fmt: skip
                found += [word, *[replace(word, reads=False)] * (times - 1)]
            found[-1] = replace(found[-1], end_fold=True)
        found[-1] = replace(found[-1], end_pair=True)
        return found
