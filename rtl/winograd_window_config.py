"""The arithmetic of the window of Winograd's products: its words, pixels and cost."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from hwgen.rtl.memory import Form, RomConfig
from hwgen.rtl.paired_window import PairedWindowConfig
from hwgen.rtl.primitives import Cost, bits_of, counter_ff
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.winograd import CONTROLS, Step, steps

READ_LATENCY = 5
"""Cycles from the decision that a word goes to the address of the memories."""
LATENCY = READ_LATENCY + 4
"""Cycles to the word."""
ROOM_LATENCY = 2
"""Cycles from a beat that leaves to a word that needs its room: that it goes is decided in the cycle before."""
LEAST_FOLD = 3
"""Fewest words of a fold: see `hwgen.rtl.program_sequencer`."""
LOGIC_PROGRAM = 256
"""Programs of at most so many words are in logic."""


@dataclass(frozen=True)
class WinogradWindowConfig(PairedWindowConfig):
    """As WindowConfig, of pairs of output columns; `out_width` counts pairs.

    Of an ordinary convolution a pair is two neighbours, 2 P and 2 P + 1. Of a transposed one at a stride of 2 it is two
    of one phase: four columns make a pair of either kind, 4 Q and 4 Q + 2, then 4 Q + 1 and 4 Q + 3.

    Parameters
    ----------
    fold_words
        Words of each fold, row phase by row phase, and in it kind of pair by kind.

    Raises
    ------
    ValueError
        As WindowConfig; a dilated convolution, groups, several tap rows to a word; a transposed one at a stride of
        1, or of a row that ends with a pair of the first kind.
    """

    fold_words: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, wanted in (("dilation", 1), ("groups", 1), ("taps", 1)):
            if (got := getattr(self, key)) != wanted:
                raise ValueError(f"{key}: wanted {wanted} for Winograd's products, got {got}")
        if self.transposed and self.stride != 2:
            raise ValueError(f"stride: wanted 2 in a transposed convolution, got {self.stride}")
        if self.out_width % self.kinds:
            raise ValueError(f"width: wanted an output of whole pairs of both kinds, got {self.columns} columns")
        wanted_folds = [self.folds] * (self.kinds * self.phases)
        least = max(self.least_words, LEAST_FOLD)
        if [len(own) for own in self.fold_words] != wanted_folds or min(map(min, self.fold_words)) < least:
            raise ValueError(f"fold_words: wanted {self.folds} folds of at least {least} words for each of "
                             f"{len(wanted_folds)} phases, got {self.fold_words}")  # fmt: skip

    @property
    def read_latency(self) -> int:
        """Cycles from the decision that a word goes to the address of the memories."""
        return READ_LATENCY

    @property
    def latency(self) -> int:
        """Cycles to the word."""
        return LATENCY

    @property
    def controls(self) -> int:
        """Bits beside a word."""
        return CONTROLS

    @property
    def word_bits(self) -> int:
        """Signed width of a word's values."""
        return self.bits + 1

    @property
    def rows_at_once(self) -> int:
        """Output rows of a pair's words."""
        return 1

    @property
    def field_rows(self) -> int:
        """Rows, or products of rows, that a word may be of."""
        return max(self.row_kernels)

    @property
    def kinds(self) -> int:
        """Kinds of pairs in a row."""
        return 2 if self.transposed else 1

    def column_phase(self, kind: int) -> int:
        """The column phase of a kind of pair."""
        return (self.padding_width + kind) % self.phases

    def kind_columns(self, kind: int) -> int:
        """Tap columns of a kind of pair."""
        return self.phase_taps[self.column_phase(kind)] if self.transposed else self.kernel_width

    @property
    def row_kernels(self) -> tuple[int, ...]:
        """Tap rows of each row phase."""
        return self.phase_taps if self.transposed else (self.kernel_height,)

    @property
    def block_begin(self) -> int:
        """The first column that the first pairs of a row read, of either kind."""
        return min(self._first_of(kind) for kind in range(self.kinds))

    def _first_of(self, column: int) -> int:
        """The first input column of an output column."""
        return self._first(column, self.padding_width)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The products of a tap row, kind by kind; columns count from `block_begin`."""
        found: list[Step] = []
        for kind in range(self.kinds):
            shift = self._first_of(kind) - self.block_begin
            for step in steps(self.kind_columns(kind), self.tap_stride):
                second = None if step.second is None else step.second + shift
                found.append(replace(step, first=step.first + shift, second=second))
        return tuple(found)

    @property
    def block_step(self) -> int:
        """Input columns from the pairs, one of each kind, to the next ones."""
        return 2 if self.transposed else 2 * self.stride

    @cached_property
    def _ends(self) -> tuple[tuple[int, int], ...]:
        """The first and the last input column of every pair of a row."""
        found = []
        for first, second in map(self.pair, range(self.out_width)):
            taps = self.kernel_width
            if self.transposed:
                taps = self.phase_taps[(second + self.padding_width) % self.phases]
            found.append((self._first_of(first), self._first_of(second) + taps - 1))
        return tuple(found)

    def first_column(self, column: int) -> int:
        return self._ends[column][0]

    def last_column(self, column: int) -> int:
        return self._ends[column][1]

    @property
    def tap_stride(self) -> int:
        """Rows, and columns, from a tap of a product to its next one."""
        return 1 if self.transposed else self.stride

    @property
    def kind_steps(self) -> tuple[int, ...]:
        """Products of a tap row for each kind of pair."""
        stride = self.tap_stride
        return tuple(len(steps(self.kind_columns(kind), stride)) for kind in range(self.kinds))

    @cached_property
    def least_words(self) -> int:
        """The fewest words of a fold."""
        return min(self.row_kernels) * self.tap_words * min(self.kind_steps)

    @property
    def words(self) -> int:
        return max(map(max, self.fold_words))

    @property
    def cycles_per_pixel(self) -> int:
        """Cycles of the longest pair."""
        return max(map(sum, self.fold_words))

    @property
    def weight_rows(self) -> int:
        return sum(map(sum, self.fold_words))

    @property
    def blocks(self) -> list[int]:
        sizes = [sum(own) for own in self.fold_words]
        return [sum(sizes[:place]) for place in range(len(sizes))]

    @property
    def first_phase(self) -> int:
        """The number of the block of a frame's first pair."""
        return self.padding_height % self.phases * self.kinds

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """The blocks of a frame's pairs in order."""
        rows = (np.arange(self.out_height) + self.padding_height) % self.phases
        return (rows[:, None] * self.kinds + np.arange(self.out_width) % self.kinds).ravel()

    @property
    def pixel_words(self) -> NDArray[np.int64]:
        """Words of the first fold of each pair."""
        return np.array([own[0] for own in self.fold_words], dtype=np.int64)[self._rows]

    @property
    def frame_words(self) -> int:
        """Words of a frame's first folds; others may have more or fewer."""
        return int(self.pixel_words.sum())

    @property
    def frame_products(self) -> int:
        """Products of a frame for each channel of the input and of the output."""
        own = [rows * count for rows in self.row_kernels for count in self.kind_steps]
        return int(np.array(own, dtype=np.int64)[self._rows].sum())

    @property
    def pair_cycles(self) -> NDArray[np.int64]:
        """Words of all folds of each pair."""
        return np.array([sum(own) for own in self.fold_words], dtype=np.int64)[self._rows]

    @property
    def fold_cycles(self) -> NDArray[np.int64]:
        return np.array(self.fold_words, dtype=np.int64)[self._rows].ravel()

    @property
    def depth(self) -> int:
        return super().depth + (0 if self.pixels is not None else 4 * self.stride + READ_LATENCY)

    @property
    def busy_depth(self) -> int:
        return super().busy_depth + 3 * self.stride + READ_LATENCY

    @property
    def arrival_latency(self) -> int:
        return super().arrival_latency + 2

    @property
    def release_latency(self) -> int:
        return 1 + self.read_latency

    @property
    def memory_words(self) -> int:
        return 2 * self.bank_words

    @property
    def step_count(self) -> int:
        """Products of a tap row, of all kinds of pairs."""
        return len(self.steps)

    @property
    def field_bits(self) -> tuple[int, ...]:
        """Widths of a word's fields in the program: end of fold, pair and program; row, group, step."""
        counts = (self.field_rows, self.tap_words, self.step_count)
        return (1, 1, int(self.transposed), *map(bits_of, counts))

    @property
    def program(self) -> RomConfig:
        """The program's memory."""
        form: Form = "logic" if self.weight_rows <= LOGIC_PROGRAM else "block"
        return RomConfig(self.weight_rows, sum(self.field_bits), form, self.half_block_luts)

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str) -> Cost:
        memories = self.memory.cost(family) * 2 + self.program.cost(family)
        return memories + winograd_reader_cost(self)


def shortest_fold(window: WindowConfig) -> int:
    """Words of the shortest fold of pairs that an ordinary or transposed window would have, if every word came once."""
    columns, rows = (window.phase_taps if window.transposed else (taps,)
                     for taps in (window.kernel_width, window.kernel_height))  # fmt: skip
    stride = 1 if window.transposed else window.stride
    return min(rows) * min(len(steps(taps, stride)) for taps in columns) * window.tap_words


def in_winograd_pairs(window: WindowConfig, fold_words: tuple[tuple[int, ...], ...]) -> WinogradWindowConfig:
    """The same window for pairs of outputs."""
    own = {field.name: getattr(window, field.name) for field in fields(WindowConfig)}
    return WinogradWindowConfig(**own, fold_words=fold_words)


def winograd_reader_cost(window: WinogradWindowConfig) -> Cost:
    """Gathering of beats, counters, addresses and sums, without the memories. The LUTs were fitted to measurements."""
    address, width = bits_of(window.bank_words), window.simd * window.bits
    sums = window.simd * (window.bits + 1)
    rows, columns = (
        (size + window.reach_width + 3 * window.stride).bit_length() for size in (window.height, window.width)
    )
    per_word = -(-window.simd // window.lanes)
    ff = counter_ff(window.beats)
    if per_word > 1:
        ff += per_word * (window.lanes * window.bits + 1) + 2
    ff += 2 * (window.capacity.bit_length() + 1) + 10  # what the line buffer holds, and what changes that
    ff += sum(map(counter_ff, (window.out_width, window.out_height, window.weight_rows))) + 2 * sum(window.field_bits)
    ff += 27 * address + bits_of(window.weight_rows) + 2 * rows + 3 * columns + 4 * width + sums
    lut = 11.5 * address + 2 * width + sums + 3 * per_word
    return Cost(round(lut), ff)
