"""Cycles of a convolution by products of polynomials: blocks of which the first ones of a row have no results."""

from __future__ import annotations

import numpy as np

from hwgen.lower.base import Buffer, Depths
from hwgen.lower.window_events import PairEvents
from hwgen.plan.events import Beats, Cycles, Wait
from hwgen.rtl.polynomial_convolution import PolynomialConvolutionConfig


class PolynomialEvents(PairEvents):
    """As PairEvents, of blocks: a row has one of each kind more than pairs, and the first ones give no beats."""

    def __init__(
        self, buffers: tuple[Buffer, ...], config: PolynomialConvolutionConfig, single_beats: bool
    ) -> None:
        super().__init__(buffers, config, single_beats)
        self.kinds = config.window.kinds
        self.columns_of = self.columns_of[:, self.kinds :]
        self.whole = config.window.row_pairs - config.window.alone
        for own in self.columns_of:
            self.pair_of[own] = np.arange(self.kinds, self.pairs)

    def _rooms(self, frame: int, given: Beats, depths: Depths) -> list[Wait]:
        found: list[Wait] = []
        pairs = self.pairs - self.kinds
        for which, (fifo, of_row) in enumerate(((self.fifo, pairs), (self.second_fifo, self.whole))):
            if of_row:
                leaves = self._output_beats(of_row, which)
                passed = self._passed(of_row)
                found += self._room(fifo, frame, given, depths, self.rows * of_row, passed, leaves)
        return found

    def _passed(self, of_row: int) -> Cycles:
        """For each fold of a frame's blocks the beats of the frame before it in a FIFO that so many blocks of a row
        fill. The others ask for room all the same, and take none."""
        row, place = np.divmod(self.constants.beats_before, self.pairs * self.beats)
        return row * of_row * self.beats + np.clip(place - self.kinds * self.beats, 0, of_row * self.beats)
