"""Words of Winograd's products in two dimensions: two columns of two rows out of a line buffer, added or subtracted.

As `hwgen.rtl.winograd_window`. With each word one column is read, both rows of it, out of two memories: a product's
rows are one or two strides apart, and rows take turns in banks by their number in strides. Their sum or difference goes
into a line of the last few columns, in which the words' columns stand where the program's order has put them
(`hwgen.rtl.winograd2d.schedule`). Behind the decision that a word goes, nothing waits any more:

    0  the word goes: its program's fields are in a register
    1  the rows' places behind the window's first one, out of tables, and the same less the ring's size; the column
    2  the rows' places in the ring, both ways; where rows and column lie
    3  which of the two is in the ring; the column's address in a row; whether rows and column lie in the frame
    4  the rows' banks, and where they begin in them
    5  the address of each bank
    6  read
    7  registers
    8  both rows, made signed; zero (as it is made signed) outside the frame, and zero where there is no second row
    9  sum or difference of the rows, in the line
    10 the word's two columns out of the line; zero where there is no second one
    11 sum or difference of the columns: the word
"""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from hwgen.rtl.adders import delay, delay_flag, register_of
from hwgen.rtl.counter import add_wrapped, count
from hwgen.rtl.fanout import copies, group_items
from hwgen.rtl.primitives import bits_of
from hwgen.rtl.program_sequencer import ProgramSequencer
from hwgen.rtl.winograd2d_window_config import Winograd2dWindowConfig
from hwgen.rtl.winograd_mac import controls
from hwgen.rtl.winograd_window import (
    WinogradWindow,
    plus_or_minus,
    signed_table,
    table_of,
    word_register,
)


class Winograd2dWindow(WinogradWindow):
    """As WinogradWindow, of blocks of two by two outputs.

    Members
    -------
    control : Out(8), with `issue`: see `hwgen.rtl.winograd2d`
    word : Out(simd signed values of bits + 2), WORD_LATENCY after `issue`
    """

    config: Winograd2dWindowConfig

    def _control(self, walk: ProgramSequencer) -> Value:
        rows = [controls(own.adds) for own in self.config.row_steps]
        columns = [controls(own.adds) for own in self.config.steps]
        # Four bits each, whichever are used.
        found = [table_of(walk.others[0], rows), table_of(walk.step_number, columns)]
        return Cat(Cat(own, Const(0, 4 - len(own))) for own in found)

    def _read(self, m: Module, walk: ProgramSequencer, write: Value, data: Value) -> Value:
        s = self.config
        begins, banks, inside_y = self._rows(m, walk)
        across, inside_x = self._column(m, walk)
        # 5 to 7
        words = self._memories(m, write, data, begins, banks, across)
        # 8
        step, of_read = walk.step_number, walk.row
        banks = [delay(m, bank, 3, f"bank{n}_late", own_end=True) for n, bank in enumerate(banks)]
        inside = [delay(m, y & inside_x, 3, f"inside{n}_late", own_end=True) for n, y in enumerate(inside_y)]
        is_pair = delay(m, table_of(of_read, [own.sign != 0 for own in s.row_steps]), 7, "is_row_pair", own_end=True)
        is_less = delay(m, table_of(of_read, [own.sign < 0 for own in s.row_steps]), 8, "is_row_less", own_end=True)
        rows = [
            self._values(m, Array(words)[bank], there, is_pair if n else Const(1, 1), n)
            for n, (bank, there) in enumerate(zip(banks, inside, strict=True))
        ]
        # 9
        goes = delay_flag(m, walk.issue, 6, "goes") & delay(m, walk.others[2], 7, "is_read")
        reads = copies(m, goes, s.line_copies, "reads")
        items = group_items(s.bits + 1)
        line = [Signal(s.simd * (s.bits + 1), name=f"line{place}", reset_less=True) for place in range(s.line)]
        sums = Cat(plus_or_minus(first, second, is_less) for first, second in zip(*rows, strict=True))
        for number, copy in enumerate(reads):
            span = slice(number * items * (s.bits + 1), (number + 1) * items * (s.bits + 1))
            with m.If(copy):
                m.d.sync += [own[span].eq(before[span]) for own, before in zip(line, [sums, *line], strict=False)]
        # 10
        is_second = delay(m, table_of(step, [own.sign != 0 for own in s.steps]), 9, "is_column_pair", own_end=True)
        is_less = delay(m, table_of(step, [own.sign < 0 for own in s.steps]), 10, "is_column_less", own_end=True)
        columns = []
        for n in range(2):
            place = delay(m, table_of(step, [own[n] for own in s.places]), 9, f"place{n}", own_end=True)
            column = Array(line)[place]
            columns.append(register_of(m, Mux(is_second, column, 0) if n else column, f"column{n}"))
        # 11
        width = s.bits + 1
        first, second = ([own.word_select(lane, width).as_signed() for lane in range(s.simd)] for own in columns)
        pairs = enumerate(zip(first, second, strict=True))
        return Cat(word_register(m, plus_or_minus(a, b, is_less), f"sum{lane}") for lane, (a, b) in pairs)

    def _rows(self, m: Module, walk: ProgramSequencer) -> tuple[list[Value], list[Value], list[Value]]:
        """The two rows of a word: their beginnings in their banks, the banks, whether they are in the frame; all
        four cycles after the word's decision."""
        s = self.config
        size = s.rows_held
        top, y = self._top(m, walk)
        begins, banks, inside = [], [], []
        places = [
            [own.first for own in s.row_steps],
            [own.first if own.second is None else own.second for own in s.row_steps],
        ]
        for n, own in enumerate(places):
            # 1
            downs = [
                register_of(m, signed_table(walk.row, [place % size - less for place in own]), f"down{n}_{less}")
                for less in (0, size)
            ]
            tap = register_of(m, table_of(walk.row, own), f"tap{n}")
            # 2
            whole, less = (register_of(m, top + down, f"row_place{n}_{place}") for place, down in enumerate(downs))
            tap_y = register_of(m, (y + tap)[: len(y)], f"tap_y{n}")
            # 3
            place = register_of(m, Mux(less[-1], whole, less)[: bits_of(size)], f"row_place{n}")
            inside_y = register_of(m, tap_y < s.height, f"inside_y{n}")
            # 4
            begin = table_of(place, [at * s.row_words for _, at in s.row_places])
            begins.append(register_of(m, begin, f"row_begin{n}"))
            banks.append(register_of(m, table_of(place, [bank for bank, _ in s.row_places]), f"row_bank{n}"))
            inside.append(register_of(m, inside_y, f"inside_y{n}_4"))
        return begins, banks, inside

    def _column(self, m: Module, walk: ProgramSequencer) -> tuple[Value, Value]:
        """As `_rows`, of the column: its address in a row."""
        s = self.config
        begin, x = self._left(m, walk)
        column = walk.others[1]
        # 1
        columns = range(s.window_columns)
        offset = register_of(m, table_of(column, [place * s.stored_words for place in columns]), "offset")
        group, late = register_of(m, walk.group, "group_late"), register_of(m, column, "column_late")
        # 2
        place = register_of(m, (begin + offset)[: len(begin)], "column_begin")
        group = register_of(m, group, "group_later")
        tap_x = register_of(m, (x + late)[: len(x)], "tap_x")
        # 3
        place = register_of(m, (place + group)[: len(begin)], "column_place")
        inside = register_of(m, tap_x < s.width, "inside_x")
        # 4
        return register_of(m, place, "across"), register_of(m, inside, "inside_x_4")

    def _memories(
        self, m: Module, write: Value, data: Value, begins: list[Value], row_banks: list[Value], across: Value
    ) -> list[Value]:
        """The word that every bank gives, three cycles after the rows' and the column's places."""
        s = self.config
        # The row that is written, and its place in the bank.
        word = count(m, s.row_words, write, "write_word")
        # Its bank and where it begins there are known before it begins: `row` is the one after it.
        ends = write & word.last
        row = count(m, s.rows_held, ends, "write_row", 1 % s.rows_held).place
        bank = Signal(range(len(s.memories)), init=s.row_places[0][0], name="write_bank")
        begins_at = [at * s.row_words for _, at in s.row_places]
        begin = Signal(range(max(begins_at) + 1), init=begins_at[0], name="write_begin")
        with m.If(ends):
            m.d.sync += [bank.eq(table_of(row, [own for own, _ in s.row_places])), begin.eq(table_of(row, begins_at))]
        address = register_of(m, begin + word.place, "write_address")
        late = delay(m, data, 1, "written_word")
        words = []
        for place, memory in enumerate(s.memories):
            bits = bits_of(memory.depth)
            m.submodules[f"memory{place}"] = ram = memory.build()
            goes = Signal(name=f"write{place}")
            own = Mux(row_banks[0] == place, *begins) + across
            m.d.sync += goes.eq(write & (bank == place))
            m.d.comb += [
                ram.write.eq(goes),
                ram.write_address.eq(address[:bits]),
                ram.write_data.eq(late),
                ram.address.eq(register_of(m, own[:bits], f"address{place}")),
            ]
            words.append(register_of(m, ram.data, f"read{place}"))
        return words

    def _values(self, m: Module, word: Value, inside: Value, there: Value, row: int) -> list[Value]:
        """A word's values, made signed."""
        s = self.config
        found = []
        for lane in range(s.simd):
            value: Value = Mux(inside, word.word_select(lane, s.bits), 0)
            if not s.signed:
                value = Cat(value[:-1], ~value[-1])
            if row:
                value = Mux(there, value, 0)
            found.append(register_of(m, value[: s.bits], f"value{row}_{lane}").as_signed())
        return found

    def _top(self, m: Module, walk: ProgramSequencer) -> tuple[Signal, Signal]:
        """The place of the first row of the window in the ring, and its number in the frame."""
        s = self.config
        size = s.rows_held
        top = Signal(range(size), init=s.first_row(0) % size, name="top")
        y_bits = (s.height + s.padding_height + s.reach_height + 4 * s.stride).bit_length()
        first = s.first_row(0) % (1 << y_bits)
        y = Signal(y_bits, init=first, name="first_y")
        rows = s.out_height
        again = s.height + s.first_row(0) - s.first_row(rows - 1)
        # By how many rows the window moves behind a pair of each kind.
        moves = [s.first_row(kind + 1) - s.first_row(kind) for kind in range(s.kinds)]
        move: Value = Const(moves[0], max(max(moves).bit_length(), 1))
        # A row has several words: the next one's beginning is known when its last one goes.
        again_top, *tops = (
            register_of(m, add_wrapped(top, by, size), f"next_top{n}") for n, by in enumerate((again, *moves))
        )
        down: Value = tops[0]
        if s.kinds > 1:
            odd = walk.block[1] ^ (s.padding_height % 2)  # the second kind
            move = Mux(odd, Const(moves[1], len(move)), move)
            down = Mux(odd, tops[1], down)
        with m.If(walk.end_row):
            m.d.sync += [
                top.eq(Mux(walk.last_row, again_top, down)),
                y.eq(Mux(walk.last_row, first, y + move)),
            ]
        return top, y

    def _left(self, m: Module, walk: ProgramSequencer) -> tuple[Signal, Signal]:
        """Address in a row and number of the window's first column; below 0 modulo their ranges."""
        s = self.config
        x_bits = (s.width + s.padding_width + s.reach_width + 4 * s.stride).bit_length()
        found = []
        for name, bits, words in (("first_place", bits_of(s.bank_words), s.stored_words), ("first_x", x_bits, 1)):
            begin = s.block_begin * words % (1 << bits)
            place = Signal(bits, init=begin, name=name)
            with m.If(walk.end_block):
                m.d.sync += place.eq(place + s.block_step * words)
            with m.If(walk.end_row):
                m.d.sync += place.eq(begin)
            found.append(place)
        return found[0], found[1]
