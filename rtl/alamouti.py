"""Alamouti's code at the transmitter: two symbols on two antennas in two slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Array, Cat, Module, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, flipped

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.matrix_product import BITS, SYMBOL, negated
from hwgen.rtl.pipeline import FIFO_LATENCY, connect_in_order, output_fifo, output_fifo_cost
from hwgen.rtl.primitives import Cost, adder_lut, counter, equal_lut
from hwgen.rtl.signals import signals


@dataclass(frozen=True)
class AlamoutiConfig:
    """(s0, s1) becomes s0, s1, -conj(s1), conj(s0); -(-32768) is 32767.

    Parameters
    ----------
    pairs
        Pairs of symbols in a frame; `o.last` marks the last word.
    depth
        Of the FIFO, in words; by default what keeps the interval.

    Raises
    ------
    ValueError
        Either below 1.
    """

    latency: ClassVar[int] = 2 + FIFO_LATENCY
    """Cycles from a pair's second symbol to its first word: pair 1, word 1, FIFO."""
    default_depth: ClassVar[int] = latency
    """An entry is taken one cycle after the pair is there, and free again one cycle after its word has left."""
    cycles: ClassVar[int] = 4
    """Interval of a pair."""

    pairs: int
    depth: int = default_depth

    def __post_init__(self) -> None:
        check_positive(pairs=self.pairs, depth=self.depth)

    def cost(self, family: str) -> Cost:
        """Resources; no DSP, no block RAM."""
        negations = Cost(adder_lut(BITS) + equal_lut(BITS)) * 2
        words = Cost(2 * 2 * BITS, 4 * 2 * BITS + 4)
        fifo = output_fifo_cost(SYMBOL, self.depth, family)
        return negations + words + counter(self.pairs) + Cost(10, 2) + fifo

    def build(self) -> Alamouti:
        """The component."""
        return Alamouti(self)


class Alamouti(Component):
    """Encodes pairs of symbols.

    Latency: `config.latency` to a pair's first word, the others right behind it. Interval: `config.cycles` per pair.

    Parameters
    ----------
    config
        See AlamoutiConfig.

    Members
    -------
    i : In(stream of SYMBOL), whose `last` is not read; o : Out(stream of SYMBOL)
    """

    def __init__(self, config: AlamoutiConfig) -> None:
        self.config = config
        super().__init__({"i": In(stream.Signature(SYMBOL)), "o": Out(stream.Signature(SYMBOL))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = output_fifo(SYMBOL, self.config.depth)
        held, working = signals("held working")
        earlier, s0, s1 = (Signal(2 * BITS, name=name, reset_less=True) for name in ("earlier", "s0", "s1"))
        taken, go, done = signals("taken go done")
        word = count(m, self.config.cycles, go, "word")
        pair = count(m, self.config.pairs, done, "pair")
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
        ]
        connect_in_order(m, fifo.o, flipped(self.o))
        return m
