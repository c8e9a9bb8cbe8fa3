"""Conversion between values and symbols: pairs of values become I/Q symbols, and a receiver's symbols values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.pipeline import FIFO_LATENCY, Pipeline, output_fifo_cost
from hwgen.rtl.primitives import Cost, bits_of, counter_lut, equal_lut
from hwgen.rtl.signals import signals


@dataclass(frozen=True)
class SymbolPackerConfig:
    """Values 2i and 2i + 1 of a frame become one beat: I in the low half, Q in the high half. An odd last Q is 0.

    Parameters
    ----------
    values
        Of a frame, at least 1.
    bits
        Width of a value, at least 1.
    depth
        Of the FIFO, in symbols; by default what keeps one value per cycle going.

    Raises
    ------
    ValueError
        Any of them below 1.
    """

    cycles: ClassVar[int] = 1
    """Pair register 1."""
    latency: ClassVar[int] = cycles + FIFO_LATENCY
    """Cycles from a symbol's last value to the symbol."""
    default_depth: ClassVar[int] = latency + 1
    """A symbol's entry is free again one cycle after it has left."""

    values: int
    bits: int = 16
    depth: int = default_depth

    def __post_init__(self) -> None:
        check_positive(values=self.values, bits=self.bits, depth=self.depth)

    @property
    def layout(self) -> data.StructLayout:
        """A beat of the output."""
        return data.StructLayout({"iq": 2 * self.bits, "last": 1})

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly."""
        lut = self.bits + 6 + counter_lut(self.values)
        pair = Cost(lut, bits_of(max(self.values, 2)) + 2 * self.bits + 2)
        return pair + output_fifo_cost(self.layout, self.depth, family)

    def build(self) -> SymbolPacker:
        """The component."""
        return SymbolPacker(self)


class SymbolPacker(Pipeline):
    """Pairs the values of a frame.

    Latency: `config.latency`. Interval: one value per cycle.

    Parameters
    ----------
    config
        See SymbolPackerConfig.

    Members
    -------
    i : In(stream of signed(bits)), o : Out(stream of {iq: 2 * bits, last: 1})
    """

    def __init__(self, config: SymbolPackerConfig) -> None:
        self.config = config
        super().__init__(signed(config.bits), config.layout, cycles=config.cycles, depth=config.depth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values, bits = self.config.values, self.config.bits
        m.submodules.fifo = self.fifo
        count = Signal(range(max(values, 2)))
        first, last, complete, taken = signals("first last complete taken")
        symbol = Signal(self.config.layout)
        m.d.comb += [
            last.eq(count == values - 1),
            first.eq(~count[0]),
            complete.eq(last | ~first),
        ]
        self.accept(m, taken, taken & complete)
        valid = self.late(m, taken & complete, "symbol_valid")
        with m.If(taken):
            m.d.sync += [count.eq(Mux(last, 0, count + 1)), symbol.last.eq(last)]
            with m.If(first):
                m.d.sync += symbol.iq.eq(Cat(self.i.payload, Signal(bits, name="zero")))
            with m.Else():
                m.d.sync += symbol.iq[bits:].eq(self.i.payload)
        self.deliver(m, valid, symbol)
        return m


@dataclass(frozen=True)
class SymbolUnpackerConfig:
    """A symbol becomes two values, I before Q; where a frame has an odd number of values, its last Q is dropped.

    Parameters
    ----------
    values
        Of a frame, at least 1.
    bits
        Width of a value, at least 1.

    Raises
    ------
    ValueError
        Values or bits below 1.
    """

    latency: ClassVar[int] = 1
    """Cycles from an accepted symbol to its first value."""
    depth: ClassVar[int] = 2
    """Symbols held."""
    cycles: ClassVar[int] = 2
    """Interval of a symbol."""

    values: int
    bits: int = 16

    def __post_init__(self) -> None:
        check_positive(values=self.values, bits=self.bits)

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly, alike in every family."""
        words = (self.values + 1) // 2
        bits_of_count = bits_of(words)
        odd = Cost(bits_of_count + equal_lut(bits_of_count) + 1, bits_of_count + (words > 1))
        # Where every symbol has two values, each bit of what leaves takes another LUT.
        return Cost(2 * self.bits + 7, 4 * self.bits + 3) + (odd if self.values % 2 else Cost(self.bits))

    def build(self) -> SymbolUnpacker:
        """The component."""
        return SymbolUnpacker(self)


class SymbolUnpacker(Component):
    """Takes symbols apart.

    Latency: `config.latency`. Interval: one value per cycle, across frames.

    Parameters
    ----------
    config
        See SymbolUnpackerConfig.

    Members
    -------
    i : In(stream of 2 * bits), I in the low half; o : Out(stream of signed(bits))
    """

    def __init__(self, config: SymbolUnpackerConfig) -> None:
        self.config = config
        bits = config.bits
        super().__init__({"i": In(stream.Signature(unsigned(2 * bits))), "o": Out(stream.Signature(signed(bits)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self.config.bits
        symbol, waiting = signals("symbol waiting", 2 * bits, reset_less=True)
        left = Signal(range(3))
        full, taken, done, load = signals("full taken done load")
        # A second entry, so that `i.ready` comes from a register and the values still follow one another.
        m.d.comb += [
            self.i.ready.eq(~full),
            taken.eq(self.i.valid & self.i.ready),
            done.eq((left == 0) | ((left == 1) & self.o.ready)),
            load.eq(done & (full | self.i.valid)),
            self.o.valid.eq(left != 0),
            self.o.payload.eq(symbol[: bits].as_signed()),
        ]
        values: Value = Const(2, 2)
        if self.config.values % 2:
            # The symbol that is loaded next is the frame's last: it has one value.
            last = count(m, (self.config.values + 1) // 2, load, "symbol").last
            values = Mux(last, 1, 2)
        with m.If(taken):
            m.d.sync += waiting.eq(self.i.payload)
        with m.If(done):
            m.d.sync += [symbol.eq(Mux(full, waiting, self.i.payload)), left.eq(Mux(load, values, 0)), full.eq(0)]
        with m.Else():
            with m.If(self.o.ready):
                m.d.sync += [symbol.eq(symbol >> bits), left.eq(left - 1)]
            with m.If(self.i.valid):
                m.d.sync += full.eq(1)
        return m
