"""The first step of a receiver: components of received symbols become a first layer's integers."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.primitives import Cost
from hwgen.rtl.requantise import add_round_saturate, add_round_saturate_cost
from hwgen.rtl.stream import CreditFifo


class Received(Component):
    """Requantise every value of a stream by a power of two: value / 2 ** shift, rounded half to even, saturated.

    With `coarse` = (bits, left) every second value, from the second on, is an imaginary part on a coarser grid:
    value / 2 ** (shift + left), rounded and saturated to so many bits, times 2 ** left.

    Latency: `latency` cycles from an accepted value to its result. Interval: one value per cycle. No multiplier.

    Parameters
    ----------
    input, output : Shape of a value
    shift : int, any sign
    coarse : (bits, left) of odd values, or None
    places : int, of the FIFO; by default what keeps one value per cycle going

    Members
    -------
    i : In(stream of input), o : Out(stream of output)

    Raises
    ------
    ValueError : no place, a grid that is not inside the output's
    """

    #: round 1, saturate 1, FIFO 2
    latency = 2 + CreditFifo.latency
    #: a value's place is given back one cycle after it has left
    places = latency + 1

    def __init__(
        self, *, input: Shape, shift: int, output: Shape, coarse: tuple[int, int] | None = None, places: int = places
    ) -> None:
        if places < 1:
            raise ValueError(f"places: wanted at least 1, got {places}")
        if coarse and not (coarse[0] >= 1 and coarse[1] >= 0 and sum(coarse) <= output.width):
            raise ValueError(f"coarse: wanted bits and a left shift inside {output.width} bits, got {coarse}")
        self.input, self.shift, self.output, self.coarse = input, shift, output, coarse
        self.fifo = CreditFifo(output, places)
        super().__init__({"i": In(stream.Signature(input)), "o": Out(stream.Signature(output))})

    @staticmethod
    def cost_of(
        input: Shape, shift: int, output: Shape, family: str, coarse: tuple[int, int] | None = None,
        places: int = places,
    ) -> Cost:  # fmt: skip
        """Resources: an estimate but for the DSPs, of which there are none."""

        def scaled(by: int, kind: Shape) -> Cost:
            return add_round_saturate_cost(input.width + max(-by, 0), max(by, 0), kind)

        cost = Cost(2, 2) + scaled(shift, output) + CreditFifo.cost_of(output.width, places, family)
        if coarse:
            bits, left = coarse
            cost += scaled(shift + left, Shape(bits, output.signed)) + Cost(output.width + 1, 3)
        return cost

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = self.fifo
        taken = Signal()
        m.d.comb += [
            self.i.ready.eq(fifo.room),
            taken.eq(self.i.valid & self.i.ready),
            fifo.reserve.eq(taken),
        ]
        result: Value = self._scaled(m, self.shift, self.output, "result")
        valid: Value = taken
        for cycle in range(self.latency - CreditFifo.latency):
            register = Signal(name=f"valid{cycle}")
            m.d.sync += register.eq(valid)
            valid = register
        if self.coarse:
            bits, left = self.coarse
            imag = self._scaled(m, self.shift + left, Shape(bits, self.output.signed), "imag")
            odd = Signal()
            with m.If(taken):
                m.d.sync += odd.eq(~odd)
            was_odd: Value = odd
            for cycle in range(self.latency - CreditFifo.latency):
                register = Signal(name=f"odd{cycle}", reset_less=True)
                m.d.sync += register.eq(was_odd)
                was_odd = register
            result = Mux(was_odd, imag << left, result)
        m.d.comb += [
            fifo.write.eq(valid),
            fifo.payload.eq(result),
            self.o.payload.eq(fifo.o.payload),
            self.o.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(self.o.ready),
        ]
        return m

    def _scaled(self, m: Module, shift: int, output: Shape, name: str) -> Signal:
        """Two cycles later: the value / 2 ** shift in that type."""
        left = max(-shift, 0)
        value = Signal(signed(self.input.width + (not self.input.signed) + left), name=f"{name}_value")
        m.d.comb += value.eq(self.i.payload << left)
        return add_round_saturate(m, value, max(shift, 0), output, name)
