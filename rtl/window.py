"""Line buffer and window: the pixels that a convolution reads at random.

A K x K window needs no shift registers: its taps are addresses in the line buffer (`hwgen.rtl.ring`). Two counters keep
writer and reader apart, both counted in pixels, both so that the question is one sign bit:

- `filled`: how many pixels the line buffer holds, less what it can hold: negative while there is room. A pixel is given
  back as soon as the window's first pixel in raster order has moved past it: nothing before that is ever read again.
- `ahead`: how many pixels have been written beyond the last one that the current window needs. The window is complete
  when it is not negative.

The line buffer holds (K - 1 + stride - 1) rows and K pixels, the least with which a writer that delivers `stride` rows
in the time of one output row never waits, and a few pixels more to hide the way from a given-back pixel to its
successor's arrival; where it has a bank for every row, whole rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out
from numpy.typing import NDArray

from hwgen.rtl.counter import add_carry, count
from hwgen.rtl.memory import Form
from hwgen.rtl.phases import PhaseWalk, phase_number, phase_ring
from hwgen.rtl.ring import row_banks, single_ring
from hwgen.rtl.walk import Walk
from hwgen.rtl.weights import phase_kernels


@dataclass(frozen=True)
class WindowShape:
    """What a window walks over; every count that follows from it.

    Parameters: channels, width, height of the input in pixels; kernel K, stride, padding; bits and signedness of a
    value; simd, channels per word; folds, how often each window is read in turn; pixels in the line buffer, by default
    what suffices whatever the neighbours do; taps, tap rows per word: 1, or all K of a tap column.

    With `transposed` the kernel goes over the output instead, at stride, padding and output_padding of a transposed
    convolution: input pixel (y, x) reaches the outputs (y * stride - padding + i, x * stride - padding + j). An output
    pixel then reads only the pixels that reach it, a window of its own for each phase (row + padding) % stride,
    (column + padding) % stride. A kernel smaller than the stride counts as one of the stride's size.
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
    taps: int = 1
    transposed: bool = False
    output_padding: int = 0

    def __post_init__(self) -> None:
        for key in ("channels", "width", "height", "kernel", "stride", "simd", "folds", "bits"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key}: wanted at least 1, got {getattr(self, key)}")
        if self.simd > self.channels:
            raise ValueError(f"simd: wanted at most the {self.channels} channels, got {self.simd}")
        if self.taps not in (1, self.kernel):
            raise ValueError(f"taps: wanted 1 or kernel = {self.kernel}, got {self.taps}")
        if not 0 <= self.padding < self.kernel:
            raise ValueError(f"padding: wanted 0 .. kernel - 1 = {self.kernel - 1}, got {self.padding}")
        if self.transposed:
            self._check_transposed()
        else:
            self._check_ordinary()
        if self.pixels is not None and self.pixels < self.span:
            raise ValueError(f"pixels: wanted at least the {self.span} that a window spans, got {self.pixels}")

    def _check_ordinary(self) -> None:
        if self.output_padding:
            raise ValueError(f"output_padding: wanted 0 but in a transposed convolution, got {self.output_padding}")
        for key in ("width", "height"):
            size = getattr(self, key)
            if size % self.stride:
                raise ValueError(f"{key}: wanted a multiple of the stride {self.stride}, got {size}")
            if size + 2 * self.padding < self.kernel:
                raise ValueError(f"{key}: wanted at least kernel - 2 * padding, got {size}")
            if (size + 2 * self.padding - self.kernel) // self.stride + 1 != size // self.stride:
                raise ValueError(f"padding: wanted output {key} = input {key} / stride, got padding {self.padding}")

    def _check_transposed(self) -> None:
        if self.stride not in (1, 2):
            raise ValueError(f"stride: wanted 1 or 2 in a transposed convolution, got {self.stride}")
        if self.taps != 1:
            raise ValueError(f"taps: wanted 1 in a transposed convolution, got {self.taps}")
        if not 0 <= self.output_padding < self.stride:
            raise ValueError(f"output_padding: wanted 0 .. stride - 1 = {self.stride - 1}, got {self.output_padding}")
        for key, size in (("width", self.out_width), ("height", self.out_height)):
            if size < 1:
                raise ValueError(f"{key}: wanted an output of at least one pixel, got {getattr(self, key)} for {size}")

    @property
    def groups(self) -> int:
        """Words per pixel."""
        return -(-self.channels // self.simd)

    @property
    def phases(self) -> int:
        """Kinds of output rows, and of output columns, that read windows of different sizes."""
        return self.stride if self.transposed else 1

    @property
    def phase_taps(self) -> tuple[int, ...]:
        """Taps along one axis for each phase (row + padding) % stride, all K but in a transposed convolution."""
        kernel = max(self.kernel, self.phases)
        return tuple(-(-(kernel - phase) // self.phases) for phase in range(self.phases))

    @property
    def is_padded(self) -> bool:
        """Whether a window reaches beyond the frame."""
        ends = ((self.out_height, self.height), (self.out_width, self.width))
        return self.first_tap(0) < 0 or any(self.last_tap(count - 1) >= size for count, size in ends)

    def kernels(self, weight: np.ndarray) -> tuple[np.ndarray, ...]:
        """What each phase does to its windows, an ordinary convolution (O, I, rows, columns): see `phase_kernels`."""
        return phase_kernels(weight, self.stride) if self.transposed else (weight,)

    @property
    def blocks(self) -> list[int]:
        """Where the rows of each phase begin in the weight memories, row phase by row phase."""
        sizes = [rows * columns * self.groups * self.folds for rows in self.phase_taps for columns in self.phase_taps]
        return [sum(sizes[:place]) for place in range(len(sizes))]

    @property
    def first_phase(self) -> int:
        """The number of the phase of a frame's first output pixel."""
        phase = self.padding % self.phases
        return phase * self.phases + phase

    @property
    def words(self) -> int:
        """Words read per output pixel and fold: the synapse fold; in a transposed convolution, of the largest phase."""
        return max(self.phase_taps) ** 2 // self.taps * self.groups

    @property
    def least_words(self) -> int:
        """As `words`, of the smallest phase."""
        return min(self.phase_taps) ** 2 // self.taps * self.groups

    @property
    def pixel_words(self) -> NDArray[np.int64]:
        """Words read per fold of each output pixel, in raster order: int64 (out_height * out_width,)."""
        return np.outer(*self._axis_taps()).ravel() // self.taps * self.groups

    @property
    def frame_words(self) -> int:
        """Words read per fold of a frame."""
        rows, columns = self._axis_taps()
        return int(rows.sum() * columns.sum()) // self.taps * self.groups

    def _axis_taps(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tap rows of each output row and tap columns of each output column."""
        taps = np.array(self.phase_taps, dtype=np.int64)
        rows, columns = (
            taps[(np.arange(count) + self.padding) % self.phases] for count in (self.out_height, self.out_width)
        )
        return rows, columns

    @property
    def weight_rows(self) -> int:
        """Rows of the weight memories: the words of all phases and folds."""
        return sum(self.phase_taps) ** 2 // self.taps * self.groups * self.folds

    @property
    def word_values(self) -> int:
        """Values of a word."""
        return self.taps * self.simd

    @property
    def cycles_per_pixel(self) -> int:
        """Cycles that one output pixel (of the largest phase) occupies the reader, when nothing waits."""
        return self.words * self.folds

    @property
    def out_width(self) -> int:
        return self._out_size(self.width)

    @property
    def out_height(self) -> int:
        return self._out_size(self.height)

    def _out_size(self, size: int) -> int:
        if self.transposed:
            return (size - 1) * self.stride - 2 * self.padding + self.kernel + self.output_padding
        return size // self.stride

    def first_tap(self, place: int) -> int:
        """The input row (column) at which the window of an output row (column) begins; below 0 in the padding."""
        if not self.transposed:
            return place * self.stride - self.padding
        whole, phase = divmod(place + self.padding, self.stride)
        return whole - self.phase_taps[phase] + 1

    def last_tap(self, place: int) -> int:
        """The input row (column) at which the window of an output row (column) ends, in the frame or beyond it."""
        return (place + self.padding) // self.stride if self.transposed else self.first_tap(place) + self.kernel - 1

    @property
    def depth(self) -> int:
        """Pixels in the ring: `pixels`, or a bound on what any neighbours need.

        The bound's last term hides the loop from a pixel given back to its successor's arrival.
        """
        if self.pixels is not None:
            return self.pixels
        if self.transposed:
            taps = max(self.phase_taps)
            return (taps + 1) * self.width + taps + 2 * self.stride + 2
        return (self.kernel + self.stride - 2) * self.width + self.kernel + 2 * self.stride + 2

    @property
    def span(self) -> int:
        """Pixels that the ring must hold for any window to become complete: with fewer the layer stands still."""
        # Rows below the first ones that lie in the frame, one of each phase, need no more than these.
        whole = next((row for row in range(self.out_height) if self.first_tap(row) >= 0), self.out_height)
        rows = min(whole + self.phases, self.out_height)
        places = ((row, column) for row in range(rows) for column in range(self.out_width))
        return max(self.needed(row, column) - self.released(row, column) for row, column in places)

    @property
    def banks(self) -> int:
        """Memories: one, or one for each row that is there at once."""
        return 1 if self.taps == 1 else -(-self.depth // self.width)

    @property
    def capacity(self) -> int:
        """Pixels that the line buffer holds: as many as it must, in banks whole rows."""
        return self.depth if self.taps == 1 else self.banks * self.width

    @property
    def bank_words(self) -> int:
        """Words of each memory."""
        return self.capacity // self.banks * self.groups

    @property
    def memory_words(self) -> int:
        return self.banks * self.bank_words

    @property
    def memory_bits(self) -> int:
        return self.memory_words * self.simd * self.bits

    def needed(self, row: int, column: int) -> int:
        """How many pixels of the frame, in raster order, the window of output (row, column) needs written."""
        last_row, last_column = self.last_tap(row), self.last_tap(column)
        return min(last_row, self.height - 1) * self.width + min(last_column, self.width - 1) + 1

    def released(self, row: int, column: int) -> int:
        """How many pixels of the frame nobody needs once the window stands at output (row, column).

        In a transposed convolution the next output row may begin at the same input row: then none is given back.
        """
        first_row, first_column = self.first_tap(row), max(self.first_tap(column), 0)
        free = first_row * self.width + first_column if first_row >= 0 else 0
        if self.transposed:
            below = self.first_tap(row + 1) if row + 1 < self.out_height else self.height
            free = min(free, max(below, 0) * self.width)
        return free


class WindowBuffer(Component):
    """Line buffer that turns a stream of values into the words of each output pixel's window.

    Latency: `arrival_latency` cycles from the acceptance of the last value that a window needs to its first `issue`
    (gathered, written), one less where a beat is a whole word; the word itself follows its `issue` after
    `word_latency` cycles. Interval: one word per cycle.

    Parameters
    ----------
    shape : WindowShape
    lanes : int, values per input beat; a word is a whole number of beats, or a whole pixel
    form : of its memories: "block" RAM, where they are not too shallow for that, or "distributed"

    Members
    -------
    i : In(stream of lanes values), consecutive channels of one pixel, the first in the low bits; raster order. A pixel
        takes ceil(channels / lanes) beats: what the last one has too many may be anything.
    room : In(1), the result of the current fold finds room: its last word may go
    issue : Out(1), a word leaves this cycle
    first, last : Out(1), it is the first / last word of a fold; valid with `issue`
    end_fold : Out(1), a fold's last word leaves this cycle
    word : Out(taps x simd values), channel fastest, `word_latency` cycles after `issue`; zero where a tap lies in the
        padding
    end_pixel, phase, next_phase : Out, of a transposed convolution at a stride of 2 alone: an output pixel's last word
        leaves this cycle; the phases of that output pixel and of the next one, row phase * 2 + column phase

    Raises
    ------
    ValueError : lanes that do not divide simd, where a word is not a pixel; a form that is none
    """

    #: memory 1, register 1, padding masked and tap rows in order 1
    word_latency = 3

    def __init__(self, shape: WindowShape, lanes: int = 1, form: Form = "block") -> None:
        if not 1 <= lanes <= shape.simd or (shape.simd % lanes and shape.simd != shape.channels):
            raise ValueError(f"lanes: wanted a divisor of simd {shape.simd}, got {lanes}")
        if form not in ("block", "distributed"):
            raise ValueError(f"form: wanted block or distributed, got {form!r}")
        self.shape = shape
        self.lanes = lanes
        self.form = form
        phases = {"end_pixel": Out(1), "phase": Out(2), "next_phase": Out(2)} if shape.phases > 1 else {}
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(lanes * shape.bits))),
                "room": In(1),
                **phases,
                "issue": Out(1),
                "first": Out(1, init=1),
                "last": Out(1),
                "end_fold": Out(1),
                "word": Out(unsigned(shape.word_values * shape.bits)),
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
        taken = Signal()
        complete = Signal()
        walk = PhaseWalk(m, s, complete, self.room) if s.transposed else Walk(m, s, complete, self.room)
        write, data, last_beat, written = self._gather(m, taken)

        filled_bits, ahead_bits = self._counter_bits()
        filled = Signal(signed(filled_bits), init=-s.capacity)
        ahead = Signal(signed(ahead_bits), init=-s.needed(0, 0))
        if isinstance(walk, PhaseWalk):
            released = walk.step(s.released, filled_bits, "released")
            needed = walk.step(s.needed, ahead_bits, "needed")
        else:
            released = walk.step(s.released, filled_bits, -(-s.padding // s.stride), "released")
            needed = walk.step(s.needed, ahead_bits, 0, "needed")
        m.d.sync += [
            filled.eq(add_carry(filled, released, taken & last_beat)),
            ahead.eq(add_carry(ahead, needed, written)),
        ]
        if isinstance(walk, PhaseWalk):
            word = phase_ring(m, s, walk, write, data, self.form)
            if s.phases > 1:
                m.d.comb += [
                    self.end_pixel.eq(walk.advance),
                    self.phase.eq(phase_number(walk.row_phase, walk.column_phase)),
                    self.next_phase.eq(phase_number(walk.next_row_phase, walk.next_column_phase)),
                ]
        else:
            word = (single_ring if s.taps == 1 else row_banks)(m, s, walk, write, data, self.form)
        m.d.comb += [
            self.i.ready.eq(filled[-1]),
            taken.eq(self.i.valid & self.i.ready),
            complete.eq(~ahead[-1]),
            self.issue.eq(walk.issue),
            self.first.eq(walk.first),
            self.last.eq(walk.last),
            self.end_fold.eq(walk.end_fold),
            self.word.eq(word),
        ]
        return m

    def _gather(self, m: Module, taken: Value) -> tuple[Value, Value, Value, Value]:
        """Beats into words: (a word is complete, the word, the beat is a pixel's last, a pixel is written)."""
        s = self.shape
        last_beat = count(m, -(-s.channels // self.lanes), taken, "beat").last
        beats_per_word = -(-s.simd // self.lanes)
        if beats_per_word == 1:
            return taken, self.i.payload, last_beat, taken & last_beat
        place = Signal(range(beats_per_word))
        last_place = last_beat | (place == beats_per_word - 1)
        write = Signal()
        written = Signal()
        m.d.sync += [write.eq(taken & last_place), written.eq(taken & last_beat)]
        parts = [Signal(self.lanes * s.bits, name=f"part{j}") for j in range(beats_per_word)]
        with m.If(taken):
            m.d.sync += place.eq(Mux(last_place, 0, place + 1))
            for j, part in enumerate(parts):
                with m.If(place == j):
                    m.d.sync += part.eq(self.i.payload)
        return write, Cat(parts)[: s.simd * s.bits], last_beat, written

    def _counter_bits(self) -> tuple[int, int]:
        """Width of `filled` and of `ahead`, from the most and the least that they can be."""
        s = self.shape
        rows, columns, size = s.out_height, s.out_width, s.width * s.height
        if s.transposed:
            # The reader never skips pixels; of rows of the output padding alone it gives back more than it needs.
            early = max(s.released(rows - 1, x) - s.needed(rows - 1, x) for x in range(columns))
            return s.capacity.bit_length() + 1, max(
                s.capacity + max(early, 0), s.needed(0, 0), s.width
            ).bit_length() + 1
        # Pairs of output pixels that follow one another: of the last row, of row ends and beginnings, of frames.
        pairs = [((rows - 1, x), (rows - 1, x + 1), 0) for x in range(columns - 1)]
        pairs += [((y, columns - 1), (y + 1, 0), 0) for y in range(rows - 1)]
        pairs += [((rows - 1, columns - 1), (0, 0), size)]
        # A reader that skips pixels gives some back before they are written; all that this one needs were.
        early = max(frame + s.released(*after) - s.needed(*before) for before, after, frame in pairs)
        missing = max(frame + s.needed(*after) - s.needed(*before) for before, after, frame in pairs)
        least_ahead = max(missing, s.needed(0, 0))
        return (s.capacity + max(early, 0)).bit_length() + 1, max(s.capacity, least_ahead).bit_length() + 1
