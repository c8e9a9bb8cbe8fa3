"""From accumulator to activation: bias, PReLU, shift with rounding half to even, saturation.

The same formula as hwgen.numerics.integer, one value per cycle:

    t = accumulator + bias[c]
    v = t << fraction if t >= 0 else t * slope[c]          (PReLU; v = t otherwise)
    y = saturate(v / 2 ** shift[c], rounded half to even)

A shift that differs from channel to channel becomes a left shift up to the largest one, which is exact, and one
constant right shift, which is wires.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.adders import delay
from hwgen.rtl.memory import IN_LUTS, logic_lut
from hwgen.rtl.packing import DSP_NARROW, DSP_WIDE
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter_lut, equal_lut, multiplier_dsp, signed_bits
from hwgen.rtl.stream import wrap_increment


@dataclass(frozen=True)
class Coarse:
    """A grid for some of the values: saturated to `bits`, then shifted left by `left`."""

    bits: int
    left: int


def add_round_saturate(
    m: Module,
    value: Signal,
    shift: int,
    output: Shape,
    name: str,
    coarse: Coarse | None = None,
    choice: Value | None = None,
) -> Value:
    """Two registers: value / 2 ** shift rounded half to even, then saturated to `output`. `shift` is not negative.

    Where `choice` is set (with the value), it is saturated and shifted as `coarse` says instead.

    Only the bits of the output are rounded by an adder. What lies above them says whether the quotient is out of range;
    rounding cannot bring it back: the nearest it comes is the bound itself. Inside the range, rounding can carry the
    largest value beyond it, and no other.
    """
    if coarse is not None and choice is None:
        narrow = add_round_saturate(m, value, shift, Shape(coarse.bits, output.signed), name)
        return narrow << coarse.left
    width, is_signed = output.width, output.signed
    # A shift beyond the width leaves the sign: extend, so that every bit has a place.
    extended = Signal(signed(max(len(value), shift + width + 1)), name=f"{name}_extended")
    m.d.comb += extended.eq(value)
    quotient = extended[shift:]
    low, above = quotient[:width], quotient[width - is_signed :]
    beyond = above.any() & ~above.all() if is_signed else above.any()
    if coarse is not None:
        coarse_above = quotient[coarse.bits - is_signed :]
        coarse_beyond = coarse_above.any() & ~coarse_above.all() if is_signed else coarse_above.any()
        beyond = Mux(choice, coarse_beyond, beyond)
    up: Value = Const(0, 1)
    if shift > 0:
        up = extended[shift - 1] & (extended[: shift - 1].any() | quotient[0])
    rounded = Signal(Shape(width + 1, is_signed), name=f"{name}_rounded", reset_less=True)
    outside, negative = (Signal(name=f"{name}_{flag}", reset_less=True) for flag in ("outside", "negative"))
    m.d.sync += [
        rounded.eq((low.as_signed() if is_signed else low) + up),
        outside.eq(beyond),
        negative.eq(extended[-1]),
    ]
    # Beyond the largest value, a carry has reached the bit above it.
    over = rounded[width] ^ rounded[width - 1] if is_signed else rounded[width]
    smallest: Value | int = -(1 << width - 1) if is_signed else 0
    largest: Value | int = ~smallest
    result: Value = rounded
    if coarse is not None and choice is not None:
        chosen = delay(m, choice, 1, f"{name}_coarse")
        bits, left = coarse.bits, coarse.left
        over = Mux(chosen, rounded[bits] ^ rounded[bits - 1] if is_signed else rounded[bits], over)
        smallest = Mux(chosen, Const(-(1 << bits - 1) << left if is_signed else 0, output), Const(smallest, output))
        largest = Mux(chosen, Const((1 << bits - is_signed) - 1 << left, output), Const(largest, output))
        result = Mux(chosen, rounded << left, rounded)
    saturated = Signal(output, name=f"{name}_saturated", reset_less=True)
    with m.If(outside):
        m.d.sync += saturated.eq(Mux(negative, smallest, largest))
    with m.Elif(over):
        m.d.sync += saturated.eq(largest)
    with m.Else():
        m.d.sync += saturated.eq(result)
    return saturated


def add_round_saturate_cost(bits: int, shift: int, output: Shape) -> Cost:
    """`add_round_saturate` of a value of so many bits: those below, those above, a choice for each of the output's."""
    quotient = max(bits - shift, 1)
    lut = equal_lut(shift + 1) + 1
    if quotient <= output.width:  # nothing to saturate
        return Cost(lut, 2 * quotient)
    return Cost(lut + equal_lut(quotient - output.width + 1) + output.width, 2 * output.width + 3)


def check_coarse(coarse: tuple[int, int] | None, output: Shape) -> Coarse | None:
    """(bits, left) of a coarse grid that lies within the output."""
    if coarse is None:
        return None
    bits, left = coarse
    if bits < 1 or left < 0 or bits + left > output.width:
        raise ValueError(f"coarse: wanted at most the output's {output.width} bits, got {bits} shifted by {left}")
    return Coarse(bits, left)


class Requantiser(Component):
    """Requantisation of a stream of accumulators, channel by channel in turn; never stalls.

    Latency: `latency` cycles. Interval: one value per cycle.

    Parameters
    ----------
    accumulator_bits : int, signed width of the input and of accumulator + bias
    bias : per channel, int; with several phases those of one after those of another
    shift : per channel, int
    slope : per channel, signed int, or None where there is no PReLU
    fraction : int, fraction bits of the slope
    output : Shape of a result
    phases : of the output pixels, which have biases of their own
    coarse : the grid of those channels that `is_coarse` says, saturated to fewer bits and shifted left

    Members
    -------
    valid, accumulator : In, one sum of the next channel
    phase : In, of its output pixel, if there are several
    o_valid, o : Out, its result

    Raises
    ------
    ValueError : sequences of different lengths or none; a coarse grid that is none or too large for the output
    """

    def __init__(
        self,
        *,
        accumulator_bits: int,
        bias: Sequence[int],
        shift: Sequence[int],
        slope: Sequence[int] | None,
        fraction: int,
        output: Shape,
        phases: int = 1,
        coarse: tuple[int, int] | None = None,
        is_coarse: Sequence[bool] = (),
    ) -> None:
        if not bias or len(bias) != len(shift) * phases or (slope is not None and len(slope) != len(shift)):
            raise ValueError(
                f"bias, shift, slope: wanted one of each per channel, got {len(bias)}, {len(shift)},"
                f" {'none' if slope is None else len(slope)}"
            )
        self.accumulator_bits = accumulator_bits
        self.bias, self.slope, self.fraction = list(bias), None if slope is None else list(slope), fraction
        self.shift = [s + (fraction if slope is not None else 0) for s in shift]
        self.output, self.phases = output, phases
        self.coarse = check_coarse(coarse, output)
        self.is_coarse = [bool(c) for c in is_coarse] if coarse else [False] * len(shift)
        if len(self.is_coarse) != len(shift):
            raise ValueError(f"is_coarse: wanted one for each of {len(shift)} channels, got {len(self.is_coarse)}")
        super().__init__(
            {
                **({"phase": In(range(phases))} if phases > 1 else {}),
                "valid": In(1),
                "accumulator": In(signed(accumulator_bits)),
                "o_valid": Out(1),
                "o": Out(output),
            }
        )

    @staticmethod
    def latency_of(prelu: bool) -> int:
        """Table 1, bias 1, PReLU 3 or shift 1, round 1, saturate 1."""
        return 7 if prelu else 5

    @property
    def latency(self) -> int:
        return self.latency_of(self.slope is not None)

    @staticmethod
    def cost_of(
        *,
        channels: int,
        accumulator_bits: int,
        bias_bits: int,
        slope_bits: int,
        fraction: int,
        right: int,
        left: int,
        output: Shape,
        family: str,
        phases: int = 1,
        coarse: tuple[int, int] | None = None,
        all_coarse: bool = False,
    ) -> Cost:
        """Resources; DSPs exactly.

        Parameters: channels, of how many phases with biases of their own; signed widths of accumulator, bias and slope
        (0: no PReLU); fraction; the largest shift `right`, and by how much the smallest is less, `left`, both with the
        slope's fraction in them; the coarse grid of some channels, or of all.
        """
        table = logic_lut(channels)
        left_bits = left.bit_length()
        lut = counter_lut(channels) + adder_lut(accumulator_bits)
        if phases == 1:
            lut += bias_bits * table
        else:
            # Tables of six address bits and more are mapped worse and worse: measured from 32 to 256 rows.
            rows = phases << bits_of(channels)
            per_bit = 0 if rows <= 4 else 1.2 if rows <= 32 else 2.2 if rows <= 64 else rows / 18
            lut += round(bias_bits * per_bit)
        ff = 2 * bits_of(channels) + accumulator_bits + bias_bits + Requantiser.latency_of(slope_bits > 0)
        dsp = 0
        if slope_bits:
            inner = min(left, max(DSP_NARROW - max(slope_bits, fraction + 2), 0))
            slopes, ones = slope_bits + inner, inner + 1 if inner else 0
            factor = max(slopes, fraction + inner + 2)
            common = accumulator_bits + factor - 1 + left - inner
            lut += (slopes + ones) * table + max(ones, 1) + 3
            ff += slopes + ones + factor + 1
            dsp = multiplier_dsp(accumulator_bits, family)
            if dsp > 1:
                # Of several slices, added up outside, not every register finds a place inside.
                ff += accumulator_bits + DSP_WIDE["xc7"]
            if left > inner:
                lut += common
                ff += common + (left - inner).bit_length()
        else:
            common = accumulator_bits + left
            lut += left_bits * table + common * -(-left_bits // 2) + 3
            ff += accumulator_bits + common + left_bits
        if coarse is not None and all_coarse:
            output = Shape(coarse[0], output.signed)
        cost = Cost(lut, ff, dsp) + add_round_saturate_cost(common, right, output)
        if coarse is not None and not all_coarse:
            # Which channels: a table, and its bit beside the values. A second comparison, a second way out.
            beyond = equal_lut(max(common - right - coarse[0] + 1, 1))
            cost += Cost(beyond + output.width + 4, 3)
        return cost

    def elaborate(self, platform: object) -> Module:
        m = Module()
        right = max(max(self.shift), 0)
        lefts = [right - s for s in self.shift]
        channels = len(self.shift)
        channel: Value = Signal(range(channels), name="channel")
        with m.If(self.valid):
            m.d.sync += channel.eq(wrap_increment(channel, channels))

        # Cycle 0: the channel's bias out of its table. Cycle 1: added.
        biases, place = self.bias, channel
        if self.phases > 1:
            step = 1 << len(channel)
            by_phase = [self.bias[first : first + channels] for first in range(0, len(self.bias), channels)]
            biases = [bias for own in by_phase for bias in own + own[:1] * (step - channels)]
            place = Cat(channel, self.phase)
        bias = self._table(m, "bias", biases, place)
        accumulator = delay(m, self.accumulator, 1, "accumulator")
        value = Signal(signed(self.accumulator_bits), reset_less=True)
        m.d.sync += value.eq(accumulator + bias)
        channel = delay(m, channel, 1, "channel")
        if self.slope is None:
            # Cycle 2: to the common scale.
            left = self._table(m, "left", lefts, channel)
            common = Signal(signed(len(value) + max(lefts)), reset_less=True)
            m.d.sync += common.eq(value << left)
        else:
            common = self._prelu(m, value, self.slope, lefts, channel)
        choice, coarse = None, self.coarse if any(self.is_coarse) else None
        if coarse is not None and not all(self.is_coarse):
            later = self.latency - 4  # the table's register is one of those between the bias and the rounding
            choice = delay(m, self._table(m, "coarse", [*map(int, self.is_coarse)], channel), later, "coarse")
        m.d.comb += self.o.eq(add_round_saturate(m, common, right, self.output, "result", coarse, choice))

        stages: Value = self.valid
        for cycle in range(self.latency):
            register = Signal(name=f"valid{cycle}")
            m.d.sync += register.eq(stages)
            stages = register
        m.d.comb += self.o_valid.eq(stages)
        return m

    def _prelu(self, m: Module, value: Signal, slope: list[int], lefts: list[int], channel: Value) -> Signal:
        """Cycles 2 to 4: value times its channel's slope, or 1, to the common scale.

        One multiplication does it all: its factor is the slope, or 2 ** fraction, shifted left as the channel asks.
        Shifts that would make the factor wider than a DSP's narrow operand are done behind it.
        """
        most = max(DSP_NARROW - max(signed_bits(slope), self.fraction + 2), 0)
        inner = [min(left, most) for left in lefts]
        outer = [left - least for left, least in zip(lefts, inner, strict=True)]
        slopes = [s << i for s, i in zip(slope, inner, strict=True)]
        ones = [1 << self.fraction + i for i in inner]
        least = -1 << self.accumulator_bits - 1
        bits = signed_bits([*(least * s for s in slopes), *(~least * one for one in ones)])

        negative = self._table(m, "slope", slopes, channel)
        positive = self._table(m, "one", ones, channel)
        factor = Signal(signed(signed_bits([*slopes, *ones])), reset_less=True)
        kept = Signal(signed(self.accumulator_bits), reset_less=True)
        product, common = (Signal(signed(width), reset_less=True) for width in (bits, bits + max(outer)))
        m.d.sync += [
            kept.eq(value),
            factor.eq(Mux(value < 0, negative, positive)),
            product.eq(kept * factor),
            common.eq(product),
        ]
        if max(outer):
            left = self._table(m, "left", outer, channel)
            m.d.sync += common.eq(product << delay(m, left, 2, "left"))
        return common

    @staticmethod
    def _table(m: Module, name: str, rows: list[int], channel: Value) -> Value:
        """The channel's number out of a table in logic, one cycle later."""
        shape = Shape.cast(range(min(rows), max(rows) + 1))
        if len(set(rows)) == 1:
            return Const(rows[0], shape)
        table = Memory(shape=shape, depth=len(rows), init=rows, attrs=IN_LUTS)
        m.submodules[f"table_{name}"] = table
        port = table.read_port(domain="comb")
        m.d.comb += port.addr.eq(channel)
        return delay(m, port.data, 1, name)
