"""Cycles in which the folds of convolution and pooling windows are issued and their results leave, for any depths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from hwgen.lower.base import Buffer, Depths, NodeEvents
from hwgen.plan.events import Beats, Chain, Constraint, Cycles, Events, FoldBeats, Wait
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.pair_convolution import PairConvolutionConfig
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.window_pooling import WindowPoolingConfig

LINE_BUFFER = "ring"
FIFO = "fifo"
SECOND_FIFO = "second_fifo"
"""Parts of a buffer's label in the manifest."""


def line_buffer(name: str, window: WindowConfig) -> Buffer:
    """The pixels that a node's window holds."""
    return _line_buffer(name, replace(window, pixels=None))


@lru_cache(maxsize=64)
def _line_buffer(name: str, window: WindowConfig) -> Buffer:
    unit = window.ring_unit
    least, busy, enough = (
        -(-max(window.span, depth) // unit) * unit for depth in (0, window.busy_depth, window.depth)
    )
    return Buffer(name, LINE_BUFFER, f"{name}.{LINE_BUFFER}", window.width * window.height, least, busy, enough, unit,
                  grows=True)  # fmt: skip


@dataclass(frozen=True)
class _Constants:
    """Constants of a folding's events in a frame.

    Parameters
    ----------
    needed
        Of each output pixel the last input pixel that its window needs.
    release
        Of each input pixel the output pixel with which its room is free.
    pixel_words
        Of each output pixel the words of a fold.
    issue_offsets
        Of each fold its last word's cycle where nothing waits, relative to the first one's.
    beats_before
        Of each fold the beats of the frame before it.
    """

    needed: Cycles
    release: Cycles
    pixel_words: Cycles
    issue_offsets: Cycles
    beats_before: Cycles


@lru_cache(maxsize=64)
def _constants(window: WindowConfig, run_folds: int, run_beats: int, fold_beats: int) -> _Constants:
    pixels_in, pixels_out = window.width * window.height, window.out_width * window.out_height
    fold = np.arange(pixels_out * window.folds, dtype=np.int64)
    words = window.fold_cycles
    given_back = np.append(_released(window)[1:], pixels_in)
    return _Constants(
        needed(window) - 1,
        np.searchsorted(given_back, np.arange(1, pixels_in + 1)),
        window.pixel_words,
        np.cumsum(words) - words[0],
        fold // run_folds * run_beats + fold % run_folds * fold_beats,
    )


class WindowEvents(NodeEvents):
    """The events of a window's folds, a convolution's or a pooling's.

        issue[k]   a fold's last word      after issue[k - 1] + its words                 the multipliers
                                           after the last beat of the last pixel needed   the window is complete
                                           after the result that frees room in the FIFO   (backwards)
        output     a fold's first result   after issue[k] + drain latency, the fold before + its beats
        input      a pixel's first beat    after the issue that gives a pixel back        (backwards)
    """

    def __init__(
        self, fifo: Buffer, line_buffer: Buffer, config: ConvolutionConfig | WindowPoolingConfig, single_beats: bool,
        pixels: int | None = None,
    ) -> None:  # fmt: skip
        """pixels : of an output frame, where a window is not one of them."""
        self.config, self.single_beats = config, single_beats
        window = config.window
        self.folds, self.fold_beats = window.folds, config.fold_beats
        self.pixels_in, self.pixels_out = window.width * window.height, window.out_width * window.out_height
        self.beats = config.beats_out
        self.constants = _constants(window, config.run_folds, config.run_beats, self.fold_beats)
        pixels = self.pixels_out if pixels is None else pixels
        per_frame = pixels * self.beats
        self.issue = Events(self.pixels_out * self.folds)
        self.of_folds = FoldBeats(per_frame, pixels, self.folds, self.fold_beats, config.runs)
        beats = Beats(per_frame, pixels) if single_beats else self.of_folds
        self.outputs, self.own = (beats,), (self.issue,)
        self.fifo, self.line_buffer = fifo, line_buffer

    def _last_fold(self, pixel: Cycles) -> Cycles:
        return pixel * self.folds + self.folds - 1

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """As the class says."""
        (taken,), (given,) = inputs, self.outputs
        found: list[Constraint] = []

        def window() -> tuple[Cycles, int | Cycles]:
            index, delay = taken.last_of(frame * self.pixels_in + self.constants.needed)
            return index, delay + self.config.arrival_latency + self.constants.pixel_words - 1

        def result() -> tuple[Cycles, int | Cycles]:
            index, delay = self._results
            return index + frame * self.issue.per_frame, delay

        if self.line_buffer in depths:
            places, delay = taken.first_of_pixels(frame)

            def room_for_pixel() -> tuple[Cycles, int | Cycles]:
                pixels = frame * self.pixels_in + np.arange(self.pixels_in) - depths[self.line_buffer]
                frames, pixel = np.divmod(pixels, self.pixels_in)
                issue = self._last_fold(frames * self.pixels_out + self.constants.release[pixel])
                return issue, self.config.window.release_latency - delay

            found.append(Wait(taken.events, places, self.issue, room_for_pixel, self.line_buffer))
        found.append(Wait(self.issue, self.issue.span(frame, self.folds), taken.events, window))
        found += self._rooms(frame, given, depths)
        found += [
            Chain(self.issue, frame, self.constants.issue_offsets, int(self.constants.pixel_words[0])),
            Wait(given.events, given.events.span(frame), self.issue, result),
        ]
        if self.single_beats:
            found.append(Chain(given.events, frame, np.arange(given.per_frame), 1))
        else:
            found.append(Chain(given.events, frame, self._beats_before(), self.config.last_beats))
        return found

    @cached_property
    def _results(self) -> tuple[Cycles, int | Cycles]:
        """Issues of every beat or fold of the first frame's output, and the cycles from there to it."""
        delay: int | Cycles = 0
        folds = np.arange(self.of_folds.events.per_frame, dtype=np.int64)
        if self.single_beats:
            folds, delay = self.of_folds.of(self.outputs[0].frame(0))
        return self._issued(folds), delay + self._late(folds) + self.config.drain_latency

    def _issued(self, folds: Cycles) -> Cycles:
        """Which issue brings each fold of the output's pixels, both counted over all frames."""
        return folds

    def _late(self, folds: Cycles) -> int | Cycles:
        """By how many cycles each of them comes later than the first results of its issue."""
        return 0

    def _beats_before(self) -> Cycles:
        """For each fold of the output's pixels the beats of the frame before it."""
        return self.constants.beats_before

    def _rooms(self, frame: int, given: Beats, depths: Depths) -> list[Wait]:
        """Waits of a frame's folds whose results find no room."""
        before = self.constants.beats_before
        return self._room(self.fifo, frame, given, depths, self.pixels_out, before, lambda beats: beats)

    def _room(
        self, fifo: Buffer, frame: int, given: Beats, depths: Depths, pixels: int, before: Cycles,
        leaves: Callable[[Cycles], Cycles],
    ) -> list[Wait]:  # fmt: skip
        """As `_rooms`, of one FIFO.

        Parameters
        ----------
        pixels
            Of a frame that pass it.
        before
            Of each fold the beats of the frame that have passed before it.
        leaves
            From its beats to those of the output, counted over all frames.
        """
        if fifo not in depths:
            return []

        def room() -> tuple[Cycles, int | Cycles]:
            beats = frame * pixels * self.beats + before + self.fold_beats - depths[fifo] - 1
            index, delay = given.of(leaves(beats))
            return index, delay + self.config.room_latency

        return [Wait(self.issue, self.issue.span(frame), given.events, room, fifo)]


class PairEvents(WindowEvents):
    """As WindowEvents, of two output columns at a time: a fold gives beats of both pixels of a pair.

    The output's pixels leave one after the other, the first ones out of one FIFO, the second ones out of another.
    """

    def __init__(self, buffers: tuple[Buffer, ...], config: PairConvolutionConfig, single_beats: bool) -> None:
        fifo, self.second_fifo, line_buffer = buffers
        super().__init__(fifo, line_buffer, config, single_beats, config.out_pixels)
        window = config.window
        self.rows, self.columns, self.pairs = window.out_height, window.columns, window.out_width
        self.whole = self.pairs - window.alone
        self.run_folds, self.run_beats = config.run_folds, config.run_beats
        pairs = np.array([window.pair(place) for place in range(self.pairs)], dtype=np.int64)
        self.columns_of = pairs.T  # the first column of every pair in a row, and the second one
        self.pair_of = np.zeros(max(self.columns, int(pairs.max()) + 1), dtype=np.int64)
        for own in self.columns_of:
            self.pair_of[own] = np.arange(self.pairs)

    def _issued(self, folds: Cycles) -> Cycles:
        pixels, fold = np.divmod(folds, self.folds)
        row, column = np.divmod(pixels, self.columns)
        return (row * self.pairs + self.pair_of[column]) * self.folds + fold

    def _beats_before(self) -> Cycles:
        fold = np.arange(self.rows * self.columns * self.folds, dtype=np.int64)
        return fold // self.run_folds * self.run_beats + fold % self.run_folds * self.fold_beats

    def _rooms(self, frame: int, given: Beats, depths: Depths) -> list[Wait]:
        before = self.constants.beats_before
        found = self._room(self.fifo, frame, given, depths, self.pixels_out, before, self._output_beats(self.pairs, 0))
        if not self.whole:
            return found
        # A last pair of one pixel asks for room all the same, and takes none.
        row, place = np.divmod(before, self.pairs * self.beats)
        passed = row * self.whole * self.beats + np.minimum(place, self.whole * self.beats)
        leaves = self._output_beats(self.whole, 1)
        return found + self._room(self.second_fifo, frame, given, depths, self.rows * self.whole, passed, leaves)

    def _output_beats(self, of_row: int, which: int) -> Callable[[Cycles], Cycles]:
        """From the beats of the first (0) or second (1) pixels, so many of a row, to those of the output."""

        def found(beats: Cycles) -> Cycles:
            pixel, place = np.divmod(beats, self.beats)
            row, pair = np.divmod(pixel, of_row)
            return (row * self.columns + self.columns_of[which][pair]) * self.beats + place

        return found


def needed(window: WindowConfig) -> Cycles:
    """window.needed for every output pixel in raster order."""
    rows = np.array([window.needed(row, 0) for row in range(window.out_height)])
    columns = np.array([window.needed(0, column) for column in range(window.out_width)])
    return (rows[:, None] + (columns - columns[0])[None, :]).ravel()


def _released(window: WindowConfig) -> Cycles:
    """window.released for every output pixel in raster order."""
    rows, columns = range(window.out_height), range(window.out_width)
    return np.array([window.released(row, column) for row in rows for column in columns], dtype=np.int64)
