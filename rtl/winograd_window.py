"""Words of Winograd's products out of a line buffer: two columns of a row, added or subtracted.

The reader follows a program (`hwgen.rtl.winograd_weights`): for each pair of neighbouring outputs the same words, a few
of them several times. Behind the decision that a word goes, nothing waits any more:

    0  the word goes: its row, group and step are in a register
    1  offsets of row and columns in the ring, out of tables; beside each the same less the ring's size
    2  the row's beginning, both ways; columns with the group; where row and columns lie
    3  which of the two is in the ring; whether row and columns lie in the frame
    4  both columns' addresses, both ways
    5  which of the two are in the ring
    6  read out of two memories that hold the same
    7  registers
    8  made signed; zero (as it is made signed) outside the frame, and zero where there is no second column
    9  sum or difference: the word

What a pair was the last to need is given back when its last word has been read.
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.adders import delay, delay_flag, register_of
from hwgen.rtl.counter import add_carry, add_wrapped, count
from hwgen.rtl.fanout import KEPT
from hwgen.rtl.primitives import bits_of
from hwgen.rtl.program_sequencer import ProgramSequencer
from hwgen.rtl.signals import signals
from hwgen.rtl.weight_reader import WORD_LATENCY
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.winograd_mac import controls
from hwgen.rtl.winograd_weights import Word
from hwgen.rtl.winograd_window_config import WinogradWindowConfig


class WinogradWindow(WindowBuffer):
    """Line buffer that turns a stream of values into the words of each pair's products.

    Latency: `arrival_latency` from the acceptance of the last value that a pair needs to its first word's decision,
    `end_fold`; the word's flags follow `latency` - WORD_LATENCY cycles later, the word `latency`. Interval: one word
    per cycle.

    Parameters
    ----------
    config : WinogradWindowConfig
    words : the program of a pair

    Members
    -------
    As WindowBuffer: i, room, end_fold; issue, first, last, which come with the weights' address
    control : Out(4), with `issue`: see `hwgen.rtl.winograd_mac.controls`
    word : Out(simd signed values of bits + 1), WORD_LATENCY after `issue`
    end_pixel, next_phase : Out, of a transposed convolution alone, with `issue`: it is a pair's last word; the next
        one's block
    phase : Out, with `issue`: row phase * 2 + column phase of the pair
    """

    config: WinogradWindowConfig

    def __init__(self, config: WinogradWindowConfig, words: Sequence[Word]) -> None:
        self.config, self.words = config, words
        phases = {"end_pixel": Out(1), "phase": Out(2), "next_phase": Out(2)} if config.transposed else {}
        Component.__init__(
            self,
            {
                "i": In(stream.Signature(unsigned(config.lanes * config.bits))),
                "room": In(1),
                "issue": Out(1),
                "first": Out(1),
                "last": Out(1),
                "control": Out(config.controls),
                "end_fold": Out(1),
                "word": Out(unsigned(config.simd * config.word_bits)),
                **phases,
            },
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.config
        taken = Signal()
        complete = Signal()
        walk = ProgramSequencer(m, s, complete, self.room, self.words)
        write, data, last_beat, written = self._gather(m, taken)
        filled_bits, ahead_bits = self._counter_bits()
        filled = Signal(signed(filled_bits), init=-s.capacity)
        ahead = Signal(signed(ahead_bits), init=-s.needed(0, 0))
        outside = -(-s.padding_height // (s.rows_at_once * s.stride))
        released: Value = Mux(walk.advance, walk.growth(s.released, filled_bits, outside, "released"), 0)
        for cycle in range(s.read_latency - 1):
            later = Signal(filled_bits, name=f"released_{cycle}")
            m.d.sync += later.eq(released)
            released = later
        # What the next pair needs is asked for as soon as this one has begun.
        needed = Mux(walk.begins, walk.growth(s.needed, ahead_bits, 0, "needed"), 0)
        m.d.sync += [
            filled.eq(add_carry(filled, released, taken & last_beat)),
            ahead.eq(add_carry(ahead, needed, delay_flag(m, written, 1, "written_before"))),
        ]
        lead = s.latency - WORD_LATENCY
        self._steer(m, walk, lead)
        m.d.comb += [
            self.i.ready.eq(filled[-1]),
            taken.eq(self.i.valid & self.i.ready),
            complete.eq(~ahead[-1]),
            self.end_fold.eq(walk.end_fold),
            self.issue.eq(delay_flag(m, walk.issue, lead - 1, "issued")),
            self.first.eq(delay(m, walk.first, lead, "first")),
            self.last.eq(delay(m, walk.last, lead, "last")),
            self.word.eq(self._read(m, walk, write, data)),
        ]
        if s.transposed:
            # The block's number as the biases have it: by the column's phase, not by the kind.
            phase = walk.block ^ s.column_phase(0)
            m.d.comb += [
                self.end_pixel.eq(delay_flag(m, walk.advance, lead - 1, "end_pixel")),
                self.next_phase.eq(delay(m, walk.next_block, lead - 1, "next_block")),
                self.phase.eq(delay(m, phase, lead - 1, "phase")),
            ]
        return m

    def _steer(self, m: Module, walk: ProgramSequencer, lead: int) -> None:
        """Connect the control bits that go to the multipliers with a word."""
        m.d.comb += self.control.eq(delay(m, self._control(walk), lead, "control"))

    def _control(self, walk: ProgramSequencer) -> Value:
        """Control bits of the word that goes."""
        return table_of(walk.step_number, [controls(own.adds) for own in self.config.steps])

    def _read(self, m: Module, walk: ProgramSequencer, write: Value, data: Value) -> Value:
        """The words out of the two memories."""
        s = self.config
        row, group, step = walk.row, walk.group, walk.step_number
        size, stored = s.bank_words, s.stored_words
        here, x, y = self._place(m, walk)

        def register(value: Value, name: str) -> Signal:
            return register_of(m, value, name)

        def either(total: tuple[Value, Value], name: str) -> Signal:
            """Of a sum in the ring and the same less its size: the one that is not negative."""
            return register(Mux(total[1][-1], total[0], total[1])[: bits_of(size)], name)

        # 1
        columns = self._columns()
        rows = [place * s.width * stored % size for place in range(max(s.row_kernels))]
        offsets = [[column * stored % size for column in own] for own in columns]
        down, wrapped = (register(signed_table(row, [own - less for own in rows]), f"down{n}")
                         for n, less in enumerate((0, size)))  # fmt: skip
        across = [[register(signed_table(step, [place - less for place in own]), f"across{n}_{less}")
                   for less in (0, size)] for n, own in enumerate(offsets)]  # fmt: skip
        late_row, late_group = register(row, "row_late"), register(group, "group_late")
        column = [register(table_of(step, own), f"column{n}") for n, own in enumerate(columns)]
        # 2
        begins = tuple(register(here + own, f"begin{n}") for n, own in enumerate((down, wrapped)))
        across = [[register(own + late_group, f"across{n}_{m_}_2") for m_, own in enumerate(pair)]
                  for n, pair in enumerate(across)]  # fmt: skip
        tap_y = register((y + late_row)[: len(y)], "tap_y")
        tap_x = [register((x + own)[: len(x)], f"tap_x{n}") for n, own in enumerate(column)]
        # 3
        begin = either((begins[0], begins[1]), "begin")
        across = [[register(own, f"across{n}_{m_}_3") for m_, own in enumerate(pair)] for n, pair in enumerate(across)]
        inside_y = register(tap_y < s.height, "inside_y")
        inside_x = [register(own < s.width, f"inside_x{n}") for n, own in enumerate(tap_x)]
        # 4
        both = [[register(begin + own, f"address{n}_{m_}") for m_, own in enumerate(pair)]
                for n, pair in enumerate(across)]  # fmt: skip
        inside = [register(inside_y & own, f"inside{n}_4") for n, own in enumerate(inside_x)]
        # 5
        addresses = [either((whole, less), f"address{n}") for n, (whole, less) in enumerate(both)]
        # 6, 7
        inside = [delay(m, own, 3, f"inside{n}", own_end=True) for n, own in enumerate(inside)]
        place = count(m, size, write, "write_address").place
        words = []
        for n, address in enumerate(addresses):
            m.submodules[f"memory{n}"] = memory = s.memory.build()
            m.d.comb += [
                memory.write.eq(write),
                memory.write_address.eq(place),
                memory.write_data.eq(data),
                memory.address.eq(address),
            ]
            words.append(register(memory.data, f"read{n}"))
        return self._combine(m, step, words, inside)

    def _columns(self) -> tuple[list[int], list[int]]:
        """Both columns of every step, counted from the pair's first one."""
        own = self.config.steps
        return [step.first for step in own], [step.first if step.second is None else step.second for step in own]

    def _combine(self, m: Module, step: Value, words: Sequence[Signal], inside: Sequence[Value]) -> Value:
        """Both columns of a step, and whether they lie in the frame: the word, two cycles later."""
        s = self.config
        # 8
        is_pair = delay(m, table_of(step, [own.sign != 0 for own in s.steps]), 7, "is_pair", own_end=True)
        is_less = delay(m, table_of(step, [own.sign < 0 for own in s.steps]), 8, "is_less", own_end=True)
        values: list[list[Value]] = []
        for n, (word, own) in enumerate(zip(words, inside, strict=True)):
            lanes = []
            for lane in range(s.simd):
                value = Mux(own, word.word_select(lane, s.bits), 0)
                if not s.signed:
                    value = Cat(value[:-1], ~value[-1])
                if n:
                    value = Mux(is_pair, value, 0)
                lanes.append(register_of(m, value[: s.bits].as_signed(), f"value{n}_{lane}"))
            values.append(lanes)
        # 9
        found = []
        for lane, (first, second) in enumerate(zip(*values, strict=True)):
            found.append(word_register(m, plus_or_minus(first, second, is_less), f"sum{lane}"))
        return Cat(found)

    def _place(self, m: Module, walk: ProgramSequencer) -> tuple[Signal, Signal, Signal]:
        """Of the pair whose words go: where in the ring its window begins, and its first column and row."""
        s = self.config
        size, stored, row = s.bank_words, s.stored_words, s.width * s.stored_words
        begin = (s.first_row(0) * s.width + s.block_begin) * stored % size
        here = Signal(range(size), init=begin)
        row_start = Signal(range(size), init=begin)
        right, below = signals("right below", range(size))
        x_bits = (s.width + s.padding_width + s.reach_width + 3 * s.stride).bit_length()
        y_bits = (s.height + s.padding_height + s.reach_height + s.stride).bit_length()
        left, top = s.block_begin % (1 << x_bits), s.first_row(0) % (1 << y_bits)
        x, y = Signal(x_bits, init=left, name="first_x"), Signal(y_bits, init=top, name="first_y")
        # By how many rows the window moves behind a row of each phase, and from a frame's last row to the next frame.
        last = s.out_height - 1
        moves = [s.first_row(phase + 1) - s.first_row(phase) for phase in range(s.phases)]
        again = s.height + s.first_row(0) - s.first_row(last)
        move: Value = Const(moves[0], max(moves[0].bit_length(), 1))
        # A pair has several words: its neighbours are known when its last one goes.
        again_below, *rows_below = (
            register_of(m, add_wrapped(row_start, rows * row, size), f"below_{n}")
            for n, rows in enumerate((again, *moves[: s.phases]))
        )
        down: Value = rows_below[0]
        if s.phases > 1:
            odd = walk.block[1] ^ (s.padding_height % 2)  # an odd row of the output
            move = Mux(odd, moves[1], moves[0])
            down = Mux(odd, rows_below[1], down)
        m.d.sync += [
            right.eq(add_wrapped(here, s.block_step * stored, size)),
            below.eq(Mux(walk.last_row, again_below, down)),
        ]
        with m.If(walk.end_block):
            m.d.sync += [here.eq(right), x.eq(x + s.block_step)]
        with m.If(walk.end_row):
            m.d.sync += [here.eq(below), row_start.eq(below), x.eq(left), y.eq(Mux(walk.last_row, top, y + move))]
        return here, x, y


def word_register(m: Module, value: Value, name: str) -> Signal:
    """As `register_of`, of what goes to DSPs: kept out of them, for a sum that ended in one would end far away."""
    found = Signal(value.shape(), name=name, reset_less=True, attrs=KEPT)
    m.d.sync += found.eq(value)
    return found


def signed_table(index: Value, numbers: Sequence[int]) -> Value:
    """numbers[index], of which some may be negative."""
    shape = Shape.cast(range(min(*numbers, -1), max(*numbers, 0) + 1))
    bits = shape.width
    return _products(index, [number % (1 << bits) for number in numbers], bits).as_signed()


def table_of(index: Value, numbers: Sequence[int]) -> Value:
    """numbers[index]."""
    return _products(index, numbers, max(max(numbers).bit_length(), 1))


def _products(index: Value, numbers: Sequence[int], bits: int) -> Value:
    """numbers[index] as a sum of products, AND gates before OR gates; an index beyond the table gives 0.

    Of a choice among constants synthesis makes a register's reset, which puts two LUTs behind one another.
    """
    if len(numbers) == 1:
        return Const(numbers[0], bits)
    places = [index == place for place in range(len(numbers))]
    found = []
    for bit in range(bits):
        own = [place for place, number in zip(places, numbers, strict=True) if number >> bit & 1]
        found.append(Const(0, 1) if not own else Const(1, 1) if len(own) == len(numbers) else Cat(own).any())
    return Cat(found)


def plus_or_minus(first: Value, second: Value, less: Value) -> Value:
    """first + second, or first - second; a bit wider than either."""
    turned = second ^ less.replicate(len(second)).as_signed()
    total = (Cat(less, first).as_signed() + Cat(less, turned).as_signed())[1:]
    return total[: len(first) + 1]
