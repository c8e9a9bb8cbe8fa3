"""Alamouti's code at the transmitter: two symbols on two antennas in two slots."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.counter import count
from hwgen.rtl.matrix_product import BITS, SYMBOL, negated
from hwgen.rtl.primitives import Cost, adder_lut, counter, equal_lut
from hwgen.rtl.stream import CreditFifoConfig


class Alamouti(Component):
    """(s0, s1) becomes s0, s1, -conj(s1), conj(s0); -(-32768) is 32767.

    Latency: `latency` cycles from a pair's second symbol to its first word, the others right behind it. Interval: four
    cycles per pair.

    Parameters
    ----------
    pairs : int, pairs of symbols in a frame; `o.last` marks the last word
    places : int, of the FIFO; by default what keeps the interval

    Members
    -------
    i : In(stream of SYMBOL), whose `last` is not read; o : Out(stream of SYMBOL)

    Raises
    ------
    ValueError : no pair, no place
    """

    #: pair 1, word 1, FIFO 2
    latency = 2 + CreditFifoConfig.latency
    #: a place is taken one cycle after the pair is there, and given back one cycle after its word has left
    places = latency
    pair_cycles = 4

    def __init__(self, pairs: int, places: int = places) -> None:
        for key, value in (("pairs", pairs), ("places", places)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        self.pairs = pairs
        self.fifo_places = places
        super().__init__({"i": In(stream.Signature(SYMBOL)), "o": Out(stream.Signature(SYMBOL))})

    @staticmethod
    def cost_of(pairs: int, family: str, places: int = places) -> Cost:
        """Resources; no DSP, no block RAM."""
        negations = Cost(adder_lut(BITS) + equal_lut(BITS)) * 2
        words = Cost(2 * 2 * BITS, 4 * 2 * BITS + 4)
        return negations + words + counter(pairs) + Cost(10, 2) + CreditFifoConfig(SYMBOL, places).cost(family)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = CreditFifoConfig(SYMBOL, self.fifo_places).build()
        held, working = Signal(), Signal()
        earlier, s0, s1 = (Signal(2 * BITS, name=name, reset_less=True) for name in ("earlier", "s0", "s1"))
        taken, go, done = Signal(), Signal(), Signal()
        word = count(m, self.pair_cycles, go, "word")
        pair = count(m, self.pairs, done, "pair")
        m.d.comb += [
            self.i.ready.eq(~held | ~working | done),
            taken.eq(self.i.valid & self.i.ready),
            go.eq(working & fifo.room),
            done.eq(go & word.last),
            fifo.reserve.eq(go),
        ]
        with m.If(done):
            m.d.sync += working.eq(0)
        with m.If(taken):
            m.d.sync += held.eq(~held)
            with m.If(held):
                m.d.sync += [working.eq(1), s0.eq(earlier), s1.eq(self.i.payload.iq)]
            with m.Else():
                m.d.sync += earlier.eq(self.i.payload.iq)

        def mirrored(symbol: Value, part: int) -> Value:
            """The symbol with the sign of re (0) or im (1) turned."""
            halves = [symbol[:BITS], symbol[BITS:]]
            halves[part] = negated(halves[part].as_signed())
            return Cat(*halves)

        payload = Signal(SYMBOL)
        write = Signal()
        m.d.sync += [
            payload.iq.eq(Array([s0, s1, mirrored(s1, 0), mirrored(s0, 1)])[word.place]),
            payload.last.eq(word.last & pair.last),
            write.eq(go),
        ]
        m.d.comb += [
            fifo.payload.eq(payload),
            fifo.write.eq(write),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m
