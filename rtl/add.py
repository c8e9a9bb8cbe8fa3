"""The sum of two streams on one exponent, requantised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from hwgen.rtl.checks import check_positive
from hwgen.rtl.pipeline import output_fifo, output_fifo_cost
from hwgen.rtl.primitives import Cost, adder_lut, equal_lut
from hwgen.rtl.round_saturate import add_round_saturate
from hwgen.rtl.stream import CreditFifoConfig


@dataclass(frozen=True)
class AddConfig:
    """(a + b) / 2 ** shift, rounded half to even and saturated; with an unsigned output, negative sums become 0.

    A beat of both inputs is taken in the cycle in which both are valid and there is room:

        taken(k) = max(valid a(k), valid b(k), taken(k - 1) + 1, left(k - depth) + 1)
        available(k) = max(taken(k) + latency, left(k - 1) + 1)

    Parameters
    ----------
    inputs
        Shape of a value of the first and the second input.
    shift
        Not negative.
    output
        Shape of a result.
    lanes
        Values per beat, of both inputs and the output.
    depth
        Of the FIFO, in beats; by default what keeps one beat per cycle going.

    Raises
    ------
    ValueError
        Not two inputs, a negative shift, no lane, no depth.
    """

    inputs: tuple[Shape, Shape]
    shift: int
    output: Shape
    lanes: int = 1
    depth: int = 6

    latency: ClassVar[int] = 3 + CreditFifoConfig.latency
    """Cycles from an accepted pair to its result: sum 1, round 1, saturate 1, FIFO 2."""
    default_depth: ClassVar[int] = latency + 1
    """An entry is free again one cycle after its beat has left."""

    def __post_init__(self) -> None:
        if len(self.inputs) != 2:
            raise ValueError(f"inputs: wanted 2, got {len(self.inputs)}")
        if self.shift < 0:
            raise ValueError(f"shift: wanted at least 0, got {self.shift}")
        check_positive(lanes=self.lanes, depth=self.depth)

    @property
    def sum_bits(self) -> int:
        """Signed width of a sum."""
        return max(shape.width + (not shape.signed) for shape in self.inputs) + 1

    def cost(self, family: str) -> Cost:
        """Resources: no DSP, no block RAM. LUTs of rounding and saturation were measured."""
        width, is_signed = self.output.width, any(shape.signed for shape in self.inputs)
        # Two unsigned values have no negative sum: its sign is no register.
        bits = self.sum_bits - (not is_signed)
        quotient = max(bits - self.shift, 1)
        lut = adder_lut(bits) + (equal_lut(self.shift + 1) + 3 if self.shift else 0)
        # What saturates at 0 and all ones alone is cleared and set; else each bit is chosen.
        if quotient > width - (not self.output.signed) and (self.output.signed or (is_signed and self.shift)):
            lut += width
        lut += abs(self.inputs[0].width - self.inputs[1].width)
        lane = Cost(lut, bits + 2 * min(width, quotient) + 2 + (self.shift > 0 and quotient > width))
        fifo = output_fifo_cost(unsigned(self.lanes * width), self.depth, family)
        return lane * self.lanes + fifo + Cost(3, 3)

    def build(self) -> Add:
        """The component."""
        return Add(self)


class Add(Component):
    """Adds two streams, value by value.

    Latency: `config.latency`. Interval: one beat per cycle.

    Parameters
    ----------
    config
        See AddConfig.

    Members
    -------
    i : In(stream of unsigned(lanes * width)) for each input, o : Out(stream of unsigned(lanes * width))
    """

    def __init__(self, config: AddConfig) -> None:
        self.config = config
        width = config.lanes * config.output.width
        super().__init__(
            {
                "i0": In(stream.Signature(unsigned(config.lanes * config.inputs[0].width))),
                "i1": In(stream.Signature(unsigned(config.lanes * config.inputs[1].width))),
                "o": Out(stream.Signature(unsigned(width))),
            }
        )

    @property
    def i(self) -> tuple[stream.Interface, stream.Interface]:
        """The inputs in turn."""
        return self.i0, self.i1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.fifo = fifo = output_fifo(unsigned(config.lanes * config.output.width), config.depth)
        connect(m, fifo.o, flipped(self.o))
        taken = Signal()
        m.d.comb += [
            self.i0.ready.eq(self.i1.valid & fifo.room),
            self.i1.ready.eq(self.i0.valid & fifo.room),
            taken.eq(self.i0.valid & self.i1.valid & fifo.room),
            fifo.reserve.eq(taken),
        ]
        results = []
        for lane in range(config.lanes):
            a, b = (
                typed(side.payload, lane, shape) for side, shape in zip(self.i, config.inputs, strict=True)
            )
            total = Signal(signed(config.sum_bits), name=f"sum{lane}", reset_less=True)
            m.d.sync += total.eq(a + b)
            results.append(add_round_saturate(m, total, config.shift, config.output, f"result{lane}"))
        valid: Value = taken
        for cycle in range(config.latency - CreditFifoConfig.latency):
            register = Signal(name=f"valid{cycle}")
            m.d.sync += register.eq(valid)
            valid = register
        m.d.comb += [fifo.write.eq(valid), fifo.payload.eq(Cat(result.as_unsigned() for result in results))]
        return m


def typed(payload: Value, lane: int, shape: Shape) -> Value:
    """A lane's value out of a beat."""
    bits = payload[lane * shape.width : (lane + 1) * shape.width]
    return bits.as_signed() if shape.signed else bits
