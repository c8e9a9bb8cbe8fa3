"""The memories of a line buffer and the ways through them: one ring of words, or a bank for every row.

Both hold the pixels of a frame, and those of the next one behind them, in raster order, SIMD channels to a word. Taps
in the zero padding are read wherever they lie and masked.

One tap per word: all pixels lie in one ring; the words of one tap row lie side by side, so an address is the one before
plus a constant, modulo the ring.

All tap rows of a tap column per word: input row y lies in bank y modulo the number of banks, a bank holds one row. All
banks are read at the same address, and what they deliver is turned into the order of the tap rows. A pixel lies at the
column's own address: nothing ever wraps but the writer at the end of a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from hwgen.rtl.counter import add_wrapped, count
from hwgen.rtl.memory import Form, Ram, ram_form
from hwgen.rtl.walk import Walk

if TYPE_CHECKING:
    from hwgen.rtl.window import WindowShape


def single_ring(m: Module, s: WindowShape, walk: Walk, write: Value, data: Value, form: Form) -> Value:
    """One tap per word; the word that is issued in cycle 0 is there in cycle 3."""
    size, groups = s.bank_words, s.groups
    m.submodules.memory = memory = _memory(s, form)
    m.d.comb += [
        memory.write.eq(write),
        memory.write_address.eq(count(m, size, write, "write_address").place),
        memory.write_data.eq(data),
    ]

    def origin(pixel: int) -> int:
        """Where the window of an output pixel, in raster order, begins."""
        row, column = divmod(pixel, s.out_width)
        return ((row * s.stride - s.padding) * s.width + column * s.stride - s.padding) * groups % size

    # The windows of this output pixel, of the next one, and of the row behind that. What follows those two is there a
    # cycle later, in time where a pixel takes more than one.
    here = Signal(range(size), init=origin(0))
    following = Signal(range(size), init=origin(1))
    row_after = Signal(range(size), init=origin((1 // s.out_width + 1) * s.out_width))
    right = Signal(range(size))
    row_below = Signal(range(size))
    m.d["sync" if s.cycles_per_pixel > 1 else "comb"] += [
        right.eq(add_wrapped(following, s.stride * groups, size)),
        row_below.eq(add_wrapped(row_after, s.stride * s.width * groups, size)),
    ]
    with m.If(walk.advance):
        m.d.sync += [here.eq(following), following.eq(Mux(walk.next_column.last, row_after, right))]
    with m.If(walk.end_next_row):
        m.d.sync += row_after.eq(row_below)

    # Where to go behind a tap row's last word. There is at least one word more before it, but for 1 x 1 kernels.
    last_word = count(m, s.kernel * groups, walk.issue, "row_word").last
    pixel_start = Signal(range(size))
    m.d["sync" if s.words > 1 else "comb"] += pixel_start.eq(Mux(walk.last_fold, following, here))
    start = Signal(range(size), init=origin(0))
    below = Signal(range(size))
    m.d.sync += below.eq(add_wrapped(start, s.width * groups, size))
    target = Mux(walk.last, pixel_start, below)
    address = Signal(range(size), init=origin(0))
    with m.If(walk.issue):
        m.d.sync += address.eq(Mux(last_word, target, add_wrapped(address, 1, size)))
        with m.If(last_word):
            m.d.sync += start.eq(target)

    # Cycle 0: address; cycle 1: the word leaves the memory; cycle 2: a register; cycle 3: masked.
    inside = Signal(init=1)
    if s.padding:
        y, x = _tap(m, s, walk, last_word)
        inside_y = Signal()
        inside_x = Signal()
        m.d.sync += [inside_y.eq(y < s.height), inside_x.eq(x < s.width), inside.eq(inside_y & inside_x)]
    read = Signal(s.simd * s.bits, reset_less=True)
    word = Signal(s.simd * s.bits, reset_less=True)
    m.d.comb += memory.address.eq(address)
    m.d.sync += [read.eq(memory.data), word.eq(Mux(inside, read, 0))]
    return word


def _tap(m: Module, s: WindowShape, walk: Walk, last_word: Value) -> tuple[Value, Value]:
    """Row and column of the tap that is addressed; those above and left of the frame lie far beyond its end."""
    y_bits, x_bits = (s.height + s.kernel).bit_length(), (s.width + s.kernel).bit_length()
    outside_y, outside_x = -s.padding % (1 << y_bits), -s.padding % (1 << x_bits)
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

    last_group = count(m, s.groups, walk.issue, "group").last
    # There is more than one word to a tap row: what comes behind its last is known in time.
    pixel_top = Signal(y_bits)
    pixel_left = Signal(x_bits)
    m.d.sync += [pixel_top.eq(Mux(walk.last_fold, next_top, top)), pixel_left.eq(Mux(walk.last_fold, next_left, left))]
    y = Signal(y_bits, init=outside_y)
    x = Signal(x_bits, init=outside_x)
    with m.If(walk.issue & last_group):
        m.d.sync += x.eq(Mux(last_word, Mux(walk.last, pixel_left, left), x + 1))
    with m.If(walk.issue & last_word):
        m.d.sync += y.eq(Mux(walk.last, pixel_top, y + 1))
    return y, x


def row_banks(m: Module, s: WindowShape, walk: Walk, write: Value, data: Value, form: Form) -> Value:
    """All tap rows of a tap column and group per word; what is issued in cycle 0 is there in cycle 3."""
    size, groups, banks = s.bank_words, s.groups, s.banks
    place = count(m, size, write, "write_address")
    turn = Signal(banks, init=1)  # one bit for each bank: the writer's
    with m.If(write & place.last):
        m.d.sync += turn.eq(turn.rotate_left(1))

    # An output row begins `padding` columns before the bank does; what lies outside the bank lies outside the frame.
    bits = (size + s.kernel * groups).bit_length()
    outside = -s.padding * groups % (1 << bits)
    here = Signal(bits, init=outside)
    following = Signal(bits, init=(outside + 1 % s.out_width * s.stride * groups) % (1 << bits))
    with m.If(walk.advance):
        m.d.sync += [here.eq(following), following.eq(following + s.stride * groups)]
    with m.If(walk.end_next_row):
        m.d.sync += following.eq(outside)
    pixel_start = Signal(bits)
    address = Signal(bits, init=outside)
    m.d.sync += pixel_start.eq(Mux(walk.last_fold, following, here))  # a window has more than one word
    with m.If(walk.issue):
        m.d.sync += address.eq(Mux(walk.last, pixel_start, address + 1))

    # The output row, and the bank of its first tap row, above the frame or not.
    row = Signal(range(s.out_height))
    first_bank = Signal(range(banks), init=-s.padding % banks)
    with m.If(walk.end_row):
        m.d.sync += [row.eq(walk.next_row.place), first_bank.eq(add_wrapped(first_bank, s.stride, banks))]

    # Cycle 0: address; cycle 1: the words leave the memories; cycle 2: a register.
    inside_column = Signal()
    bank_1 = Signal.like(first_bank)
    bank_2 = Signal.like(first_bank)
    m.d.sync += [inside_column.eq(address < size), bank_1.eq(first_bank), bank_2.eq(bank_1)]
    words = []
    for bank in range(banks):
        m.submodules[f"memory{bank}"] = memory = _memory(s, form)
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
    for tap in range(s.kernel):
        inside_row, inside = Signal(name=f"inside_row{tap}"), Signal(name=f"inside{tap}")
        m.d.sync += [inside_row.eq(_row_inside(s, row, tap)), inside.eq(inside_row & inside_column)]
        word = Signal(s.simd * s.bits, name=f"tap{tap}", reset_less=True)
        turned = Array(words[(tap + first) % banks] for first in range(banks))
        m.d.sync += word.eq(Mux(inside, turned[bank_2], 0))
        taps.append(word)
    return Cat(taps)


def _row_inside(s: WindowShape, row: Value, tap: int) -> Value:
    """Whether the tap row of an output row lies in the frame."""
    rows = [y for y in range(s.out_height) if 0 <= y * s.stride - s.padding + tap < s.height]
    if not rows:
        return Const(0)
    above = [row >= rows[0]] * (rows[0] > 0)
    below = [row <= rows[-1]] * (rows[-1] < s.out_height - 1)
    return Cat(*above, *below).all()


def _memory(s: WindowShape, form: Form) -> Ram:
    """One memory. A word is never read in the cycle that writes it: nobody asks for it before it is counted."""
    return Ram(s.bank_words, s.simd * s.bits, ram_form(s.bank_words, form))
