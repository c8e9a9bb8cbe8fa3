"""Line buffer and window: the pixels that a convolution reads at random.

A K x K window needs no shift registers: its taps are addresses in the line buffer (`hwgen.rtl.line_buffer`). Two
counters keep writer and reader apart, both counted in pixels, both so that the question is one sign bit:

- `filled`: how many pixels the line buffer holds, less what it can hold: negative while there is room. A pixel is given
  back as soon as the window's first pixel in raster order has moved past it: nothing before that is ever read again.
- `ahead`: how many pixels have been written beyond the last one that the current window needs. The window is complete
  when it is not negative.

The line buffer holds (K - 1 + stride - 1) rows and K pixels, the least with which a writer that delivers `stride` rows
in the time of one output row never waits, and a few pixels more to hide the way from a given-back pixel to its
successor's arrival; where it has a bank for every row, whole rows.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.counter import add_carry, count
from hwgen.rtl.line_buffer import row_banks, single_ring
from hwgen.rtl.pair_window import PairWindowConfig, pair_banks
from hwgen.rtl.polyphase_reader import PolyphaseSequencer, phase_number, polyphase_reader
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.window_sequencer import WindowSequencer


class WindowBuffer(Component):
    """Line buffer that turns a stream of values into the words of each output pixel's window.

    Latency: `arrival_latency` cycles from the acceptance of the last value that a window needs to its first `issue`
    (gathered, written), one less where a beat is a whole word; the word itself follows its `issue` after
    `word_latency` cycles. Interval: one word per cycle.

    Parameters
    ----------
    config : WindowConfig

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
    """

    #: memory 1, register 1, padding masked and tap rows in order 1
    word_latency = 3

    def __init__(self, config: WindowConfig) -> None:
        self.config = config
        phases = {"end_pixel": Out(1), "phase": Out(2), "next_phase": Out(2)} if config.phases > 1 else {}
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(config.lanes * config.bits))),
                "room": In(1),
                **phases,
                "issue": Out(1),
                "first": Out(1, init=1),
                "last": Out(1),
                "end_fold": Out(1),
                "word": Out(unsigned(config.word_values * config.bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.config
        taken = Signal()
        complete = Signal()
        sequencer = PolyphaseSequencer if s.transposed else WindowSequencer
        walk = sequencer(m, s, complete, self.room)
        write, data, last_beat, written = self._gather(m, taken)

        filled_bits, ahead_bits = self._counter_bits()
        filled = Signal(signed(filled_bits), init=-s.capacity)
        ahead = Signal(signed(ahead_bits), init=-s.needed(0, 0))
        if isinstance(walk, PolyphaseSequencer):
            released = walk.step(s.released, filled_bits, "released")
            needed = walk.step(s.needed, ahead_bits, "needed")
        else:
            released = walk.step(s.released, filled_bits, -(-s.padding_height // s.stride), "released")
            needed = walk.step(s.needed, ahead_bits, 0, "needed")
        m.d.sync += [
            filled.eq(add_carry(filled, released, taken & last_beat)),
            ahead.eq(add_carry(ahead, needed, written)),
        ]
        if isinstance(walk, PolyphaseSequencer):
            word = polyphase_reader(m, s, walk, write, data)
            if s.phases > 1:
                m.d.comb += [
                    self.end_pixel.eq(walk.advance),
                    self.phase.eq(phase_number(walk.row_phase, walk.column_phase)),
                    self.next_phase.eq(phase_number(walk.next_row_phase, walk.next_column_phase)),
                ]
        else:
            word = self._reader(m, walk, write, data)
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

    def _reader(self, m: Module, walk: WindowSequencer, write: Value, data: Value) -> Value:
        """The line buffer's memories, and the word out of them."""
        if isinstance(self.config, PairWindowConfig):
            return pair_banks(m, self.config, walk, write, data)
        return (single_ring if self.config.taps == 1 else row_banks)(m, self.config, walk, write, data)

    def _gather(self, m: Module, taken: Value) -> tuple[Value, Value, Value, Value]:
        """Beats into words: (a word is complete, the word, the beat is a pixel's last, a pixel is written)."""
        s = self.config
        last_beat = count(m, s.beats, taken, "beat").last
        beats_per_word = -(-s.simd // s.lanes)
        if beats_per_word == 1:
            return taken, self.i.payload, last_beat, taken & last_beat
        # A beat stays at the input until it is taken: its part of the word takes it in all the while.
        places = Signal(beats_per_word, name="places", init=1)
        last_place = last_beat | places[-1]
        if s.groups > 1 and s.simd < s.group_channels and s.group_channels % s.simd:
            last_place |= count(m, s.group_channels // s.lanes, taken, "group_beat").last
        write = Signal()
        written = Signal()
        m.d.sync += [write.eq(taken & last_place), written.eq(taken & last_beat)]
        parts = [Signal(s.lanes * s.bits, name=f"part{j}", reset_less=True) for j in range(beats_per_word)]
        with m.If(taken):
            m.d.sync += places.eq(Mux(last_place, 1, places << 1))
        for part, own in zip(parts, places, strict=True):
            with m.If(own):
                m.d.sync += part.eq(self.i.payload)
        return write, Cat(parts)[: s.simd * s.bits], last_beat, written

    def _counter_bits(self) -> tuple[int, int]:
        """Width of `filled` and of `ahead`, from the most and the least that they can be."""
        s = self.config
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
