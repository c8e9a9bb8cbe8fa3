"""The reader's way through a frame by a program: what a pair of outputs needs, word by word, out of a memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from hwgen.rtl.counter import count
from hwgen.rtl.polyphase_reader import polyphase_step
from hwgen.rtl.signals import signals
from hwgen.rtl.window_sequencer import WindowSequencer
from hwgen.rtl.winograd_weights import Word
from hwgen.rtl.winograd_window_config import WinogradWindowConfig


class ProgramSequencer(WindowSequencer):
    """The reader's way through a frame by a program; members as WindowSequencer, in pairs of output pixels.

    Parameters
    ----------
    complete : the window of the pair is complete: a register
    room : a fold's last word may go
    words : the program

    Members
    -------
    row, group, step_number, others : of the word that goes
    end_block : it is the last of a pair of each kind
    block, next_block : of the pair that is read and of the next one
    last_row : the row is the frame's last
    """

    def __init__(
        self, m: Module, shape: WinogradWindowConfig, complete: Value, room: Value, words: Sequence[Word]
    ) -> None:
        self.m, self.shape, self.room, self.pairs = m, shape, room, shape
        self.issue, self.end_fold, self.advance, self.end_row, self.end_next_row = (
            Signal(name=name) for name in ("issue", "end_fold", "advance", "end_row", "end_next_row")
        )
        row, column = divmod(1, shape.out_width)
        self.next_column = count(m, shape.out_width, self.advance, "next_column", column)
        self.next_row = count(m, shape.out_height, self.end_next_row, "next_row", row % shape.out_height)
        self.last_column = Signal(init=shape.out_width == 1)
        self.last_row = Signal(init=shape.out_height == 1)
        self.block: Value = Const(0, 1)
        self.next_block: Value = Const(0, 1)
        if shape.transposed:
            row_phase = (self.next_row.place ^ (shape.padding_height % 2))[0]
            self.next_block = Cat(self.next_column.place[0], row_phase)
            self.block = Signal(2, init=shape.first_phase, name="block")
        with m.If(self.advance):
            m.d.sync += [self.last_column.eq(self.next_column.last), self.last_row.eq(self.next_row.last)]
            if isinstance(self.block, Signal):
                m.d.sync += self.block.eq(self.next_block)

        # Two words ahead are read: the next one, in the memory's register, and the one that is about to go.
        fetch = Signal()
        filled, primed = signals("filled primed")
        fetched = self._fetch(m, words, fetch)
        word = Signal(len(fetched), name="word_fields", reset_less=True)
        self.first = Signal(init=1, name="first")
        with m.If(fetch):
            m.d.sync += [filled.eq(1), primed.eq(filled), word.eq(fetched)]
        self.last, final, end_program, self.row, self.group, self.step_number, *self.others = self._fields(word)
        self.next_final = fetched[1]
        begun, ends_row, ends_next = (Signal(name=name) for name in ("begun", "ends_row", "ends_next"))
        with m.If(self.issue):
            m.d.sync += [
                self.first.eq(self.last),
                begun.eq(~final),
                ends_row.eq(self.next_final & self.last_column),
                ends_next.eq(self.next_final & self.next_column.last),
            ]
        m.d.comb += [
            fetch.eq(self.issue | ~primed),
            self.issue.eq(primed & (begun | complete) & (~self.last | room)),
            self.end_fold.eq(begun & self.last & room),
            self.advance.eq(begun & final & room),
            self.end_row.eq(begun & ends_row & room),
            self.end_next_row.eq(begun & ends_next & room),
        ]
        self.end_block: Value = self.advance
        if shape.transposed:
            self.end_block = begun & end_program & room

    def step(self, counted: Callable[[int, int], int], width: int, first_row: int, name: str) -> Value:
        if self.pairs.transposed:
            return polyphase_step(self.m, self.pairs, self, counted, width, name)
        return super().step(counted, width, first_row, name)

    def _fields(self, word: Value) -> list[Value]:
        """The fields of a word of the program."""
        found: list[Value] = []
        begin = 0
        for bits in self.pairs.field_bits:
            found.append(word[begin : begin + bits] if bits else Const(0, 1))
            begin += bits
        return found

    def _fetch(self, m: Module, words: Sequence[Word], fetch: Value) -> Value:
        """The program's words, one for each `fetch`, in the register behind its memory."""
        shape = self.pairs
        rows = []
        for word in words:
            row = shift = 0
            for value, bits in zip(word.values, shape.field_bits, strict=True):
                row |= value << shift if bits else 0
                shift += bits
            rows.append(row)
        m.submodules.program = program = shape.program.build(rows, enabled=True)
        m.d.comb += [program.address.eq(self._place(m, fetch, len(rows))), program.enable.eq(fetch)]
        return program.data

    def _place(self, m: Module, fetch: Value, length: int) -> Value:
        """The word that is fetched next."""
        shape = self.pairs
        if not shape.transposed:
            return count(m, length, fetch, "program_word").place
        # The program of a row's phase, once for each two pairs; then that of the next row's.
        second = shape.blocks[2]
        phase = Signal(init=shape.padding_height % 2, name="program_phase")
        place = Signal(range(length), init=second if shape.padding_height % 2 else 0, name="program_word")
        ends = Mux(phase, place == length - 1, place == second - 1)
        end_row = count(m, shape.out_width // 2, fetch & ends, "program_block").last
        last_row = count(m, shape.out_height, fetch & ends & end_row, "program_row").last
        after = Mux(last_row, shape.padding_height % 2, ~phase)
        next_phase = Mux(end_row, after, phase)
        with m.If(fetch):
            m.d.sync += place.eq(place + 1)
            with m.If(ends):
                m.d.sync += [place.eq(Mux(next_phase, second, 0)), phase.eq(next_phase)]
        return place
