"""Counters, FIFOs, and line buffers, whose every word has the pixels of its window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from hwgen.formal.netlist import relation
from hwgen.formal.solver import BOUNDED, Answer, bounded, proven, stepwise
from hwgen.formal.streams import add_rule, inputs_of, ports_of
from hwgen.rtl import counter as counters
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig


class Counted(Component):
    """A counter beside what it is to be: in its range, one further a step, its flags those of its place."""

    def __init__(self, length: int, start: int, count: Any) -> None:
        self.length, self.start, self.count = length, start, count
        self.step = Signal(name="step")
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        length = self.length
        found = self.count(m, length, self.step, "place", self.start)
        wanted = Signal(range(length), init=self.start, name="wanted")
        with m.If(self.step):
            m.d.sync += wanted.eq(Mux(wanted + 1 == length, 0, wanted + 1))
        m.d.comb += [
            Assert((found.place == wanted) & (wanted < length)),
            Assert(found.last == (wanted == length - 1)),
            Assert(found.next_last == ((wanted + 1) % length == length - 1)),
        ]
        return m


def check_counter(length: int, start: int, count: Any = counters.count) -> Answer:
    """A counter modulo `length`, for ever."""
    counter = Counted(length, start, count)
    return proven(relation(counter, [counter.step]), 1)


class Faults(Component):
    """An InputFraming without coefficients, beside what it is to count: the faults that it tells, one by one."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        before, told = Signal.like(dut.frame_errors, name="before"), Signal(name="told")
        m.d.sync += [before.eq(dut.frame_errors), told.eq(dut.frame_error)]
        m.d.comb += Assert(dut.frame_errors == (before + told)[: len(before)])
        return m


def check_faults(dut: Any) -> Answer:
    """The count of an InputFraming, from each of its values on: 2^32 - 1 faults reach them all."""
    text = relation(Faults(dut), inputs_of(dut))
    begin = bounded(text, 2)
    return stepwise(text, 1) if begin.kind == BOUNDED else begin


class Windows(Component):
    """A WindowBuffer beside the frames that came in: two of them, one that is read and one that is written.

    Each word must hold the pixels of its tap column (or its tap) of the next output pixel's window, zeros beyond the
    frame, and the flags of its place in the window. One channel, one fold. A line buffer of more than two frames may
    take a third one before the first is read: then fewer cycles are looked at than it takes to bring that.

    Parameters
    ----------
    config : of an ordinary convolution
    dut : its WindowBuffer, or one with a bug
    """

    def __init__(self, config: WindowConfig, dut: Any) -> None:
        self.config, self.dut = config, dut
        self.issued = Signal(name="issued")
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        (port,) = ports_of(dut)
        add_rule(m, port, Assume)
        config, bits = self.config, self.config.bits
        pixels = config.width * config.height
        frames = [
            [Signal(bits, name=f"frame{which}_{pixel}", reset_less=True) for pixel in range(pixels)]
            for which in range(2)
        ]  # fmt: skip
        come, written = Signal(range(pixels), name="come"), Signal(name="written")
        with m.If(dut.i.valid & dut.i.ready):
            with m.Switch(Cat(come, written)):
                for which, frame in enumerate(frames):
                    for pixel, signal in enumerate(frame):
                        with m.Case(pixel | which << len(come)):
                            m.d.sync += signal.eq(dut.i.payload)
            m.d.sync += come.eq(come + 1)
            with m.If(come == pixels - 1):
                m.d.sync += [come.eq(0), written.eq(~written)]

        places = self._places()
        place, read = Signal(range(len(places)), name="place"), Signal(name="read")
        with m.If(dut.issue):
            m.d.sync += place.eq(place + 1)
            with m.If(place == len(places) - 1):
                m.d.sync += [place.eq(0), read.eq(~read)]
        wanted: Value = Mux(read, *(self._words(frame, places)[place] for frame in reversed(frames)))
        number = place % config.words
        m.d.comb += [
            self.issued.eq(dut.issue),
            Assert(~dut.issue | ((dut.first == (number == 0)) & (dut.last == (number == config.words - 1)))),
            Assert(dut.end_fold == (dut.issue & dut.last)),
        ]
        valid: Value = dut.issue
        for cycle in range(WindowBuffer.word_latency):
            late = Signal(name=f"late{cycle}")
            kept = Signal(len(dut.word), name=f"kept{cycle}", reset_less=True)
            m.d.sync += [late.eq(valid), kept.eq(wanted)]
            valid, wanted = late, kept
        m.d.comb += Assert(~valid | (dut.word == wanted))
        return m

    def _places(self) -> list[list[tuple[int, int]]]:
        """Of every word of a frame the (row, column) of each of its values, in the order in which words leave."""
        config = self.config
        found = []
        for y in range(config.out_height):
            for x in range(config.out_width):
                top, left = config.first_row(y), config.first_column(x)
                rows = [top + row * config.dilation for row in range(config.kernel_height)]
                columns = [left + column * config.dilation for column in range(config.kernel_width)]
                if config.taps > 1:
                    found += [[(row, column) for row in rows] for column in columns]
                else:
                    found += [[(row, column)] for row in rows for column in columns]
        return found

    def _words(self, frame: list[Signal], places: list[list[tuple[int, int]]]) -> Array:
        """The words of a frame."""
        config = self.config

        def pixel(row: int, column: int) -> Value:
            inside = 0 <= row < config.height and 0 <= column < config.width
            return frame[row * config.width + column] if inside else Const(0, config.bits)

        return Array([Cat(pixel(*each) for each in word) for word in places])


def check_windows(config: WindowConfig, depth: int, build: Callable[[WindowConfig], Any] = WindowBuffer) -> Answer:
    """Every word of a WindowBuffer, for so many cycles."""
    checker = Windows(config, build(config))
    text = relation(checker, [*inputs_of(checker.dut), checker.issued])
    return bounded(text, depth, reached=["issued"])


class InOrder(Component):
    """A FIFO one of whose beats is marked, any of the first ones: it leaves in its turn and as it came.

    A CreditFifo is fed as its contract says: room is reserved where there is some, and what was reserved is written; it
    is chosen or not, by both copies alike.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.left = Signal(name="left")
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        mark, come, gone = (Signal(5, name=name, reset_less=name == "mark") for name in ("mark", "come", "gone"))
        payload = Value.cast(dut.o.payload)
        marked = Signal(len(payload), name="marked", reset_less=True)
        if hasattr(dut, "reserve"):
            waiting = Signal(5, name="waiting")
            m.d.sync += waiting.eq(waiting + dut.reserve - dut.write)
            m.d.comb += [Assume(dut.reserve <= Mux(dut.room, dut.config.batch, 0)), Assume(~dut.write | (waiting != 0))]
            # What is reserved and not yet written, and what waits: never more than the FIFO's depth.
            m.d.comb += Assert(waiting + come - gone <= dut.config.depth)
            comes, given = dut.write, dut.payload
        else:
            comes, given = dut.i.valid & dut.i.ready, dut.i.payload
        goes = dut.o.valid & dut.o.ready
        if hasattr(dut, "chosen"):
            m.d.comb += Assume(dut.chosen[0] == dut.chosen[1])
            goes &= dut.chosen[0]
        m.d.sync += mark.eq(mark)
        with m.If(comes):
            m.d.sync += come.eq(come + 1)
            with m.If(come == mark):
                m.d.sync += marked.eq(given)
        with m.If(goes):
            m.d.sync += gone.eq(gone + 1)
        m.d.comb += [
            self.left.eq(goes & (gone == mark)),
            Assert(~dut.o.valid | (gone < come)),
            Assert(~(dut.o.valid & (gone == mark)) | (payload == marked)),
        ]
        return m


def check_order(dut: Any, depth: int) -> Answer:
    """A FIFO gives back what it got, in that order, for so many cycles, which are less than its counts hold."""
    checker = InOrder(dut)
    return bounded(relation(checker, [*inputs_of(dut), checker.left]), depth, reached=["left"])
