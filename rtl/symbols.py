"""Where values and symbols meet: pairs of values become I/Q symbols, and in a receiver symbols become values."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.counter import count
from hwgen.rtl.primitives import Cost, bits_of, counter_lut, equal_lut
from hwgen.rtl.stream import CreditFifo


class SymbolPacker(Component):
    """Values 2i and 2i + 1 of a frame become one beat: I in the low half, Q in the high half.

    An odd last Q is 0. Latency: 3 cycles from a symbol's last value to the symbol. Interval: one value per cycle.

    Parameters
    ----------
    values : int, values of a frame, at least 1
    bits : int, width of a value, at least 1
    places : int, of the FIFO; by default what keeps one value per cycle going

    Members
    -------
    i : In(stream of signed(bits)), o : Out(stream of {iq: 2 * bits, last: 1})

    Raises
    ------
    ValueError : values, bits or places below 1
    """

    #: pair register 1, FIFO 2
    latency = 1 + CreditFifo.latency
    #: a symbol's place is given back one cycle after it has left
    places = latency + 1

    def __init__(self, values: int, bits: int = 16, places: int = places) -> None:
        for key, value in (("values", values), ("bits", bits), ("places", places)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        self.values, self.bits = values, bits
        self.layout = data.StructLayout({"iq": 2 * bits, "last": 1})
        self.fifo = CreditFifo(self.layout, places)
        super().__init__({"i": In(stream.Signature(signed(bits))), "o": Out(stream.Signature(self.layout))})

    @staticmethod
    def cost_of(values: int, family: str, bits: int = 16, places: int = places) -> Cost:
        """Resources: flip-flops exactly."""
        pair = Cost(bits + 6 + counter_lut(values), bits_of(max(values, 2)) + 2 * bits + 2)
        return pair + CreditFifo.cost_of(2 * bits + 1, places, family)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        count = Signal(range(max(self.values, 2)))
        first, last, complete, taken = Signal(), Signal(), Signal(), Signal()
        symbol = Signal(self.layout)
        symbol_valid = Signal()
        m.d.comb += [
            last.eq(count == self.values - 1),
            first.eq(~count[0]),
            complete.eq(last | ~first),
            self.i.ready.eq(fifo.room),
            taken.eq(self.i.valid & self.i.ready),
            fifo.reserve.eq(taken & complete),
        ]
        m.d.sync += symbol_valid.eq(taken & complete)
        with m.If(taken):
            m.d.sync += [count.eq(Mux(last, 0, count + 1)), symbol.last.eq(last)]
            with m.If(first):
                m.d.sync += symbol.iq.eq(Cat(self.i.payload, Signal(self.bits, name="zero")))
            with m.Else():
                m.d.sync += symbol.iq[self.bits :].eq(self.i.payload)
        m.d.comb += [
            fifo.write.eq(symbol_valid),
            fifo.payload.eq(symbol),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m


class SymbolUnpacker(Component):
    """A symbol becomes two values, I before Q; where a frame has an odd number of values, its last Q is dropped.

    Latency: 1 cycle to the first value. Interval: one value per cycle, across frames.

    Parameters
    ----------
    values : int, values of a frame, at least 1
    bits : int, width of a value, at least 1

    Members
    -------
    i : In(stream of 2 * bits), I in the low half; o : Out(stream of signed(bits))

    Raises
    ------
    ValueError : values or bits below 1
    """

    latency = 1
    places = 2

    def __init__(self, values: int, bits: int = 16) -> None:
        for key, value in (("values", values), ("bits", bits)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        self.values, self.bits = values, bits
        super().__init__({"i": In(stream.Signature(unsigned(2 * bits))), "o": Out(stream.Signature(signed(bits)))})

    @staticmethod
    def cost_of(values: int, bits: int = 16) -> Cost:
        """Resources: flip-flops exactly."""
        words = (values + 1) // 2
        bits_of_count = bits_of(words)
        odd = Cost(bits_of_count + equal_lut(bits_of_count) + 1, bits_of_count + (words > 1))
        return Cost(2 * bits + 7, 4 * bits + 3) + odd * (values % 2)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        symbol, waiting = Signal(2 * self.bits), Signal(2 * self.bits)
        left = Signal(range(3))
        full, taken, done, load = Signal(), Signal(), Signal(), Signal()
        # A second place, so that `i.ready` comes from a register and the values still follow one another.
        m.d.comb += [
            self.i.ready.eq(~full),
            taken.eq(self.i.valid & self.i.ready),
            done.eq((left == 0) | ((left == 1) & self.o.ready)),
            load.eq(done & (full | self.i.valid)),
            self.o.valid.eq(left != 0),
            self.o.payload.eq(symbol[: self.bits].as_signed()),
        ]
        values: Value = Const(2, 2)
        if self.values % 2:
            # The symbol that is loaded next is the frame's last: it has one value.
            last = count(m, (self.values + 1) // 2, load, "symbol").last
            values = Mux(last, 1, 2)
        with m.If(taken):
            m.d.sync += waiting.eq(self.i.payload)
        with m.If(done):
            m.d.sync += [symbol.eq(Mux(full, waiting, self.i.payload)), left.eq(Mux(load, values, 0)), full.eq(0)]
        with m.Else():
            with m.If(self.o.ready):
                m.d.sync += [symbol.eq(symbol >> self.bits), left.eq(left - 1)]
            with m.If(self.i.valid):
                m.d.sync += full.eq(1)
        return m
