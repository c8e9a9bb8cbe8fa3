"""The reader's way through a frame by a program: what a pair of outputs needs, word by word, out of a memory.

That a word goes in cycle 0 is a register, decided in the cycle before, in which its window was complete and its results
had room. Only what the next decision needs changes in cycle 0: the word, and whether its pair has begun. Counters and
addresses follow in cycle 1. So a fold has three words at least: before its last one is decided, all that its first one
changes is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from hwgen.rtl.counter import count
from hwgen.rtl.polyphase_reader import polyphase_growth
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
    first, last, row, group, step_number, others : of the word that goes, in the cycle in which it does
    issue, end_fold, advance, end_row, end_next_row : registers, a cycle later
    begins : likewise, a pair's first word has gone
    end_block : as `advance`, of a pair of each kind
    block, next_block : of the pair that is read and of the next one, a cycle later
    last_row : the row is the frame's last
    """

    def __init__(
        self, m: Module, shape: WinogradWindowConfig, complete: Value, room: Value, words: Sequence[Word]
    ) -> None:
        self.m, self.shape, self.room, self.pairs = m, shape, room, shape
        self.issue, self.begins, self.end_fold, self.advance, self.end_row, self.end_next_row = (
            Signal(name=name) for name in ("issue", "begins", "end_fold", "advance", "end_row", "end_next_row")
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
        goes, fetch = Signal(name="goes"), Signal(init=1, name="fetch")
        filled, primed = signals("filled primed")
        fetched = self._fetch(m, words, fetch)
        word = Signal(len(fetched), name="word_fields", reset_less=True)
        self.first = Signal(init=1, name="first")
        with m.If(fetch):
            m.d.sync += [filled.eq(1), primed.eq(filled), word.eq(fetched)]
        self.last, final, end_program, self.row, self.group, self.step_number, *self.others = self._fields(word)
        self.next_final = fetched[1]
        begun, ends_row, ends_next = signals("begun ends_row ends_next")
        next_primed, next_goes = signals("next_primed next_goes")
        with m.If(goes):
            m.d.sync += [
                self.first.eq(self.last),
                begun.eq(~final),
                ends_row.eq(self.next_final & self.last_column),
                ends_next.eq(self.next_final & self.next_column.last),
            ]
        m.d.comb += [
            next_primed.eq(Mux(fetch, filled, primed)),
            next_goes.eq((Mux(goes, ~final, begun) | complete) & (~Mux(fetch, fetched[0], self.last) | room)),
        ]
        m.d.sync += [
            goes.eq(next_primed & next_goes),
            fetch.eq(~next_primed | next_goes),
            self.issue.eq(goes),
            self.begins.eq(goes & ~begun),
            self.end_fold.eq(goes & self.last),
            self.advance.eq(goes & final),
            self.end_row.eq(goes & ends_row),
            self.end_next_row.eq(goes & ends_next),
        ]
        self.end_block: Value = self.advance
        if shape.transposed:
            self.end_block = Signal(name="end_block")
            m.d.sync += self.end_block.eq(goes & end_program)

    def growth(self, counted: Callable[[int, int], int], width: int, first_row: int, name: str) -> Value:
        """-(the growth of `counted(row, column)`) from the output pixel that is read to the next."""
        if self.pairs.transposed:
            return polyphase_growth(self.m, self.pairs, self, counted, width, name, self._held(name))
        return super().growth(counted, width, first_row, name)

    def _held(self, name: str) -> Callable[[Value], Value]:
        """Registers: from one pair to the next there are cycles enough for two behind one another."""

        def held(value: Value) -> Signal:
            register = Signal(value.shape(), name=f"{name}_ahead", reset_less=True)
            self.m.d.sync += register.eq(value)
            return register

        return held

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
        first = shape.blocks[2] if shape.transposed and shape.padding_height % 2 else 0
        address = Signal(range(len(rows)), init=first, name="program_address")
        following = self._following(m, fetch, len(rows), first + 1)
        with m.If(fetch):
            m.d.sync += address.eq(following)
        m.d.comb += [program.address.eq(address), program.enable.eq(fetch)]
        return program.data

    def _following(self, m: Module, fetch: Value, length: int, first: int) -> Value:
        """The word behind the one that is fetched next: so the memory's address has no sum in front of it."""
        shape = self.pairs
        if not shape.transposed:
            return count(m, length, fetch, "program_word", first).place
        # The program of a row's phase, once for each two pairs; then that of the next row's. Rows and pairs are counted
        # a cycle later.
        second = shape.blocks[2]
        phase = Signal(init=shape.padding_height % 2, name="program_phase")
        place = Signal(range(length), init=first, name="program_word")
        # ends: `place` is the program's last word; left: it was fetched
        ends, left = Signal(name="last_program_word"), Signal(name="program_left")
        end_row = count(m, shape.out_width // 2, left, "program_block").last
        last_row = count(m, shape.out_height, left & end_row, "program_row").last
        after = Mux(last_row, shape.padding_height % 2, ~phase)
        next_phase = Mux(end_row, after, phase)
        m.d.sync += left.eq(fetch & ends)
        with m.If(fetch):
            m.d.sync += [place.eq(place + 1), ends.eq(Mux(phase, place == length - 2, place == second - 2))]
            with m.If(ends):
                m.d.sync += [place.eq(Mux(next_phase, second, 0)), phase.eq(next_phase), ends.eq(0)]
        return place
