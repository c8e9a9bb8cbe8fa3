"""From accumulator to activation: bias, PReLU, shift with rounding half to even, saturation.

The same formula as hwgen.fixedpoint, one value per cycle:

    t = accumulator + bias[c]
    v = t << fraction if t >= 0 else t * slope[c]          (PReLU; v = t otherwise)
    y = saturate(v / 2 ** shift[c], rounded half to even)

A shift that differs from channel to channel becomes a left shift up to the largest one, which is exact, and one
constant right shift, which is wires.
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.memory import IN_LUTS
from hwgen.rtl.stream import wrap_increment


def add_round_saturate(m: Module, value: Signal, shift: int, output: Shape, name: str) -> Signal:
    """Two registers: value / 2 ** shift rounded half to even, then saturated to `output`. `shift` is not negative."""
    width = len(value)
    if shift == 0:
        rounded = Signal(signed(width), name=f"{name}_rounded")
        m.d.sync += rounded.eq(value)
    else:
        # A shift beyond the width leaves the sign: extend first, so that every bit below has a place.
        extended = Signal(signed(max(width, shift + 1)), name=f"{name}_extended")
        m.d.comb += extended.eq(value)
        quotient = extended[shift:].as_signed()
        half = extended[shift - 1]
        sticky = extended[: shift - 1].any() if shift > 1 else 0
        rounded = Signal(signed(len(quotient) + 1), name=f"{name}_rounded")
        m.d.sync += rounded.eq(quotient + (half & (sticky | extended[shift])))
    low = -(1 << output.width - 1) if output.signed else 0
    high = (1 << output.width - output.signed) - 1
    saturated = Signal(output, name=f"{name}_saturated")
    m.d.sync += saturated.eq(Mux(rounded > high, high, Mux(rounded < low, low, rounded)))
    return saturated


class Requantiser(Component):
    """Requantisation of a stream of accumulators, channel by channel in turn; never stalls.

    Latency: `latency` cycles. Interval: one value per cycle.

    Parameters
    ----------
    accumulator_bits : int, signed width of the input and of accumulator + bias
    bias, shift : per channel, int
    slope : per channel, signed int, or None where there is no PReLU
    fraction : int, fraction bits of the slope
    output : Shape of a result

    Members
    -------
    valid, accumulator : In, one sum of the next channel
    o_valid, o : Out, its result

    Raises
    ------
    ValueError : sequences of different lengths or none
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
    ) -> None:
        if not bias or len(bias) != len(shift) or (slope is not None and len(slope) != len(bias)):
            raise ValueError(
                f"bias, shift, slope: wanted one of each per channel, got {len(bias)}, {len(shift)},"
                f" {'none' if slope is None else len(slope)}"
            )
        self.accumulator_bits = accumulator_bits
        self.bias, self.slope, self.fraction = list(bias), None if slope is None else list(slope), fraction
        self.shift = [s + (fraction if slope is not None else 0) for s in shift]
        self.output = output
        super().__init__(
            {
                "valid": In(1),
                "accumulator": In(signed(accumulator_bits)),
                "o_valid": Out(1),
                "o": Out(output),
            }
        )

    @staticmethod
    def latency_of(prelu: bool) -> int:
        """Parameters 1, bias 1, (PReLU 2,) left shift 1, round 1, saturate 1."""
        return 5 + 2 * prelu

    @property
    def latency(self) -> int:
        return self.latency_of(self.slope is not None)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Cycle 0: the channel's parameters leave their memory.
        right = max(max(self.shift), 0)
        lefts = [right - s for s in self.shift]
        bias_bits = max(max(abs(b) for b in self.bias).bit_length() + 1, 1)
        slope_bits = max((s if s >= 0 else ~s).bit_length() + 1 for s in self.slope or [0])
        left_bits = max(lefts).bit_length()
        parameters, channel = self._parameters(m, bias_bits, slope_bits, left_bits, lefts)
        bias = parameters[:bias_bits].as_signed()
        slope = parameters[bias_bits : bias_bits + slope_bits].as_signed()
        left = parameters[bias_bits + slope_bits :]
        accumulator = Signal(signed(self.accumulator_bits))
        m.d.sync += accumulator.eq(self.accumulator)

        # Cycle 1: bias.
        value = Signal(signed(self.accumulator_bits))
        m.d.sync += value.eq(accumulator + bias)
        left_1, slope_1 = Signal.like(left, name="left_1"), Signal(signed(slope_bits), name="slope_1")
        m.d.sync += [left_1.eq(left), slope_1.eq(slope)]

        # Cycles 2 and 3: PReLU, the product with a register of its own.
        if self.slope is not None:
            bits = self.accumulator_bits + max(slope_bits, self.fraction + 1)
            product, kept = Signal(signed(bits)), Signal(signed(self.accumulator_bits))
            left_2, left_3 = Signal.like(left, name="left_2"), Signal.like(left, name="left_3")
            activated = Signal(signed(bits))
            m.d.sync += [
                product.eq(value * slope_1),
                kept.eq(value),
                left_2.eq(left_1),
                activated.eq(Mux(kept < 0, product, kept << self.fraction)),
                left_3.eq(left_2),
            ]
            value, left_1 = activated, left_3

        # Left shift to the common scale; round; saturate.
        common = Signal(signed(len(value) + max(lefts)))
        m.d.sync += common.eq(value << left_1 if left_bits else value)
        m.d.comb += self.o.eq(add_round_saturate(m, common, right, self.output, "result"))

        stages: Value = self.valid
        for cycle in range(self.latency):
            register = Signal(name=f"valid{cycle}")
            m.d.sync += register.eq(stages)
            stages = register
        m.d.comb += self.o_valid.eq(stages)
        with m.If(self.valid):
            m.d.sync += channel.eq(wrap_increment(channel, len(self.bias)))
        return m

    def _parameters(
        self, m: Module, bias_bits: int, slope_bits: int, left_bits: int, lefts: list[int]
    ) -> tuple[Value, Signal]:
        slopes = self.slope or [0] * len(self.bias)
        rows = [
            (b & (1 << bias_bits) - 1) | (s & (1 << slope_bits) - 1) << bias_bits | left << bias_bits + slope_bits
            for b, s, left in zip(self.bias, slopes, lefts, strict=True)
        ]
        channel = Signal(range(len(rows)))
        m.submodules.parameters = memory = Memory(
            shape=unsigned(bias_bits + slope_bits + left_bits),
            depth=len(rows),
            init=rows,
            attrs=IN_LUTS,
        )
        port = memory.read_port()
        m.d.comb += [port.addr.eq(channel), port.en.eq(1)]
        return port.data, channel
