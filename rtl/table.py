"""A function of single values as a table: what a receiver's last layer gives becomes a pixel's values."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Shape, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.memory import HALF_BLOCK_LUTS, Form, Rom, block_cost, logic_cost
from hwgen.rtl.primitives import Cost
from hwgen.rtl.stream import CreditFifo


class Table(Component):
    """Every value of a stream becomes the table's entry whose place is the value's two's complement.

    Latency: `latency` cycles from an accepted value to its result. Interval: one value per cycle.

    Parameters
    ----------
    values : Sequence[int], 2 ** input.width entries, not negative
    input : Shape of a value
    bits : int, width of an entry
    places : int, of the FIFO; by default what keeps one value per cycle going

    Members
    -------
    i : In(stream of input), o : Out(stream of bits)

    Raises
    ------
    ValueError : another number of entries, an entry that is wider than `bits`, no place
    """

    #: memory 1, FIFO 2
    latency = 1 + CreditFifo.latency
    #: a value's place is given back one cycle after it has left
    places = latency + 1

    def __init__(self, values: Sequence[int], input: Shape, bits: int = 8, places: int = places) -> None:
        if len(values) != 1 << input.width:
            raise ValueError(f"values: wanted {1 << input.width}, one for each input, got {len(values)}")
        if wrong := [value for value in values if not 0 <= value < 1 << bits]:
            raise ValueError(f"values: wanted 0 .. {(1 << bits) - 1}, got {wrong[0]}")
        if places < 1:
            raise ValueError(f"places: wanted at least 1, got {places}")
        self.memory = Rom(values, bits, self.form_of(input.width, bits))
        self.fifo = CreditFifo(unsigned(bits), places)
        super().__init__({"i": In(stream.Signature(input)), "o": Out(stream.Signature(unsigned(bits)))})

    @staticmethod
    def form_of(input_bits: int, bits: int) -> Form:
        """Where the table is: in block RAM or in LUTs, whichever costs a part less."""
        depth = 1 << input_bits
        halves = 2 * block_cost(depth, bits, True, "xc7").bram36
        return "block" if logic_cost(depth, bits).lut > halves * HALF_BLOCK_LUTS else "logic"

    @staticmethod
    def cost_of(input: Shape, family: str, bits: int = 8, places: int = places) -> Cost:
        """Resources: block RAM exactly, LUTs of a table that no rule shortens."""
        memory = Rom.cost_of(1 << input.width, bits, Table.form_of(input.width, bits), family)
        return memory + Cost(2, 1) + CreditFifo.cost_of(bits, places, family)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        m.submodules.fifo = fifo = self.fifo
        taken, valid = Signal(), Signal()
        m.d.sync += valid.eq(taken)
        m.d.comb += [
            self.i.ready.eq(fifo.room),
            taken.eq(self.i.valid & self.i.ready),
            fifo.reserve.eq(taken),
            memory.address.eq(self.i.payload.as_unsigned()),
            fifo.write.eq(valid),
            fifo.payload.eq(memory.data),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m
