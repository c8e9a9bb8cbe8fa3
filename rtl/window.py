"""Line buffer and window: a ring of pixels that a convolution reads at random.

The pixels of a frame lie in raster order in one ring of words, SIMD channels to a word. A K x K window needs no
shift registers: its taps are addresses in the ring, and the words of one tap row lie side by side. Frames follow one
another in the ring without a gap; a tap that falls into the zero padding is read wherever it lies and masked.

Two counters keep writer and reader apart, both counted in pixels:

- `free`: how many pixels may still be written. A pixel is given back as soon as the window's first pixel in raster
  order has moved past it: nothing before that is ever read again.
- `ahead`: how many pixels have been written beyond the last one that the current window needs. The window is
  complete when it is not negative, so the check is one sign bit.

The ring holds (K - 1 + stride - 1) rows and K pixels, the least with which a writer that delivers `stride` rows in
the time of one output row never waits, and a few pixels more to hide the way from a given-back pixel to its
successor's arrival.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.memory import Memory, ReadPort, WritePort
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.memory import ram_attributes
from hwgen.rtl.stream import wrap_increment


@dataclass(frozen=True)
class WindowShape:
    """What a window walks over; every count that follows from it.

    Parameters: channels, width, height of the input in pixels; kernel K, stride, padding; bits and signedness of a
    value; simd, channels per word; folds, how often each window is read in turn; pixels in the ring, by default what
    suffices whatever the neighbours do.
    """

    channels: int
    width: int
    height: int
    kernel: int
    stride: int
    padding: int
    simd: int
    folds: int = 1
    bits: int = 8
    signed: bool = True
    pixels: int | None = None

    def __post_init__(self) -> None:
        for key in ("channels", "width", "height", "kernel", "stride", "simd", "folds", "bits"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key}: wanted at least 1, got {getattr(self, key)}")
        if self.simd > self.channels:
            raise ValueError(f"simd: wanted at most the {self.channels} channels, got {self.simd}")
        if not 0 <= self.padding < self.kernel:
            raise ValueError(f"padding: wanted 0 .. kernel - 1 = {self.kernel - 1}, got {self.padding}")
        for key in ("width", "height"):
            if getattr(self, key) % self.stride:
                raise ValueError(f"{key}: wanted a multiple of the stride {self.stride}, got {getattr(self, key)}")
            if getattr(self, key) + 2 * self.padding < self.kernel:
                raise ValueError(f"{key}: wanted at least kernel - 2 * padding, got {getattr(self, key)}")
            if (getattr(self, key) + 2 * self.padding - self.kernel) // self.stride + 1 != getattr(
                self, key
            ) // self.stride:
                raise ValueError(f"padding: wanted output {key} = input {key} / stride, got padding {self.padding}")
        if self.pixels is not None and self.pixels < self.span:
            raise ValueError(f"pixels: wanted at least the {self.span} that a window spans, got {self.pixels}")

    @property
    def groups(self) -> int:
        """Words per pixel."""
        return -(-self.channels // self.simd)

    @property
    def words(self) -> int:
        """Words read per output pixel and fold: the synapse fold."""
        return self.kernel * self.kernel * self.groups

    @property
    def cycles_per_pixel(self) -> int:
        """Cycles that one output pixel occupies the reader, when nothing waits."""
        return self.words * self.folds

    @property
    def out_width(self) -> int:
        return self.width // self.stride

    @property
    def out_height(self) -> int:
        return self.height // self.stride

    @property
    def depth(self) -> int:
        """Pixels in the ring: `pixels`, or a bound on what any neighbours need.

        The bound's last term hides the loop from a pixel given back to its successor's arrival.
        """
        if self.pixels is not None:
            return self.pixels
        return (self.kernel + self.stride - 2) * self.width + self.kernel + 2 * self.stride + 2

    @property
    def span(self) -> int:
        """Pixels that the ring must hold for any window to become complete: with fewer the layer stands still."""
        first_full = min(-(-self.padding // self.stride), self.out_height - 1)  # lower rows need no more than this one
        places = ((row, column) for row in range(first_full + 1) for column in range(self.out_width))
        return max(self.needed(row, column) - self.released(row, column) for row, column in places)

    @property
    def memory_words(self) -> int:
        return self.depth * self.groups

    @property
    def memory_bits(self) -> int:
        return self.memory_words * self.simd * self.bits

    def needed(self, row: int, column: int) -> int:
        """How many pixels of the frame, in raster order, the window of output (row, column) needs written."""
        last_row = min(row * self.stride - self.padding + self.kernel - 1, self.height - 1)
        last_column = min(column * self.stride - self.padding + self.kernel - 1, self.width - 1)
        return last_row * self.width + last_column + 1

    def released(self, row: int, column: int) -> int:
        """How many pixels of the frame nobody needs once the window stands at output (row, column)."""
        first_row = row * self.stride - self.padding
        first_column = max(column * self.stride - self.padding, 0)
        return first_row * self.width + first_column if first_row >= 0 else 0


class WindowBuffer(Component):
    """Ring buffer that turns a stream of values into the words of each output pixel's window.

    Latency: `arrival_latency` cycles from the acceptance of the last value that a window needs to its first `issue`
    (gathered, written), one less where a beat is a whole word; the word itself follows its `issue` after 2 cycles.
    Interval: one word per cycle.

    Parameters
    ----------
    shape : WindowShape
    lanes : int, values per input beat; a word is a whole number of beats, or a whole pixel

    Members
    -------
    i : In(stream of lanes values), consecutive channels of one pixel, the first in the low bits; raster order. A pixel
        takes ceil(channels / lanes) beats: what the last one has too many may be anything.
    room : In(1), the result of the current fold finds room: its last word may go
    issue : Out(1), a word leaves this cycle
    first, last : Out(1), it is the first / last word of a fold; valid with `issue`
    word : Out(simd values), 2 cycles after `issue`, zero where the tap lies in the padding

    Raises
    ------
    ValueError : lanes that do not divide simd, where a word is not a pixel
    """

    def __init__(self, shape: WindowShape, lanes: int = 1) -> None:
        if not 1 <= lanes <= shape.simd or (shape.simd % lanes and shape.simd != shape.channels):
            raise ValueError(f"lanes: wanted a divisor of simd {shape.simd}, got {lanes}")
        self.shape = shape
        self.lanes = lanes
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(lanes * shape.bits))),
                "room": In(1),
                "issue": Out(1),
                "first": Out(1),
                "last": Out(1),
                "word": Out(unsigned(shape.simd * shape.bits)),
            }
        )

    @staticmethod
    def arrival_latency_of(lanes: int, simd: int) -> int:
        """Cycles from the acceptance of a pixel's last value to the earliest `issue` of a window that needs it."""
        return 1 if lanes == simd else 2

    @property
    def arrival_latency(self) -> int:
        return self.arrival_latency_of(self.lanes, self.shape.simd)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.shape
        m.submodules.memory = memory = Memory(
            shape=unsigned(s.simd * s.bits),
            depth=s.memory_words,
            init=[],
            # A word is never read in the cycle that writes it: nobody asks for it before it is counted.
            attrs={"no_rw_check": "1", **ram_attributes(s.memory_words)},
        )
        written = Signal()
        released = Signal(range(s.height * s.width + 1))
        self._write_side(m, memory.write_port(), written, released)
        self._read_side(m, memory.read_port(), written, released)
        return m

    def _write_side(self, m: Module, port: WritePort, written: Signal, released: Signal) -> None:
        """Gather beats into words, write them round the ring; `written` pulses with a pixel's last word."""
        s = self.shape
        # A reader that skips pixels gives some back before they are written: the count may exceed the depth.
        free = Signal(range(s.depth + s.height * s.width + 1), init=s.depth)
        taken = Signal()
        last_value = Signal()
        m.d.comb += [self.i.ready.eq(free != 0), taken.eq(self.i.valid & self.i.ready)]
        m.d.sync += free.eq(free - (taken & last_value) + released)

        beats, beats_per_word = -(-s.channels // self.lanes), -(-s.simd // self.lanes)
        beat = Signal(range(beats))
        m.d.comb += last_value.eq(beat == beats - 1)
        with m.If(taken):
            m.d.sync += beat.eq(Mux(last_value, 0, beat + 1))
        if beats_per_word == 1:
            m.d.comb += [port.en.eq(taken), port.data.eq(self.i.payload), written.eq(taken & last_value)]
        else:
            place = Signal(range(beats_per_word))
            last_place = last_value | (place == beats_per_word - 1)
            parts = [Signal(self.lanes * s.bits, name=f"part{j}") for j in range(beats_per_word)]
            m.d.comb += port.data.eq(Cat(parts))
            m.d.sync += [port.en.eq(taken & last_place), written.eq(taken & last_value)]
            with m.If(taken):
                m.d.sync += place.eq(Mux(last_place, 0, place + 1))
                for j, part in enumerate(parts):
                    with m.If(place == j):
                        m.d.sync += part.eq(self.i.payload)
        with m.If(port.en):
            m.d.sync += port.addr.eq(wrap_increment(port.addr, s.memory_words))

    def _read_side(self, m: Module, port: ReadPort, written: Signal, released: Signal) -> None:
        """Walk (output row, column, fold, tap row, word of the tap row) and address the ring."""
        s = self.shape
        row_words = s.kernel * s.groups

        # -- where we are ---------------------------------------------------------------------------------------
        word = Signal(range(row_words))
        tap_row = Signal(range(s.kernel))
        fold = Signal(range(s.folds))
        column = Signal(range(s.out_width))
        row = Signal(range(s.out_height))
        last_word = word == row_words - 1
        last_tap_row = tap_row == s.kernel - 1
        last_fold = fold == s.folds - 1
        last_column = column == s.out_width - 1
        last_row = row == s.out_height - 1
        advance = Signal()

        ahead = Signal(signed((s.depth + 2 * s.height * s.width).bit_length() + 1), init=-s.needed(0, 0))
        m.d.comb += [
            self.first.eq((word == 0) & (tap_row == 0)),
            self.last.eq(last_word & last_tap_row),
            self.issue.eq(~ahead[-1] & (~self.last | self.room)),
            advance.eq(self.issue & self.last & last_fold),
        ]
        with m.If(self.issue):
            m.d.sync += word.eq(Mux(last_word, 0, word + 1))
            with m.If(last_word):
                m.d.sync += tap_row.eq(Mux(last_tap_row, 0, tap_row + 1))
            with m.If(self.last):
                m.d.sync += fold.eq(Mux(last_fold, 0, fold + 1))
        with m.If(advance):
            m.d.sync += column.eq(Mux(last_column, 0, column + 1))
            with m.If(last_column):
                m.d.sync += row.eq(Mux(last_row, 0, row + 1))

        # -- how far the writer is ahead, and what it may overwrite -----------------------------------------------
        needed = Signal(signed((s.height * s.width).bit_length() + 1))
        with m.If(advance):
            self._step(m, needed, s.needed, row, column, first_row=0)
            self._step(m, released, s.released, row, column, first_row=-(-s.padding // s.stride))
        m.d.sync += ahead.eq(ahead + written - needed)

        # -- addresses: the ring makes every jump a constant modulo its size --------------------------------------
        size = s.memory_words
        row_origin = Signal(range(size), init=-(s.padding * s.width + s.padding) * s.groups % size)
        origin = Signal(range(size), init=row_origin.init)
        address = Signal(range(size), init=row_origin.init)

        def jump(start: Value, words: int) -> Value:
            target = start + words % size
            return Mux(target >= size, target - size, target)

        next_row = jump(row_origin, s.stride * s.width * s.groups)
        next_origin = Mux(last_column, next_row, jump(origin, s.stride * s.groups))
        with m.If(self.issue):
            with m.If(~last_word):
                m.d.sync += address.eq(jump(address, 1))
            with m.Elif(~last_tap_row):
                m.d.sync += address.eq(jump(address, (s.width - s.kernel) * s.groups + 1))
            with m.Elif(~last_fold):
                m.d.sync += address.eq(origin)
            with m.Else():
                m.d.sync += [address.eq(next_origin), origin.eq(next_origin)]
        with m.If(advance & last_column):
            m.d.sync += row_origin.eq(next_row)

        # -- cycle 0: address; cycle 1: the word leaves the memory; cycle 2: masked and registered -----------------
        inside = Signal()
        m.d.comb += [port.en.eq(1), port.addr.eq(address)]
        m.d.sync += inside.eq(self._inside(m, tap_row, last_row, last_column, advance))
        m.d.sync += self.word.eq(Mux(inside, port.data, 0))

    def _step(
        self, m: Module, step: Signal, count: Callable[[int, int], int], row: Signal, column: Signal, first_row: int
    ) -> None:
        """`step` = by how much `count(row, column)` grows from this output pixel to the next one.

        Inside a row the difference depends on the column alone, once `first_row` is reached, and is zero before; at
        the end of a row it depends on the row; at the end of a frame it counts on into the next frame.
        """
        s = self.shape
        rows, columns = s.out_height, s.out_width
        with m.If(column != columns - 1):
            with m.If(row >= first_row):
                _select(m, step, column, [count(rows - 1, x + 1) - count(rows - 1, x) for x in range(columns - 1)])
        with m.Elif(row != rows - 1):
            _select(m, step, row, [count(y + 1, 0) - count(y, columns - 1) for y in range(rows - 1)])
        with m.Else():
            m.d.comb += step.eq(s.height * s.width + count(0, 0) - count(rows - 1, columns - 1))

    def _inside(self, m: Module, tap_row: Signal, last_row: Value, last_column: Value, advance: Signal) -> Value:
        """Whether the tap that is addressed now lies inside the frame."""
        s = self.shape
        if s.padding == 0:
            return Const(1)
        top = Signal(signed((s.height + s.kernel).bit_length() + 1), init=-s.padding)
        left = Signal(signed((s.width + s.kernel).bit_length() + 1), init=-s.padding)
        tap_column = Signal(range(s.kernel))
        group = Signal(range(s.groups))
        with m.If(self.issue):
            m.d.sync += group.eq(wrap_increment(group, s.groups))
            with m.If(group == s.groups - 1):
                m.d.sync += tap_column.eq(wrap_increment(tap_column, s.kernel))
        with m.If(advance):
            m.d.sync += left.eq(Mux(last_column, -s.padding, left + s.stride))
            with m.If(last_column):
                m.d.sync += top.eq(Mux(last_row, -s.padding, top + s.stride))
        y, x = top + tap_row, left + tap_column
        return (y >= 0) & (y < s.height) & (x >= 0) & (x < s.width)


def _select(m: Module, signal: Signal, index: Signal, steps: list[int]) -> None:
    """`signal` = steps[index], as comparisons against the few places where the step changes."""
    start = 0
    for place in range(1, len(steps) + 1):
        if place == len(steps) or steps[place] != steps[start]:
            condition = (index >= start) & (index < place) if start else index < place
            with m.If(condition):
                m.d.comb += signal.eq(steps[start])
            start = place
