"""Cycles of the folds of a layer that computes two by two outputs at a time, and of its results, for any depths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hwgen.lower.base import Buffer, Depths
from hwgen.lower.window_events import FIFO, SECOND_FIFO, WindowEvents, line_buffer
from hwgen.plan.events import Beats, Cycles, Wait
from hwgen.rtl.winograd2d_convolution import Winograd2dConvolutionConfig
from hwgen.rtl.winograd2d_mac import PLACES

ROW_FIFO = "row_fifo"
SECOND_ROW_FIFO = "second_row_fifo"
"""Parts of a buffer's label in the manifest: as `FIFO` and `SECOND_FIFO`, of a block's second row."""
FIFOS = (FIFO, SECOND_FIFO, ROW_FIFO, SECOND_ROW_FIFO)
"""In the order of the places of a block."""


def block_buffers(name: str, config: Winograd2dConvolutionConfig) -> tuple[Buffer, ...]:
    """The FIFOs of the four places of a block, and the line buffer."""
    full = config.full_depths
    found = []
    for place, (part, least) in enumerate(zip(FIFOS, config.least_depths, strict=True)):
        rows, columns = config.entries(place)
        entries = rows * columns * config.beats_out
        # The second row waits for all of the first: seldom does it need more room than for itself.
        busy = least if PLACES[place][0] else full[place]
        like = FIFOS[place - 1] if PLACES[place][1] else None
        found.append(Buffer(name, part, f"{name}.{part}", entries, least, busy, full[place], like=like))
    return (*found, line_buffer(name, config.window))


def with_block_depths(config: Winograd2dConvolutionConfig, depths: Mapping[str, int]) -> Winograd2dConvolutionConfig:
    """The config with FIFOs of these depths, by their part."""
    first, second, row, second_row = (depths[part] for part in FIFOS)
    return replace(config, depth=first, second_depth=second, row_depth=row, second_row_depth=second_row)


@dataclass(frozen=True)
class _Blocks:
    """Constants of a config, whatever frame and depths, int64 arrays: found once for all the depths that are tried.

    rows_of, columns_of : (2, pairs), the rows of every pair of rows, the columns of every pair of columns
    row_pair, column_pair : of each row and column the pair that has it
    passed : of each place of a block that there is, for each fold the beats that its FIFO has had before it
    """

    rows_of: Cycles
    row_pair: Cycles
    columns_of: Cycles
    column_pair: Cycles
    passed: dict[int, Cycles]


@lru_cache(maxsize=64)
def _blocks(config: Winograd2dConvolutionConfig) -> _Blocks:
    window, beats = config.window, config.beats_out
    across = window.out_width

    def pairs(count: int) -> tuple[Cycles, Cycles]:
        found = np.array([window.pair(place) for place in range(count)], dtype=np.int64)
        pair_of = np.zeros(int(found.max()) + 1, dtype=np.int64)
        for own in found.T:
            pair_of[own] = np.arange(count)
        return found.T, pair_of

    # A block that lacks a pixel asks for room for it all the same, and takes none.
    folds = np.arange(window.out_height * across * window.folds, dtype=np.int64)
    run, fold = np.divmod(folds, config.run_folds)
    block, offset = np.divmod(run * config.run_beats + fold * config.fold_beats, beats)
    row, column = np.divmod(block, across)
    passed = {}
    for place in range(len(PLACES)):
        rows, columns = config.entries(place)
        here = np.minimum(column * beats + offset, columns * beats)
        if rows * columns:
            passed[place] = np.where(row < rows, row * columns * beats + here, rows * columns * beats)
    return _Blocks(*pairs(window.out_height), *pairs(across), passed)


class BlockEvents(WindowEvents):
    """As WindowEvents: a fold gives beats of all four pixels of a block.

    The output's rows leave one after the other, and in them the pixels, each out of the FIFO of its place in a block.
    """

    config: Winograd2dConvolutionConfig

    def __init__(self, buffers: tuple[Buffer, ...], config: Winograd2dConvolutionConfig, single_beats: bool) -> None:
        *self.fifos, ring = buffers
        super().__init__(self.fifos[0], ring, config, single_beats, config.out_pixels)
        window = config.window
        self.rows, self.columns = window.rows, window.columns
        self.down, self.across = window.out_height, window.out_width
        self.blocks = blocks = _blocks(config)
        self.rows_of, self.row_pair = blocks.rows_of, blocks.row_pair
        self.columns_of, self.column_pair = blocks.columns_of, blocks.column_pair
        self.run_folds, self.run_beats = config.run_folds, config.run_beats

    def _issued(self, folds: Cycles) -> Cycles:
        pixels, fold = np.divmod(folds, self.folds)
        rows, column = np.divmod(pixels, self.columns)
        frame, row = np.divmod(rows, self.rows)
        pair = (frame * self.down + self.row_pair[row]) * self.across + self.column_pair[column]
        return pair * self.folds + fold

    def _late(self, folds: Cycles) -> Cycles:
        """The results of a fold leave the requantisers place by place."""
        row, column = np.divmod(folds // self.folds, self.columns)
        second_row = self.rows_of[1][self.row_pair[row % self.rows]] == row % self.rows
        second = self.columns_of[1][self.column_pair[column]] == column
        return (2 * second_row + second) * self.fold_beats

    def _beats_before(self) -> Cycles:
        fold = np.arange(self.rows * self.columns * self.folds, dtype=np.int64)
        return fold // self.run_folds * self.run_beats + fold % self.run_folds * self.fold_beats

    def _rooms(self, frame: int, given: Beats, depths: Depths) -> list[Wait]:
        found = []
        for place, passed in self.blocks.passed.items():
            rows, columns = self.config.entries(place)
            leaves = self._output_beats(rows, columns, place)
            found += self._room(self.fifos[place], frame, given, depths, rows * columns, passed, leaves)
        return found

    def _output_beats(self, rows: int, columns: int, place: int) -> Callable[[Cycles], Cycles]:
        """Map from beats of one place of the blocks, so many rows and columns of a frame, to those of the output."""
        which_row, which_column = PLACES[place]

        def found(beats: Cycles) -> Cycles:
            pixel, beat = np.divmod(beats, self.beats)
            down, pair = np.divmod(pixel, columns)
            frame, row_pair = np.divmod(down, rows)
            row = frame * self.rows + self.rows_of[which_row][row_pair]
            return (row * self.columns + self.columns_of[which_column][pair]) * self.beats + beat

        return found
