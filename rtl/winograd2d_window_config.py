"""The arithmetic of the window of two-dimensional products: its words, rows, memories and cost."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from functools import cache, cached_property
from math import gcd

import numpy as np

from hwgen.rtl.fanout import groups
from hwgen.rtl.memory import RamConfig, ram_form
from hwgen.rtl.primitives import Cost, bits_of, counter_ff, select_lut
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.winograd import Step, steps
from hwgen.rtl.winograd2d import CONTROLS, Schedule, schedule
from hwgen.rtl.winograd_window_config import WinogradWindowConfig

LEAST_CYCLE = 3
"""The fewest rows, a stride apart, in a ring of rows of which any three in turn lie in different banks."""


@cache
def bank_cycle(length: int) -> tuple[int, ...]:
    """Banks for the rows of a ring, such that rows that are one or two apart are never in the same one.

    Threes, and a four for each row left over: 0 1 2 and 0 1 2 3 in any order. Five rows have five banks.
    """
    if length == 5:
        return tuple(range(5))
    fours = length % 3
    return tuple([0, 1, 2, 3] * fours + [0, 1, 2] * ((length - 4 * fours) // 3))


@dataclass(frozen=True)
class Winograd2dWindowConfig(WinogradWindowConfig):
    """As WinogradWindowConfig, of blocks of two by two outputs; `out_height` counts pairs of rows, as `out_width` does
    pairs of columns.

    A row phase of a transposed convolution makes a pair of rows as its column phases make pairs of columns: rows 4 Q
    and 4 Q + 2, then 4 Q + 1 and 4 Q + 3. The line buffer holds whole rows.

    Raises
    ------
    ValueError
        As WinogradWindowConfig; a transposed convolution of an output that ends with a pair of rows of the first kind.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out_height % self.kinds:
            raise ValueError(f"height: wanted an output of whole pairs of both kinds, got {self.rows} rows")

    @property
    def rows(self) -> int:
        """Rows of the output."""
        return self._out_size(self.height, self.padding_height, self.kernel_height)

    @property
    def out_height(self) -> int:
        """Pairs of rows of the output; the last one of each kind may have one row."""
        blocks, rest = divmod(self.rows, 2 * self.kinds)
        return blocks * self.kinds + min(rest, self.kinds)

    @property
    def alone_rows(self) -> int:
        """Pairs of rows at a frame's end that have one row."""
        return sum(self.pair(self.out_height - 1 - kind)[1] >= self.rows for kind in range(self.kinds))

    def first_row(self, row: int) -> int:
        return self._first(self.pair(row)[0], self.padding_height)

    def last_row(self, row: int) -> int:
        second = self.pair(row)[1]
        if self.transposed:
            return (second + self.padding_height) // self.stride
        return self._first(second, self.padding_height) + self.reach_height - 1

    @property
    def rows_at_once(self) -> int:
        return 2

    @cached_property
    def phase_row_steps(self) -> tuple[tuple[Step, ...], ...]:
        """The products of the rows of each row phase, counted from the pair's first row."""
        return tuple(steps(taps, self.tap_stride) for taps in self.row_kernels)

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """The products of the columns of each kind of pair in turn, counted from the kind's first column."""
        return tuple(schedule(self.kind_columns(kind), self.tap_stride) for kind in range(self.kinds))

    @property
    def frame_products(self) -> int:
        own = [len(rows) * count for rows in self.phase_row_steps for count in self.kind_steps]
        return int(np.array(own, dtype=np.int64)[self._rows].sum())

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of them, kind by kind."""
        return sum((own.steps for own in self.schedules), ())

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Places of their columns in the line."""
        return sum((own.places for own in self.schedules), ())

    @property
    def line(self) -> int:
        """Columns of the line."""
        return max(own.length for own in self.schedules)

    @property
    def line_copies(self) -> int:
        """Copies of the flag that moves the line."""
        return groups(self.simd, self.bits + 1)

    @property
    def window_columns(self) -> int:
        """Columns of a block's window."""
        ends = [self._first_of(kind) - self.block_begin + max(filter(None, own.reads), default=0)
                for kind, own in enumerate(self.schedules)]  # fmt: skip
        return max(ends) + 1

    @property
    def field_bits(self) -> tuple[int, ...]:
        """As WinogradWindowConfig; the products of the rows that a word is of; the column that is read, and whether."""
        return (*super().field_bits, bits_of(self.field_rows), bits_of(self.window_columns), 1)

    @property
    def row_steps(self) -> tuple[Step, ...]:
        """All of them, phase by phase."""
        return sum(self.phase_row_steps, ())

    @property
    def least_words(self) -> int:
        columns = min(len(own.steps) for own in self.schedules)
        return min(map(len, self.phase_row_steps)) * self.tap_words * columns

    @property
    def controls(self) -> int:
        return CONTROLS

    @property
    def read_latency(self) -> int:
        return 5

    @property
    def latency(self) -> int:
        return self.read_latency + 6

    @property
    def word_bits(self) -> int:
        return self.bits + 2

    @property
    def field_rows(self) -> int:
        return len(self.row_steps)

    @property
    def step_rows(self) -> int:
        """Input rows from a block of rows, one pair of each kind, to the next."""
        return self.block_step

    @property
    def depth(self) -> int:
        if self.pixels is not None:
            return self.pixels
        return self._rows_held * self.width + self.reach_width + 4 * self.stride + self.read_latency + 2

    @property
    def busy_depth(self) -> int:
        return self._rows_held * self.width + 1

    @property
    def _rows_held(self) -> int:
        """Rows before the one in which the window of the next pair of rows ends."""
        if self.transposed:
            return max(self.phase_taps) + 1
        # From a frame to the next the window may move by more rows than inside.
        again = self.height - (self.out_height - 1) * 2 * self.stride
        return self.reach_height + self.stride + max(2 * self.stride, again) - 2

    @property
    def span(self) -> int:
        return self._with_banks(-(-super().span // self.width)) * self.width

    def _with_banks(self, least: int) -> int:
        """The fewest rows with banks, at least so many: any number from 3 strides on, but not 4 at a stride of 2."""
        return next(rows for rows in itertools.count(least) if rows // gcd(rows, self.tap_stride) >= LEAST_CYCLE)

    @property
    def ring_unit(self) -> int:
        return self.width

    @property
    def rows_held(self) -> int:
        """Rows of the line buffer."""
        return self._with_banks(-(-self.depth // self.width))

    @property
    def capacity(self) -> int:
        return self.rows_held * self.width

    @cached_property
    def row_places(self) -> tuple[tuple[int, int], ...]:
        """(bank, place in it) of every row of the ring."""
        rows, stride = self.rows_held, self.tap_stride
        apart = gcd(rows, stride)
        cycle = bank_cycle(rows // apart)
        banks = {}
        for first in range(apart):
            for number, bank in enumerate(cycle):
                banks[(first + number * stride) % rows] = bank
        taken = [0] * (max(cycle) + 1)
        found = []
        for row in range(rows):
            found.append((banks[row], taken[banks[row]]))
            taken[banks[row]] += 1
        return tuple(found)

    @property
    def bank_rows(self) -> tuple[int, ...]:
        """Rows of each bank."""
        banks = [bank for bank, _ in self.row_places]
        return tuple(banks.count(bank) for bank in range(max(banks) + 1))

    @property
    def row_words(self) -> int:
        """Words of a row."""
        return self.width * self.stored_words

    @property
    def banks(self) -> int:
        return len(self.bank_rows)

    @property
    def bank_words(self) -> int:
        return max(self.bank_rows) * self.row_words

    @property
    def memories(self) -> tuple[RamConfig, ...]:
        """Memory of each bank."""
        words = [rows * self.row_words for rows in self.bank_rows]
        return tuple(
            RamConfig(own, self.simd * self.bits, ram_form(own, self.form), self.half_block_luts) for own in words
        )

    @property
    def memory_words(self) -> int:
        return self.rows_held * self.row_words

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str) -> Cost:
        memories = sum((memory.cost(family) for memory in self.memories), Cost())
        return memories + self.program.cost(family) + _reader_cost(self)


def in_blocks(window: WindowConfig, fold_words: tuple[tuple[int, ...], ...]) -> Winograd2dWindowConfig:
    """The same window for blocks of two by two outputs."""
    own = {field.name: getattr(window, field.name) for field in fields(WindowConfig)}
    return Winograd2dWindowConfig(**own, fold_words=fold_words)


def _reader_cost(window: Winograd2dWindowConfig) -> Cost:
    """Gathering of beats, counters, addresses, choices and sums, without the memories. The LUTs were fitted to
    measurements."""
    address, width, banks = bits_of(window.bank_words), window.simd * window.bits, window.banks
    rows, columns = (
        (size + window.reach_width + 3 * window.stride).bit_length() for size in (window.height, window.width)
    )
    per_word = -(-window.simd // window.lanes)
    ff = counter_ff(window.beats)
    if per_word > 1:
        ff += per_word * (window.lanes * window.bits + 1) + 2
    ff += 2 * (window.capacity.bit_length() + 1) + 21  # what the line buffer holds, and what changes that
    ff += sum(map(counter_ff, (window.out_width, window.out_height, window.weight_rows))) + 2 * sum(window.field_bits)
    ff += (banks + 13) * address + bits_of(window.weight_rows) + 2 * rows + 2 * columns + width + 24
    column, word = window.simd * (window.bits + 1), window.simd * (window.bits + 2)
    ff += (banks + 2) * width + (window.line + 2) * column + word
    choice = {3: 1.5, 4: 2}.get(banks, 3.2)
    lut = banks * address + 10 * address + width * choice * 2
    lut += column * (1 + 2 * select_lut(window.line)) + word
    return Cost(round(lut + 3 * per_word + 10 * window.transposed + 40), ff)
