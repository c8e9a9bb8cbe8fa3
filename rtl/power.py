"""Power normalisation of every frame: the gain sqrt(k P / E) from the frame's own energy E, in integers.

The values wait in a ring while their energy is summed; then the root of a quotient is taken digit by digit, and the
values leave, multiplied. The next frame comes in meanwhile. The formula is hwgen.numerics.complex.power_normalise:

    energy      E, `energy_bits` (an even number e_max); shifted left by two until the upper two bits are not 0
    quotient    N' / m, 34 bits, one a cycle: N' a constant, m the upper 24 bits of the energy
    root        of the quotient, 17 bits, one in two cycles, behind the quotient's digits
    results     x * 2**left * g / 2**right, rounded half to even: right a constant, left how far the energy was shifted
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, flipped

from hwgen.numerics.complex import (
    GAIN_BITS,
    MANTISSA_BITS,
    QUOTIENT_BITS,
    even_length,
    power_numerator,
)
from hwgen.numerics.formats import SYMBOL
from hwgen.rtl.adders import delay
from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.memory import RamConfig
from hwgen.rtl.pipeline import FIFO_LATENCY, connect_in_order, output_fifo, output_fifo_cost
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter, multiplier_dsp
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost
from hwgen.rtl.signals import signals
from hwgen.rtl.storage import Storage
from hwgen.rtl.stream import CreditFifo

OUTPUT = signed(SYMBOL.bits)
PIPELINE = 7 + FIFO_LATENCY
"""From a value's address: memory 1, register 1, shift 1, product 2, round 1, saturate 1, FIFO."""


@dataclass(frozen=True, kw_only=True)
class PowerNormaliserConfig:
    """Every frame of a stream to the same power per complex symbol, a pair of values.

    Parameters
    ----------
    input
        Shape of a value, at most 16 bits.
    values
        Of a frame.
    power
        P * 2**16.
    buffer_depth
        Of the buffer where values wait for their energy; by default what keeps the interval, a frame is enough.
    depth
        Of the FIFO, in values; by default what keeps one value per cycle going.
    storage
        Of the values that wait.

    Raises
    ------
    ValueError
        A number out of range.
    """

    default_depth: ClassVar[int] = PIPELINE + 1
    """An entry is taken with a value's address, and free again one cycle after it has left."""

    input: Shape
    values: int
    power: int
    buffer_depth: int = None  # type: ignore[assignment]  # set below
    depth: int = default_depth
    storage: Storage = Storage()

    def __post_init__(self) -> None:
        check_positive(values=self.values, power=self.power, depth=self.depth)
        if self.input.width > SYMBOL.bits:
            raise ValueError(f"input: wanted at most {SYMBOL.bits} bits, got {self.input.width}")
        if self.buffer_depth is None:
            object.__setattr__(self, "buffer_depth", self.default_buffer_depth)
        if self.buffer_depth < self.values:
            raise ValueError(f"buffer_depth: wanted at least a frame of {self.values}, got {self.buffer_depth}")
        power_numerator((self.values + 1) // 2, self.power)

    @property
    def numerator(self) -> int:
        """The dividend, whose divisor is the energy."""
        return power_numerator((self.values + 1) // 2, self.power)[0]

    @property
    def energy_bits(self) -> int:
        """Bits of the largest energy, rounded up to an even number."""
        input = self.input
        largest = 1 << input.width - 1 if input.signed else (1 << input.width) - 1
        return even_length(self.values * largest * largest)

    @property
    def gain_cycles(self) -> int:
        """From a frame's last value to the address of its first: sum 4, shifts, quotient, root 1, gain 1."""
        return 4 + (self.energy_bits - 2) // 2 + QUOTIENT_BITS + 1 + 1

    @property
    def latency(self) -> int:
        """Cycles from a frame's last value to its first result, the others right behind it."""
        return self.gain_cycles + PIPELINE

    @property
    def frame_cycles(self) -> int:
        """Interval of a frame: its values or, where they are fewer cycles, what its gain takes."""
        return max(self.values, self.gain_cycles)

    @property
    def default_buffer_depth(self) -> int:
        """A frame, and what comes at one value per cycle until its gain is there."""
        return self.values + self.gain_cycles

    @property
    def shift(self) -> int:
        """The shift of the frame of most energy. One of less energy has less, down to 0.

        With shifts below 0 all results but zeros are saturated, as they are with 0: the gain is at least 2**15.
        """
        c = power_numerator((self.values + 1) // 2, self.power)[1]
        return max(SYMBOL.fraction + (self.energy_bits - c) // 2, 0)

    @property
    def ring(self) -> RamConfig:
        """The memory of the values that wait."""
        return self.storage.ram(self.buffer_depth, self.input.width)

    def cost(self, family: str) -> Cost:
        """Resources: DSPs and block RAM exactly."""
        input, values, depth = self.input, self.values, self.buffer_depth
        energy, shift = self.energy_bits, self.shift
        left, shifted = shift.bit_length(), input.width + shift
        cost = self.ring.cost(family)
        cost += Cost(dsp=1 + multiplier_dsp(shifted + (not input.signed), family))
        # Two counters of values and two of entries, each with its `last`; free entries; steps.
        cost += (counter(values) + counter(depth) + Cost(3, 1)) * 2 + Cost(bits_of(depth), bits_of(depth) + 1)
        cost += counter(self.gain_cycles)
        # The energy, which is summed in a DSP's register, and its shifts; quotient; root and gain.
        cost += Cost(adder_lut(energy) + energy + 2 * left, energy + 2 * left)
        cost += Cost(2 * adder_lut(MANTISSA_BITS), MANTISSA_BITS + 2)
        cost += Cost(2 * adder_lut(GAIN_BITS + 2) + GAIN_BITS, 3 * GAIN_BITS + 1)
        # The values' shift, and what walks beside them.
        cost += Cost(shifted * -(-left // 2) + 6, 2 * input.width + 8)
        cost += add_round_saturate_cost(shifted + GAIN_BITS + 1, shift, OUTPUT)
        return cost + output_fifo_cost(OUTPUT, self.depth, family)

    def build(self) -> PowerNormaliser:
        """The component."""
        return PowerNormaliser(self)


class PowerNormaliser(Component):
    """Normalises the power of every frame.

    Latency: `config.latency` from a frame's last value to its first result. Interval: one value per cycle, a frame in
    `config.frame_cycles`.

    Parameters
    ----------
    config
        See PowerNormaliserConfig.

    Members
    -------
    i : In(stream of input), o : Out(stream of signed(16)), Q3.12
    """

    def __init__(self, config: PowerNormaliserConfig) -> None:
        self.config = config
        super().__init__({"i": In(stream.Signature(config.input)), "o": Out(stream.Signature(OUTPUT))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = output_fifo(OUTPUT, self.config.depth)
        m.submodules.ring = ring = self.config.ring.build()
        take, go, busy = signals("take go busy")

        # What comes in. A frame's last value waits until the gain of the one before is taken.
        spare = Signal(range(-1, self.config.buffer_depth), init=self.config.buffer_depth - 1)  # free places less one
        taken = Signal()
        arriving = count(m, self.config.values, taken, "arriving")
        m.d.comb += [
            self.i.ready.eq(~spare[-1] & ~(busy & arriving.last)),
            taken.eq(self.i.valid & self.i.ready),
        ]
        value = Signal(self.config.input, reset_less=True)
        valid, first, last = signals("valid first last")
        m.d.sync += [
            spare.eq(spare - taken + go),
            busy.eq((busy & ~take) | (taken & arriving.last)),
            valid.eq(taken),
            first.eq(arriving.place == 0),
            last.eq(taken & arriving.last),
        ]
        with m.If(taken):
            m.d.sync += value.eq(self.i.payload)
        write_address = count(m, self.config.buffer_depth, valid, "write_address").place
        m.d.comb += [
            ring.write.eq(valid),
            ring.write_address.eq(write_address),
            ring.write_data.eq(value),
            ring.address.eq(count(m, self.config.buffer_depth, go, "read_address").place),
        ]
        done, root, shifts = self._gain(m, take, valid, value, first, last)

        # What goes out: a frame's values, as soon as its gain is there.
        reading = Signal()
        gain, left = Signal.like(root, name="gain"), Signal.like(shifts, name="left")
        leaving = count(m, self.config.values, go, "leaving")
        m.d.comb += [
            take.eq(done & (~reading | (go & leaving.last))),
            go.eq(reading & fifo.room),
            fifo.reserve.eq(go),
        ]
        with m.If(take):
            m.d.sync += reading.eq(1)
        with m.Elif(go & leaving.last):
            m.d.sync += reading.eq(0)
        # The values before are still on their way: their shift and their gain change when they have passed.
        shifts_pass = delay_flag(m, delay_flag(m, take, "passing"), "shifts_pass")
        with m.If(shifts_pass):
            m.d.sync += left.eq(shifts)
        with m.If(delay_flag(m, shifts_pass, "root_passes")):
            m.d.sync += gain.eq(root)
        self._scale(m, fifo, go, delay(m, ring.data, 1, "value_out"), gain, left)
        connect_in_order(m, fifo.o, flipped(self.o))
        return m

    def _gain(
        self, m: Module, take: Value, valid: Value, value: Value, first: Value, last: Value
    ) -> tuple[Signal, Signal, Signal]:
        """Whether a frame's gain is there that nobody has taken, its root and how often the energy was shifted."""
        bits = self.config.energy_bits
        shifting = (bits - 2) // 2
        end = shifting + QUOTIENT_BITS
        # Cycle 1: the square. Cycle 2: the sum.
        squares, energy = (Signal(width, name=name, reset_less=True) for width, name in
                           ((2 * self.config.input.width, "square"), (bits, "energy")))  # fmt: skip
        # The delays stand outside of the If: a register inside would keep its value over idle cycles and a reset.
        m.d.sync += squares.eq(value * value)
        valid_square, first_square = delay_flag(m, valid, "valid_square"), delay(m, first, 1, "first_square")
        with m.If(valid_square):
            m.d.sync += energy.eq(squares + Mux(first_square, 0, energy))
        load = delay_flag(m, delay_flag(m, last, "last_square"), "load")

        step = Signal(range(end + 1))
        running, done, dividing, rooting = signals("running done dividing rooting")
        shifted = Signal(bits, reset_less=True)
        shifts = Signal(range(self.config.shift + 1), reset_less=True)
        remainder = Signal(MANTISSA_BITS, reset_less=True)
        digits = Signal(2, reset_less=True)
        rest = Signal(GAIN_BITS + 1, reset_less=True)
        root = Signal(GAIN_BITS, reset_less=True)
        with m.If(take):
            m.d.sync += done.eq(0)
        with m.If(running):
            m.d.sync += [
                step.eq(step + 1),
                dividing.eq(dividing | (step == shifting - 1)),
                # Behind each second digit of the quotient.
                rooting.eq(dividing & (step[0] != shifting % 2)),
            ]
            with m.If(step == end):
                m.d.sync += [running.eq(0), done.eq(1)]
        with m.If(load):
            m.d.sync += [
                running.eq(1),
                step.eq(0),
                dividing.eq(shifting == 0),
                rooting.eq(0),
                shifted.eq(energy),
                shifts.eq(0),
                remainder.eq(self.config.numerator >> QUOTIENT_BITS),
                rest.eq(0),
                root.eq(0),
            ]

        # Two zeros at the top are shifted out. How often counts as far as it makes a difference to the shift.
        with m.Elif(~dividing):
            with m.If(shifted[-2:] == 0):
                m.d.sync += shifted.eq(shifted << 2)
                with m.If(shifts != self.config.shift):
                    m.d.sync += shifts.eq(shifts + 1)
        # A digit of the quotient; behind each second one a digit of the root.
        with m.Else():
            mantissa = Cat(Const(0, max(MANTISSA_BITS - bits, 0)), shifted)[-MANTISSA_BITS:]
            numerator = self.config.numerator
            digit_at = sum(
                (numerator >> QUOTIENT_BITS - 1 - place & 1) << shifting + place for place in range(QUOTIENT_BITS)
            )
            dividend = Cat(Const(digit_at, end + 1).bit_select(step, 1), remainder)
            difference = (dividend - mantissa)[: MANTISSA_BITS + 2]
            digit = ~difference[-1]
            m.d.sync += [
                remainder.eq(Mux(digit, difference, dividend)),
                digits.eq(Cat(digit, digits[0])),
            ]
            with m.If(rooting):
                radicand = Cat(digits, rest)
                below = (radicand - Cat(Const(1, 2), root))[: GAIN_BITS + 4]
                m.d.sync += [
                    rest.eq(Mux(below[-1], radicand, below)),
                    root.eq(Cat(~below[-1], root)),
                ]
        return done, root, shifts

    def _scale(self, m: Module, fifo: CreditFifo, go: Value, value: Value, gain: Value, left: Value) -> None:
        """The values out of the ring, which are there two cycles after `go`, times the gain, into the FIFO."""
        shift = self.config.shift
        shifted = Signal(Shape(self.config.input.width + shift, self.config.input.signed), reset_less=True)
        product = Signal(signed(self.config.input.width + shift + GAIN_BITS + 1), reset_less=True)
        scaled = Signal.like(product)
        operand = value.as_signed() if self.config.input.signed else value
        m.d.sync += [shifted.eq(operand << left), product.eq(shifted * gain), scaled.eq(product)]
        valid = go
        for cycle in range(PIPELINE - FIFO_LATENCY):
            valid = delay_flag(m, valid, f"valid{cycle}")
        m.d.comb += [
            fifo.write.eq(valid),
            fifo.payload.eq(add_round_saturate(m, scaled, shift, OUTPUT, "result")),
        ]


def delay_flag(m: Module, flag: Value, name: str) -> Value:
    """The flag one cycle later; a reset clears it."""
    register = Signal(name=name)
    m.d.sync += register.eq(flag)
    return register
