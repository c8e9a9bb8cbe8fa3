"""Windows of two neighbouring output columns at once, for multipliers that take two activations to a weight.

The reader's output pixel is a pair: outputs 2 P and 2 P + 1 of a row, whose windows lie one stride apart. So each tap
meets two input columns a stride apart, and both are read in the same cycle: a row of the frame lies in two memories,
its halves. With u = column + padding, s the stride, column u is in half (u // s) % 2 at index u // (2 s) * s + u % s.
Tap j of pair P has its columns at u = 2 s P + d j and at u + s, d the dilation; with m = d j // s these are

    half m % 2      at index s P + m // 2 * s + d j % s           the first one's
    half 1 - m % 2  at index s P + (m + 1) // 2 * s + d j % s     the second one's

so of half 0 index s P + ceil(m / 2) * s + d j % s is read, of half 1 index s P + floor(m / 2) * s + d j % s, and which
half is whose depends on the tap alone.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import TYPE_CHECKING

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from hwgen.rtl.counter import count
from hwgen.rtl.line_buffer import first_banks, line_buffer_cost, next_fold, row_inside
from hwgen.rtl.paired_window import PairedWindowConfig
from hwgen.rtl.primitives import Cost, bits_of, counter_ff
from hwgen.rtl.signals import signals

if TYPE_CHECKING:
    from hwgen.rtl.window_sequencer import WindowSequencer


@dataclass(frozen=True)
class PairWindowConfig(PairedWindowConfig):
    """As WindowConfig, with all tap rows of a column in a word, of two output columns at a time; `out_width` counts
    pairs.

    A word has the values of the first column's tap rows, then those of the second one's; those of a pair's second
    column beyond the frame's last output may be anything.

    Raises
    ------
    ValueError
        As WindowConfig; a transposed convolution; fewer than all tap rows of several; less than whole groups in a word.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transposed:
            raise ValueError("transposed: wanted an ordinary convolution for pairs of columns")
        if self.taps == 1:
            raise ValueError(f"taps: wanted all of several tap rows for pairs of columns, got {self.taps}")
        if self.tap_words > 1:
            raise ValueError(f"simd: wanted all {self.group_channels} channels of a group for pairs of columns, got "
                             f"{self.simd}")  # fmt: skip

    def first_column(self, column: int) -> int:
        return self._first(2 * column, self.padding_width)

    def last_column(self, column: int) -> int:
        return self.first_column(column) + self.reach_width - 1 + self.stride

    @property
    def word_values(self) -> int:
        return 2 * super().word_values

    @property
    def depth(self) -> int:
        return super().depth + (0 if self.pixels is not None else 2 * self.stride)

    @property
    def busy_depth(self) -> int:
        return super().busy_depth + 2 * self.stride

    def home(self, column: int) -> tuple[int, int]:
        """(half, index in it) of an input column."""
        whole, rest = divmod(column + self.padding_width, self.stride)
        return whole % 2, whole // 2 * self.stride + rest

    @property
    def tap_indices(self) -> tuple[tuple[int, int], ...]:
        """By how much, for each tap column, the indices read in half 0 and half 1 exceed its pair's."""
        found = []
        for tap in range(self.kernel_width):
            whole, rest = divmod(self.dilation * tap, self.stride)
            found.append((-(-whole // 2) * self.stride + rest, whole // 2 * self.stride + rest))
        return tuple(found)

    @property
    def tap_swaps(self) -> tuple[bool, ...]:
        """Whether half 1 has the first column's value, for each tap column."""
        return tuple(self.dilation * tap // self.stride % 2 == 1 for tap in range(self.kernel_width))

    @property
    def bank_words(self) -> int:
        """Words of each half of a row."""
        return (max(self.home(column)[1] for column in (0, *range(max(self.width - 2 * self.stride, 0), self.width)))
                + 1) * self.stored_words  # fmt: skip

    @property
    def memory_words(self) -> int:
        return 2 * self.banks * self.bank_words

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str) -> Cost:
        return self.memory.cost(family) * (2 * self.banks) + pair_reader_cost(self)


def pair_banks(m: Module, s: PairWindowConfig, walk: WindowSequencer, write: Value, data: Value) -> Value:
    """All tap rows of two columns per word; what is issued in cycle 0 is there in cycle 3."""
    stored, banks, stride = s.stored_words, s.banks, s.stride
    turn = Signal(banks, init=1)  # one bit for each bank: the writer's
    write_half, write_address = _writer(m, s, turn, write)

    # Cycle 0: addresses of both halves.
    bits = bits_of((stride * (s.out_width - 1) + max(map(max, s.tap_indices)) + 1) * stored)
    here = Signal(bits)
    following = Signal(bits, init=1 % s.out_width * stride * stored)
    with m.If(walk.advance):
        if s.group_folds == 1:
            m.d.sync += here.eq(following)
        m.d.sync += following.eq(following + stride * stored)
    with m.If(walk.end_next_row):
        m.d.sync += following.eq(0)
    in_time = "sync" if s.words > 1 else "comb"
    pair_start = Signal(bits)
    m.d[in_time] += pair_start.eq(next_fold(m, s, walk, here, following))
    tap = count(m, s.kernel_width, walk.issue, "tap").place
    addresses = [Signal(bits, name=f"address{half}") for half in range(2)]
    for half, address in enumerate(addresses):
        indices = [pair[half] for pair in s.tap_indices]
        # Back, too: modulo the address's range.
        steps = [(after - index) * stored % (1 << bits) for index, after in itertools.pairwise(indices)]
        with m.If(walk.issue):
            m.d.sync += address.eq(Mux(walk.last, pair_start, address + _choose(steps, tap)))
    x = _first_column(m, s, walk)
    row, first_bank = first_banks(m, s, walk)

    # Cycle 1: the words leave the memories; cycle 2: a register.
    inside_columns = [Signal(name=f"inside_column{place}") for place in range(2)]
    bank_1, bank_2 = signals("bank_1 bank_2", first_bank.shape())
    swap_1, swap_2 = signals("swap_1 swap_2")
    m.d.sync += [
        inside_columns[0].eq(x < s.width),
        inside_columns[1].eq((x + stride)[: len(x)] < s.width),
        bank_1.eq(first_bank),
        bank_2.eq(bank_1),
        swap_1.eq(_choose([int(swap) for swap in s.tap_swaps], tap)),
        swap_2.eq(swap_1),
    ]
    words: list[list[Signal]] = [[], []]
    for bank in range(banks):
        for half in range(2):
            m.submodules[f"memory{bank}_{half}"] = memory = s.memory.build()
            word = Signal(s.simd * s.bits, name=f"bank{bank}_{half}", reset_less=True)
            m.d.comb += [
                memory.write.eq(write & turn[bank] & (write_half == half)),
                memory.write_address.eq(write_address),
                memory.write_data.eq(data),
                memory.address.eq(addresses[half]),
            ]
            m.d.sync += word.eq(memory.data)
            words[half].append(word)

    # Cycle 3: in the order of columns and tap rows, those outside the frame masked.
    taken = []
    for place, inside_column in enumerate(inside_columns):
        for tap_row in range(s.kernel_height):
            name = f"{place}_{tap_row}"
            inside_row, inside = Signal(name=f"inside_row{name}"), Signal(name=f"inside{name}")
            m.d.sync += [inside_row.eq(row_inside(s, row, tap_row)), inside.eq(inside_row & inside_column)]
            own, other = (
                Array(words[half][(tap_row * s.dilation + first) % banks] for first in range(banks))[bank_2]
                for half in (place, 1 - place)
            )
            word = Signal(s.simd * s.bits, name=f"tap{name}", reset_less=True)
            m.d.sync += word.eq(Mux(inside, Mux(swap_2, other, own), 0))
            taken.append(word)
    return Cat(taken)


def _writer(m: Module, s: PairWindowConfig, turn: Signal, write: Value) -> tuple[Value, Value]:
    """(half, address) of the word that is written; `turn` moves to the next bank behind a row's last one."""
    half_begin, index_begin = s.home(0)
    last_word = count(m, s.stored_words, write, "pixel_word").last
    last_column = count(m, s.width, write & last_word, "written_column").last
    half = Signal(init=half_begin, name="write_half")
    address = Signal(range(s.bank_words), init=index_begin * s.stored_words, name="write_address")
    rest = Signal(range(s.stride), init=s.padding_width % s.stride, name="write_rest")
    changes = rest == s.stride - 1 if s.stride > 1 else Const(1, 1)  # the next column lies in the other half
    with m.If(write & last_word):
        m.d.sync += half.eq(Mux(last_column, half_begin, half ^ changes))
        if s.stride > 1:
            m.d.sync += rest.eq(Mux(last_column, s.padding_width % s.stride, Mux(changes, 0, rest + 1)))
    with m.If(write):
        back = last_word & changes & ~half
        after = Mux(back, address + 1 - s.stride * s.stored_words, address + 1)
        m.d.sync += address.eq(Mux(last_word & last_column, index_begin * s.stored_words, after))
    with m.If(write & last_word & last_column):
        m.d.sync += turn.eq(turn.rotate_left(1))
    return half, address


def _first_column(m: Module, s: PairWindowConfig, walk: WindowSequencer) -> Signal:
    """The column of the tap that is addressed, the pair's first one's; those left of the frame lie far beyond it."""
    bits = (s.width + s.padding_width + s.reach_width + 3 * s.stride).bit_length()
    outside, step = -s.padding_width % (1 << bits), 2 * s.stride
    left = Signal(bits, init=outside)
    next_left = Signal(bits, init=(outside + 1 % s.out_width * step) % (1 << bits))
    with m.If(walk.advance):
        m.d.sync += [left.eq(next_left), next_left.eq(next_left + step)]
    with m.If(walk.end_next_row):
        m.d.sync += next_left.eq(outside)
    pair_left = Signal(bits)
    m.d["sync" if s.words > 1 else "comb"] += pair_left.eq(Mux(walk.last_fold, next_left, left))
    x = Signal(bits, init=outside, name="column")
    with m.If(walk.issue):
        m.d.sync += x.eq(Mux(walk.last, pair_left, x + s.dilation))
    return x


def _choose(numbers: list[int], index: Value) -> Value | int:
    """numbers[index], a constant where all are equal; beyond the end any of them."""
    if len(set(numbers)) < 2:
        return numbers[0] if numbers else 0
    return Array(Const(number, bits_of(max(numbers) + 1)) for number in numbers)[index]


def pair_reader_cost(window: PairWindowConfig) -> Cost:
    """Gathering of beats into words, counters and ways through the memories, without these.

    As `line_buffer_cost` of a row of banks, with a second address, a second column and the writer's two halves.
    A bit of a word is chosen among those of twice as many memories.
    """
    width, address = window.simd * window.bits, bits_of(window.bank_words)
    few = window.banks // gcd(window.banks, window.stride) <= 4
    ff = counter_ff(window.kernel_width) + 2 * address + counter_ff(window.width)
    ff += (window.banks + window.kernel_height) * width + 2 * window.kernel_height
    lut = 3 * address + 60 + (3 if few else 5) * window.kernel_height * width
    return line_buffer_cost(window) + Cost(lut, ff)
