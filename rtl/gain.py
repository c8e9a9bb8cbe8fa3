"""A constant gain: value x factor / 2 ** shift, rounded half to even, saturated. Used for the static power gain."""

from __future__ import annotations

from amaranth.hdl import Module, Shape, Signal, Value, signed
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.primitives import Cost, multiplier_dsp
from hwgen.rtl.requantise import add_round_saturate, add_round_saturate_cost
from hwgen.rtl.stream import CreditFifo


class Gain(Component):
    """Multiply every value of a stream by factor / 2 ** shift.

    Latency: `latency` cycles from an accepted value to its result. Interval: one value per cycle.

    Parameters
    ----------
    input, output : Shape of a value
    factor : int, not negative
    shift : int, any sign
    places : int, of the FIFO; by default what keeps one value per cycle going

    Members
    -------
    i : In(stream of input), o : Out(stream of output)

    Raises
    ------
    ValueError : negative factor, no place
    """

    #: register 1, product 2, round 1, saturate 1, FIFO 2
    latency = 5 + CreditFifo.latency
    #: a value's place is given back one cycle after it has left
    places = latency + 1

    def __init__(self, *, input: Shape, factor: int, shift: int, output: Shape, places: int = places) -> None:
        if factor < 0:
            raise ValueError(f"factor: wanted at least 0, got {factor}")
        if places < 1:
            raise ValueError(f"places: wanted at least 1, got {places}")
        self.input, self.output = input, output
        self.fifo = CreditFifo(output, places)
        self.factor, self.shift = factor << max(-shift, 0), max(shift, 0)
        super().__init__({"i": In(stream.Signature(input)), "o": Out(stream.Signature(output))})

    @staticmethod
    def cost_of(input: Shape, factor: int, shift: int, output: Shape, family: str, places: int = places) -> Cost:
        """Resources: DSPs exactly, none where the factor is a power of two."""
        factor, shift = factor << max(-shift, 0), max(shift, 0)
        bits = input.width + factor.bit_length() + 1
        dsp = multiplier_dsp(factor.bit_length() + 1, family) if factor & (factor - 1) else 0
        outside = 0 if dsp == 1 else 2 * input.width  # the registers of one slice are its own
        fifo = CreditFifo.cost_of(output.width, places, family)
        return Cost(2, 5 + outside, dsp) + add_round_saturate_cost(bits, shift, output) + fifo

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        taken = Signal()
        m.d.comb += [
            self.i.ready.eq(fifo.room),
            taken.eq(self.i.valid & self.i.ready),
            fifo.reserve.eq(taken),
        ]
        value = Signal(self.input)
        product = Signal(signed(self.input.width + self.factor.bit_length() + 1))
        scaled = Signal.like(product)
        m.d.sync += [value.eq(self.i.payload), product.eq(value * self.factor), scaled.eq(product)]
        valid: Value = taken
        for cycle in range(self.latency - CreditFifo.latency):
            register = Signal(name=f"valid{cycle}")
            m.d.sync += register.eq(valid)
            valid = register
        m.d.comb += [
            fifo.write.eq(valid),
            fifo.payload.eq(add_round_saturate(m, scaled, self.shift, self.output, "result")),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m
