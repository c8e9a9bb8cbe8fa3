"""The reader of a transposed convolution: windows that change their size from one output pixel to the next.

Output row y of a transposed convolution at stride s reads the input rows (y + padding - i) / s for those taps i that
make it a whole number: which ones depends on y + padding modulo s alone, the row's phase; columns alike. So the output
pixels of a phase are an ordinary convolution with a part of the kernel, and what is read for a pixel is its own phase's
window and no inserted zero. The output comes in raster order nevertheless: the reader goes from phase to phase, the
same line buffer below it.

One pixel may take a single word, the next one many. So all flags of a word are registers, as in
`hwgen.rtl.window_sequencer`, set by the word before it, but what a pixel's last word changes is decided when it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed

from hwgen.rtl.counter import Counter, add_wrapped, count
from hwgen.rtl.primitives import Cost, bits_of, counter_ff
from hwgen.rtl.signals import signals

if TYPE_CHECKING:
    from hwgen.rtl.window_config import WindowConfig


class Walk(Protocol):
    """A reader's way: counters of the output pixel behind the one that is read, and whether that is left."""

    next_column: Counter
    next_row: Counter
    advance: Signal


class PolyphaseSequencer:
    """Counters of the reader, added to a module.

    Parameters
    ----------
    complete : the window of the output pixel is complete: a register
    room : a fold's last word may go

    Members
    -------
    issue : a word leaves
    end_fold, advance : it is a fold's last / the output pixel's last
    end_next_row : and the pixel after it is the last of its row
    first, last : the word is a fold's first / last
    last_word, last_row, last_fold : it is a tap row's last / of the last tap row / of the output pixel's last fold
    row_phase, column_phase : of the output pixel that is read; next_row_phase, next_column_phase : of the one after it
    next_column, next_row : counters of that one, frame after frame
    """

    def __init__(self, m: Module, shape: WindowConfig, complete: Value, room: Value) -> None:
        self.m, self.shape = m, shape
        self.issue, self.end_fold, self.advance, self.end_next_row = (
            Signal(name=name) for name in ("issue", "end_fold", "advance", "end_next_row")
        )
        row, column = divmod(1, shape.out_width)
        self.next_column = count(m, shape.out_width, self.advance, "next_column", column)
        self.next_row = count(m, shape.out_height, self.end_next_row, "next_row", row % shape.out_height)
        first_phase = shape.padding_height % shape.phases
        self.row_phase, self.column_phase, self.next_row_phase, self.next_column_phase = (Const(0, 1),) * 4
        if shape.phases > 1:
            self.next_row_phase = (self.next_row.place ^ first_phase)[0]
            self.next_column_phase = (self.next_column.place ^ first_phase)[0]
            self.row_phase = Signal(init=first_phase, name="row_phase")
            self.column_phase = Signal(init=first_phase, name="column_phase")
            with m.If(self.advance):
                m.d.sync += [
                    self.row_phase.eq(self.next_row_phase),
                    self.column_phase.eq(self.next_column_phase),
                ]

        taps, words = shape.phase_taps, [taps * shape.stored_words for taps in shape.phase_taps]
        begins = taps[first_phase]
        self.last = Signal(init=words[first_phase] * begins == 1, name="last")
        final = Signal(
            init=words[first_phase] * begins * shape.folds == 1, name="final"
        )  # the output pixel's last word
        column_after, row_after = Signal(name="column_after"), Signal(name="row_after")  # the phases behind that
        word = self._count(words, self.issue, self.column_phase, column_after, "row_word")
        tap_row = self._count(taps, self.issue & word.last, self.row_phase, row_after, "tap_row")
        fold = count(m, shape.folds, self.end_fold, "fold")
        self.last_word, self.last_row, self.last_fold = word.last, tap_row.last, fold.last
        self.first = Signal(init=1, name="first")
        begun = Signal()  # a word of the output pixel has gone: its window is complete
        next_last = word.next_last & Mux(word.last, tap_row.next_last, tap_row.last)
        with m.If(self.issue):
            m.d.sync += [
                self.first.eq(self.last),
                self.last.eq(next_last),
                final.eq(next_last & Mux(self.last, fold.next_last, fold.last)),
                begun.eq(~final),
            ]
        m.d.comb += [
            self.issue.eq((begun | complete) & (~self.last | room)),
            self.end_fold.eq((begun | complete) & self.last & room),
            self.advance.eq((begun | complete) & final & room),
            self.end_next_row.eq((begun | complete) & final & room & self.next_column.last),
            column_after.eq(Mux(final, self.next_column_phase, self.column_phase)),
            row_after.eq(Mux(self.last_fold, self.next_row_phase, self.row_phase)),
        ]

    def _count(self, lengths: Sequence[int], step: Value, phase: Value, after: Value, name: str) -> Counter:
        """A counter of as many places as `phase` says; behind the last of them as many as `after` says."""
        m = self.m
        if len(set(lengths)) == 1:
            return count(m, lengths[0], step, name)
        place = Signal(range(max(lengths)), name=name)
        last = Signal(init=lengths[self.shape.padding_height % self.shape.phases] == 1, name=f"last_{name}")
        begins_last = Array(Const(length == 1, 1) for length in lengths)[after]
        counts_to_last = Array(place == length - 2 if length > 1 else Const(0, 1) for length in lengths)[phase]
        next_last = Mux(last, begins_last, counts_to_last)
        with m.If(step):
            m.d.sync += [place.eq(Mux(last, 0, place + 1)), last.eq(next_last)]
        return Counter(place, last, next_last)

    def step(self, counted: Callable[[int, int], int], width: int, name: str) -> Value:
        """As `polyphase_growth`, when the reader steps to the next output pixel; 0 until then."""
        return Mux(self.advance, polyphase_growth(self.m, self.shape, self, counted, width, name), 0)


def polyphase_growth(
    m: Module, s: WindowConfig, walk: Walk, counted: Callable[[int, int], int], width: int, name: str,
    held: Callable[[Value], Value] = lambda value: value,
) -> Value:  # fmt: skip
    """-(the growth of `counted(row, column)`) from the output pixel that is read to the next.

    Inside a row the growth depends on the column alone, but for rows in which nothing grows; at the end of a row it
    depends on the row; at the end of a frame it counts on into the next frame.

    held : what becomes of comparisons, and of what is chosen by them
    """
    rows, columns, size = s.out_height, s.out_width, s.width * s.height
    grows = [counted(y, columns - 1) != counted(y, 0) for y in range(rows)]
    y = grows.index(True) if True in grows else 0
    along = [counted(y, x) - counted(y, x + 1) for x in range(columns - 1)]
    down = [counted(y, columns - 1) - counted(y + 1, 0) for y in range(rows - 1)]
    again = counted(rows - 1, columns - 1) - counted(0, 0) - size
    following = Signal(width, name=f"following_{name}")
    inside = lookup(along, walk.next_column.place, s.phases, width, held)
    is_growing = lookup([int(g) for g in grows], walk.next_row.place, s.phases, 1, held)
    below = lookup(down, walk.next_row.place, s.phases, width, held)
    with m.If(~walk.next_column.last):
        m.d.comb += following.eq(Mux(is_growing, inside, 0))
    with m.Elif(~walk.next_row.last):
        m.d.comb += following.eq(below)
    with m.Else():
        m.d.comb += following.eq(again)
    first = counted(0, 0) - counted(0, 1) if columns > 1 else down[0] if rows > 1 else again
    register = Signal(width, init=first % (1 << width), name=name)
    chosen = held(following)
    with m.If(walk.advance):
        m.d.sync += register.eq(chosen)
    return register


def lookup(
    rows: Sequence[int], index: Value, period: int, width: int, held: Callable[[Value], Value] = lambda value: value
) -> Value:
    """rows[index], anything beyond their end: comparisons against the few places where every `period`-th row changes.

    period : 1 or 2
    held : what becomes of the comparisons
    """
    found: list[Value] = []
    for phase in range(period):
        own = [*range(phase, len(rows), period)]
        value: Value = Const(rows[own[-1]] % (1 << width) if own else 0, width)
        for after, before in zip(own[:0:-1], own[-2::-1], strict=True):
            if rows[after] != rows[before]:
                value = Mux(held(index < after), Const(rows[before] % (1 << width), width), value)
        found.append(value)
    return found[0] if period == 1 or len(rows) == 1 else Mux(index[0], found[1], found[0])


def polyphase_reader(m: Module, s: WindowConfig, walk: PolyphaseSequencer, write: Value, data: Value) -> Value:
    """One tap per word out of one ring; the word that is issued in cycle 0 is there in cycle 3."""
    size, groups = s.bank_words, s.stored_words
    m.submodules.memory = memory = s.memory.build()
    m.d.comb += [
        memory.write.eq(write),
        memory.write_address.eq(count(m, size, write, "write_address").place),
        memory.write_data.eq(data),
    ]
    # Registers where what they hold is asked for a cycle after it is known, or later.
    by_pixel = "sync" if s.least_words * s.folds > 1 else "comb"
    by_fold = "sync" if s.least_words > 1 else "comb"
    by_row = "sync" if min(s.phase_taps) * groups > 1 else "comb"

    def row_begins(row: int) -> int:
        """The first tap row of an output row, rows counted on from frame to frame."""
        frame, row = divmod(row, s.out_height)
        return frame * s.height + s.first_row(row)

    def origin(pixel: int) -> int:
        """Where the window of an output pixel, in raster order, begins."""
        row, column = divmod(pixel, s.out_width)
        return (row_begins(row) * s.width + s.first_column(column)) * groups % size

    # The windows of this output pixel, of the next one, and of the row behind that; and how far it is from that row to
    # the one below: none or one, but for the end of the frame.
    here = Signal(range(size), init=origin(0))
    following = Signal(range(size), init=origin(1))
    ahead = 1 // s.out_width + 1  # the row behind that of the next output pixel
    row_after = Signal(range(size), init=origin(ahead * s.out_width))
    downs = [(row_begins(row + 1) - row_begins(row)) * s.width * groups % size for row in range(s.out_height + 3)]
    down = Signal(range(size), init=downs[ahead])
    down_wrapped = Signal(signed(len(down) + 1), init=downs[ahead] - size)
    right = Signal(range(size))
    row_below = Signal(range(size))
    wrapped = (row_after + down_wrapped)[: len(down) + 1]
    moves = Array(Const(step, 1) for step in _steps(s))[walk.next_column_phase]
    m.d[by_pixel] += [
        right.eq(add_wrapped(following, groups, size)),
        row_below.eq(Mux(wrapped[-1], row_after + down, wrapped)),
    ]
    with m.If(walk.advance):
        beside = Mux(moves, right, following)
        m.d.sync += [here.eq(following), following.eq(Mux(walk.next_column.last, row_after, beside))]
    with m.If(walk.end_next_row):
        distances = downs[2 : s.out_height + 2]
        m.d.sync += [
            row_after.eq(row_below),
            down.eq(lookup(distances, walk.next_row.place, s.phases, len(down))),
            down_wrapped.eq(lookup([d - size for d in distances], walk.next_row.place, s.phases, len(down_wrapped))),
        ]

    # Where to go behind a tap row's last word.
    pixel_start = Signal(range(size))
    m.d[by_fold] += pixel_start.eq(Mux(walk.last_fold, following, here))
    start = Signal(range(size), init=origin(0))
    below = Signal(range(size))
    m.d[by_row] += below.eq(add_wrapped(start, s.width * groups, size))
    target = Mux(walk.last_row, pixel_start, below)
    address = Signal(range(size), init=origin(0))
    with m.If(walk.issue):
        m.d.sync += address.eq(Mux(walk.last_word, target, add_wrapped(address, 1, size)))
        with m.If(walk.last_word):
            m.d.sync += start.eq(target)

    # Cycle 0: address; cycle 1: the word leaves the memory; cycle 2: a register; cycle 3: masked.
    inside = Signal(init=1)
    if s.is_padded:
        y, x = _tap(m, s, walk, by_fold)
        inside_y, inside_x = signals("inside_y inside_x")
        m.d.sync += [inside_y.eq(y < s.height), inside_x.eq(x < s.width), inside.eq(inside_y & inside_x)]
    read = Signal(s.simd * s.bits, reset_less=True)
    word = Signal(s.simd * s.bits, reset_less=True)
    m.d.comb += memory.address.eq(address)
    m.d.sync += [read.eq(memory.data), word.eq(Mux(inside, read, 0))]
    return word


def _steps(s: WindowConfig) -> list[int]:
    """Input rows (columns), 0 or 1, by which the window moves from an output row (column) of each phase to the next."""
    base = -s.padding_height % s.phases
    return [s.first_row(base + phase + 1) - s.first_row(base + phase) for phase in range(s.phases)]


def _tap(m: Module, s: WindowConfig, walk: PolyphaseSequencer, by_fold: str) -> tuple[Value, Value]:
    """Row and column of the tap that is addressed; those above and left of the frame lie far beyond its end."""
    y_bits, x_bits = (s.height + s.kernel_height).bit_length(), (s.width + s.kernel_width).bit_length()
    outside = s.first_row(0)
    outside_y, outside_x = outside % (1 << y_bits), outside % (1 << x_bits)
    row, column = divmod(1, s.out_width)
    top = Signal(y_bits, init=outside_y)
    left = Signal(x_bits, init=outside_x)
    next_top = Signal(y_bits, init=s.first_row(row % s.out_height) % (1 << y_bits))
    next_left = Signal(x_bits, init=s.first_column(column) % (1 << x_bits))
    moves_down, moves_right = (
        Array(Const(step, 1) for step in _steps(s))[phase] for phase in (walk.next_row_phase, walk.next_column_phase)
    )
    with m.If(walk.advance):
        m.d.sync += [
            top.eq(next_top),
            left.eq(next_left),
            next_left.eq(Mux(walk.next_column.last, outside_x, next_left + moves_right)),
        ]
    with m.If(walk.end_next_row):
        m.d.sync += next_top.eq(Mux(walk.next_row.last, outside_y, next_top + moves_down))

    last_group = count(m, s.stored_words, walk.issue, "group").last
    pixel_top = Signal(y_bits)
    pixel_left = Signal(x_bits)
    m.d[by_fold] += [
        pixel_top.eq(Mux(walk.last_fold, next_top, top)),
        pixel_left.eq(Mux(walk.last_fold, next_left, left)),
    ]
    y = Signal(y_bits, init=outside_y)
    x = Signal(x_bits, init=outside_x)
    with m.If(walk.issue & last_group):
        m.d.sync += x.eq(Mux(walk.last_word, Mux(walk.last_row, pixel_left, left), x + 1))
    with m.If(walk.issue & walk.last_word):
        m.d.sync += y.eq(Mux(walk.last_row, pixel_top, y + 1))
    return y, x


def phase_number(row_phase: Value, column_phase: Value) -> Value:
    """The number of a phase, rows first: of its weights and its biases."""
    return Cat(column_phase, row_phase)


def polyphase_reader_cost(window: WindowConfig) -> Cost:
    """Counters and gathering of beats, without the memory. The LUTs were fitted to a dozen readers."""
    width, address = window.simd * window.bits, bits_of(window.bank_words)
    taps, groups, least = window.phase_taps, window.stored_words, window.least_words
    ff = 2 * (window.capacity.bit_length() + 1) + counter_ff(-(-window.channels // window.lanes))
    per_word = -(-window.simd // window.lanes)
    if per_word > 1:
        ff += per_word * (window.lanes * window.bits + 1) + 2
    ff += sum(map(counter_ff, (window.out_width, window.out_height, window.folds, groups, window.bank_words)))
    ff += counter_ff(max(taps) * groups) + counter_ff(max(taps)) + 4 + 2 * (window.phases > 1)
    ff += address * (5 + 2 * (least * window.folds > 1) + (least > 1) + (min(taps) * groups > 1)) + 2 * width
    ff += 6  # changes of counters, few of whose bits differ
    rows, columns = ((size + window.kernel_height).bit_length() for size in (window.height, window.width))
    if window.is_padded:
        ff += (3 + (least > 1)) * (rows + columns) + 3
    if max(taps) == 1:  # no tap row below another
        ff -= address * (1 + (groups > 1))
    if window.folds == 1:  # nothing goes back to the beginning of a window
        ff -= address + rows * window.is_padded
    # Fitted to open synthesis (tests/data/resources_*.json), as the other counts here.
    lut = 14.6 * address + 4.2 * address * (window.folds > 1) + 2.1 * (rows + columns) * window.is_padded + 4 * per_word
    return Cost(round(lut) - 20, ff)
