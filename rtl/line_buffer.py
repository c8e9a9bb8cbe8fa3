"""The memories of a line buffer and the ways through them: one ring of words, or a bank for every row.

Both hold the pixels of a frame, and those of the next one behind them, in raster order, SIMD channels to a word. Taps
in the zero padding are read wherever they lie and masked. No word that counts is read in the cycle that writes it:
nobody asks for it before it is counted.

One tap per word: all pixels lie in one ring; the words of one tap row lie side by side, so an address is the one before
plus a constant, modulo the ring.

All tap rows of a tap column per word: input row y lies in bank y modulo the number of banks, a bank holds one row. All
banks are read at the same address, and what they deliver is turned into the order of the tap rows. A pixel lies at the
column's own address: nothing ever wraps but the writer at the end of a row.

Where the channels fall into groups, a fold reads the words of its own groups alone: it begins so many words into the
window's first pixel, and steps over the others' words from tap to tap.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from hwgen.rtl.counter import add_wrapped, count
from hwgen.rtl.primitives import Cost, bits_of, counter_ff
from hwgen.rtl.window_sequencer import WindowSequencer

if TYPE_CHECKING:
    from hwgen.rtl.window_config import WindowConfig


def single_ring(m: Module, s: WindowConfig, walk: WindowSequencer, write: Value, data: Value) -> Value:
    """One tap per word; the word that is issued in cycle 0 is there in cycle 3."""
    size, stored = s.bank_words, s.stored_words
    m.submodules.memory = memory = s.memory.build()
    m.d.comb += [
        memory.write.eq(write),
        memory.write_address.eq(count(m, size, write, "write_address").place),
        memory.write_data.eq(data),
    ]

    def origin(pixel: int) -> int:
        """Where the window of an output pixel, in raster order, begins."""
        row, column = divmod(pixel, s.out_width)
        frame, row = divmod(row, s.out_height)
        return ((frame * s.height + s.first_row(row)) * s.width + s.first_column(column)) * stored % size

    # The windows of this output pixel, of the next one, and of the row behind that. What follows those two is there a
    # cycle later, in time where a pixel takes more than one.
    here = Signal(range(size), init=origin(0))
    following = Signal(range(size), init=origin(1))
    row_after = Signal(range(size), init=origin((1 // s.out_width + 1) * s.out_width))
    right = Signal(range(size))
    row_below = Signal(range(size))
    m.d["sync" if s.cycles_per_pixel > 1 else "comb"] += [
        right.eq(add_wrapped(following, s.stride * stored, size)),
        row_below.eq(_next_row(s, walk, row_after, s.width * stored, size)),
    ]
    with m.If(walk.advance):
        if s.group_folds == 1:
            m.d.sync += here.eq(following)
        m.d.sync += following.eq(Mux(walk.next_column.last, row_after, right))
    with m.If(walk.end_next_row):
        m.d.sync += row_after.eq(row_below)

    # Where to go behind a tap row's last word: known in time, but where a tap row is a single word.
    row_words = s.kernel_width * s.tap_words
    last_word = count(m, row_words, walk.issue, "row_word").last
    pixel_start = Signal(range(size))
    m.d["sync" if s.words > 1 else "comb"] += pixel_start.eq(next_fold(m, s, walk, here, following))
    start = Signal(range(size), init=origin(0))
    address = Signal(range(size), init=origin(0))
    below = Signal(range(size))
    m.d["comb" if row_words == 1 and s.words > 1 else "sync"] += below.eq(
        add_wrapped(start, s.dilation * s.width * stored, size)
    )
    target = Mux(walk.last, pixel_start, below)
    following_word, last_group = add_wrapped(address, 1, size), None
    if s.tap_step > 1:
        last_group = count(m, s.tap_words, walk.issue, "group").last
        following_word = Mux(last_group, add_wrapped(address, s.tap_step, size), following_word)
    with m.If(walk.issue):
        m.d.sync += address.eq(Mux(last_word, target, following_word))
        with m.If(last_word):
            m.d.sync += start.eq(target)

    # Cycle 0: address; cycle 1: the word leaves the memory; cycle 2: a register; cycle 3: masked.
    inside = Signal(init=1)
    if s.is_padded:
        y, x = _tap(m, s, walk, last_word, last_group)
        inside_y = Signal()
        inside_x = Signal()
        m.d.sync += [inside_y.eq(y < s.height), inside_x.eq(x < s.width), inside.eq(inside_y & inside_x)]
    read = Signal(s.simd * s.bits, reset_less=True)
    word = Signal(s.simd * s.bits, reset_less=True)
    m.d.comb += memory.address.eq(address)
    m.d.sync += [read.eq(memory.data), word.eq(Mux(inside, read, 0))]
    return word


def next_fold(m: Module, s: WindowConfig, walk: WindowSequencer, here: Signal, following: Signal) -> Value:
    """Where the fold behind the one that is read begins: behind an output pixel's last one `following`, the next
    pixel's first word; else where this one begins, `here`, which moves with the groups, or so many words on."""
    if s.group_folds == 1:
        return Mux(walk.last_fold, following, here)
    # A pixel's words never wrap: it begins at a multiple of them.
    turn = count(m, s.turn_folds, walk.end_fold, "turn_fold").last
    found = Mux(walk.last_fold, following, Mux(turn, here + s.tap_words, here))[: len(here)]
    with m.If(walk.end_fold):
        m.d.sync += here.eq(found)
    return found


def _next_row(s: WindowConfig, walk: WindowSequencer, place: Value, row: int, size: int) -> Value:
    """Where the row behind the one at `place` begins, itself the row behind that of the next output pixel.

    Rows of an image that no window reads lie between the last output row and the next frame's first one.
    """
    inside, beyond = (add_wrapped(place, rows * row, size) for rows in (s.stride, s.row_step))
    if s.row_step == s.stride:
        return inside
    return Mux(walk.next_row.place == s.out_height - 2, beyond, inside) if s.out_height > 1 else beyond


def _tap(
    m: Module, s: WindowConfig, walk: WindowSequencer, last_word: Value, last_group: Value | None
) -> tuple[Value, Value]:
    """Row and column of the tap that is addressed; those above and left of the frame lie far beyond its end."""
    y_bits, x_bits = (s.height + s.reach_height).bit_length(), (s.width + s.reach_width).bit_length()
    outside_y, outside_x = -s.padding_height % (1 << y_bits), -s.padding_width % (1 << x_bits)
    row, column = divmod(1, s.out_width)
    top = Signal(y_bits, init=outside_y)
    left = Signal(x_bits, init=outside_x)
    next_top = Signal(y_bits, init=(outside_y + row % s.out_height * s.stride) % (1 << y_bits))
    next_left = Signal(x_bits, init=(outside_x + column * s.stride) % (1 << x_bits))
    with m.If(walk.advance):
        m.d.sync += [top.eq(next_top), left.eq(next_left), next_left.eq(next_left + s.stride)]
    with m.If(walk.end_next_row):
        m.d.sync += [
            next_left.eq(outside_x),
            next_top.eq(Mux(walk.next_row.last, outside_y, next_top + s.stride)),
        ]

    if last_group is None:
        last_group = count(m, s.tap_words, walk.issue, "group").last
    # There is more than one word to a window: what comes behind its last is known in time.
    pixel_top = Signal(y_bits)
    pixel_left = Signal(x_bits)
    m.d.sync += [pixel_top.eq(Mux(walk.last_fold, next_top, top)), pixel_left.eq(Mux(walk.last_fold, next_left, left))]
    y = Signal(y_bits, init=outside_y)
    x = Signal(x_bits, init=outside_x)
    with m.If(walk.issue & last_group):
        m.d.sync += x.eq(Mux(last_word, Mux(walk.last, pixel_left, left), x + s.dilation))
    with m.If(walk.issue & last_word):
        m.d.sync += y.eq(Mux(walk.last, pixel_top, y + s.dilation))
    return y, x


def row_banks(m: Module, s: WindowConfig, walk: WindowSequencer, write: Value, data: Value) -> Value:
    """All tap rows of a tap column and group per word; what is issued in cycle 0 is there in cycle 3."""
    size, stored, banks = s.bank_words, s.stored_words, s.banks
    place = count(m, size, write, "write_address")
    turn = Signal(banks, init=1)  # one bit for each bank: the writer's
    with m.If(write & place.last):
        m.d.sync += turn.eq(turn.rotate_left(1))

    # An output row begins `padding` columns before the bank does; what lies outside the bank lies outside the frame.
    bits = (size + s.reach_width * stored).bit_length()
    outside = -s.padding_width * stored % (1 << bits)
    here = Signal(bits, init=outside)
    following = Signal(bits, init=(outside + 1 % s.out_width * s.stride * stored) % (1 << bits))
    with m.If(walk.advance):
        if s.group_folds == 1:
            m.d.sync += here.eq(following)
        m.d.sync += following.eq(following + s.stride * stored)
    with m.If(walk.end_next_row):
        m.d.sync += following.eq(outside)
    pixel_start = Signal(bits)
    address = Signal(bits, init=outside)
    m.d["sync" if s.words > 1 else "comb"] += pixel_start.eq(next_fold(m, s, walk, here, following))
    step: Value | int = 1
    if s.tap_step > 1:
        step = Mux(count(m, s.tap_words, walk.issue, "group").last, s.tap_step, 1)
    with m.If(walk.issue):
        m.d.sync += address.eq(Mux(walk.last, pixel_start, address + step))

    row, first_bank = first_banks(m, s, walk)

    # Cycle 0: address; cycle 1: the words leave the memories; cycle 2: a register.
    inside_column = Signal()
    bank_1 = Signal.like(first_bank)
    bank_2 = Signal.like(first_bank)
    m.d.sync += [inside_column.eq(address < size), bank_1.eq(first_bank), bank_2.eq(bank_1)]
    words = []
    for bank in range(banks):
        m.submodules[f"memory{bank}"] = memory = s.memory.build()
        word = Signal(s.simd * s.bits, name=f"bank{bank}", reset_less=True)
        m.d.comb += [
            memory.write.eq(write & turn[bank]),
            memory.write_address.eq(place.place),
            memory.write_data.eq(data),
            memory.address.eq(address),
        ]
        m.d.sync += word.eq(memory.data)
        words.append(word)

    # Cycle 3: in the order of the tap rows, those outside the frame masked.
    taps = []
    for tap in range(s.kernel_height):
        inside_row, inside = Signal(name=f"inside_row{tap}"), Signal(name=f"inside{tap}")
        m.d.sync += [inside_row.eq(row_inside(s, row, tap)), inside.eq(inside_row & inside_column)]
        word = Signal(s.simd * s.bits, name=f"tap{tap}", reset_less=True)
        turned = Array(words[(tap * s.dilation + first) % banks] for first in range(banks))
        m.d.sync += word.eq(Mux(inside, turned[bank_2], 0))
        taps.append(word)
    return Cat(taps)


def first_banks(m: Module, s: WindowConfig, walk: WindowSequencer) -> tuple[Signal, Signal]:
    """The output row, and the bank of its first tap row, above the frame or not."""
    banks = s.banks
    row = Signal(range(s.out_height))
    first_bank = Signal(range(banks), init=-s.padding_height % banks)
    bank_below = add_wrapped(first_bank, s.stride, banks)
    if s.row_step != s.stride:
        bank_below = Mux(walk.next_row.place == 0, add_wrapped(first_bank, s.row_step, banks), bank_below)
    with m.If(walk.end_row):
        m.d.sync += [row.eq(walk.next_row.place), first_bank.eq(bank_below)]
    return row, first_bank


def row_inside(s: WindowConfig, row: Value, tap: int) -> Value:
    """Whether the tap row of an output row lies in the frame."""
    rows = [y for y in range(s.out_height) if 0 <= s.first_row(y) + tap * s.dilation < s.height]
    if not rows:
        return Const(0)
    above = [row >= rows[0]] * (rows[0] > 0)
    below = [row <= rows[-1]] * (rows[-1] < s.out_height - 1)
    return Cat(*above, *below).all()


def line_buffer_cost(window: WindowConfig) -> Cost:
    """Gathering of beats into words and the counters of both sides, without the memories.

    The LUTs of the counters, each a few for every bit of an address and of a pixel count, were fitted to measurements.
    """
    width, address = window.simd * window.bits, bits_of(window.bank_words)
    # Pixels held and pixels ahead, and by how much the next output pixel changes them.
    filled = (window.capacity + window.stride * window.width).bit_length() + 1
    ahead = max(window.capacity, (window.reach_height - window.padding_height) * window.width).bit_length() + 1
    ff = 2 * (filled + ahead) - 8 + counter_ff(window.beats)  # some bits of the changes are alike
    per_word = -(-window.simd // window.lanes)
    if per_word > 1:
        ff += per_word * (window.lanes * window.bits + 1) + 2
    # The reader's walk, with its flags.
    ff += sum(map(counter_ff, (window.words, window.folds, window.out_width, window.out_height))) + 2
    ff += 3 * (window.cycles_per_pixel > 1) + counter_ff(window.bank_words)
    if window.taps == 1:
        ff += 7 * address + 2 * address * (window.cycles_per_pixel > 1) + 2 * width
        ff += counter_ff(window.kernel_width * window.tap_words)
        if window.is_padded:
            rows = (window.height + window.reach_height).bit_length()
            columns = (window.width + window.reach_width).bit_length()
            ff += 4 * (rows + columns) + 2 + counter_ff(window.tap_words)
        lut = round(16.5 * address + 5.7 * bits_of(window.width * window.height)) + 5 * per_word - 10
    else:
        reach = (window.bank_words + window.reach_width * window.stored_words).bit_length()
        ff += window.banks + 4 * reach + bits_of(window.out_height) + 3 * bits_of(window.banks) + 1
        ff += (window.banks + window.kernel_height) * width + 2 * window.kernel_height
        turned = window.kernel_height * width
        # A row of windows begins in one of so many banks.
        beginnings = window.banks // gcd(window.banks, window.stride)
        # Fitted to open synthesis (tests/data/resources_*.json).
        lut = 130 + round(turned * (1 if beginnings <= 4 else 2.5))
    return Cost(lut, ff)
