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
from functools import cache

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.adders import delay
from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import wrapping
from hwgen.rtl.memory import IN_LUTS, logic_lut
from hwgen.rtl.packing import DSP_NARROW, DSP_WIDE
from hwgen.rtl.primitives import (
    Cost,
    adder_lut,
    bits_of,
    counter_lut,
    equal_lut,
    multiplier_dsp,
    signed_bits,
    wrapping_ff,
)
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost, check_coarse


@dataclass(frozen=True)
class RequantiserConfig:
    """The widths of a requantiser, from which everything but the tables' content follows.

    Parameters
    ----------
    channels
        In turn.
    accumulator_bits
        Signed width of the input, and of accumulator + bias.
    output
        Shape of a result.
    bias_bits, slope_bits
        Signed widths of biases and PReLU slopes (0: no PReLU). The cost needs the first, latency and cost the second.
    fraction
        Fraction bits of the slope.
    right, left
        The largest shift, and by how much the smallest is less, both with the slope's fraction in them.
    phases
        Of the output pixels, which have biases of their own.
    coarse
        (bits, left): the grid of some channels, saturated to fewer bits and shifted left.
    all_coarse
        Whether those are all channels: for the cost.
    ceiling
        The largest result, 1 .. the largest output; None where that is the output's own.
    profiles
        Sets of biases and of slopes: each sum comes with the number of its own.

    Raises
    ------
    ValueError
        No channels; a coarse grid that is none or too large for the output, or beside a ceiling; a ceiling beyond it.
    """

    channels: int
    accumulator_bits: int
    output: Shape
    bias_bits: int = 1
    slope_bits: int = 0
    fraction: int = 0
    right: int = 0
    left: int = 0
    phases: int = 1
    coarse: tuple[int, int] | None = None
    all_coarse: bool = False
    ceiling: int | None = None
    profiles: int = 1

    def __post_init__(self) -> None:
        check_positive(channels=self.channels, accumulator_bits=self.accumulator_bits, phases=self.phases,
                       profiles=self.profiles)  # fmt: skip
        check_coarse(self.coarse, self.output)
        largest = (1 << self.output.width - self.output.signed) - 1
        if self.ceiling is not None and not 1 <= self.ceiling <= largest:
            raise ValueError(f"ceiling: wanted 1 .. {largest}, got {self.ceiling}")
        if self.ceiling is not None and self.coarse is not None:
            raise ValueError(f"ceiling: wanted none beside a coarse grid, got {self.ceiling}")

    @classmethod
    def from_integers(
        cls,
        *,
        accumulator_bits: int,
        bias: Sequence[int],
        shift: Sequence[int],
        output: Shape,
        slope: Sequence[int] | None = None,
        fraction: int = 0,
        phases: int = 1,
        coarse: tuple[int, int] | None = None,
        ceiling: int | None = None,
        profiles: int = 1,
    ) -> RequantiserConfig:
        """The widths of these integers, as `build` takes them: bias (phases in turn), shift and slope by channel."""
        shifts = [int(s) + (fraction if slope is not None else 0) for s in shift] or [0]
        right = max(0, *shifts)
        return cls(
            channels=len(shift),
            accumulator_bits=accumulator_bits,
            output=output,
            bias_bits=max((abs(int(b)) for b in bias), default=0).bit_length() + 1,
            slope_bits=0 if slope is None else signed_bits(map(int, slope)) if len(slope) else 1,
            fraction=fraction,
            right=right,
            left=right - min(shifts),
            phases=phases,
            coarse=coarse,
            ceiling=ceiling,
            profiles=profiles,
        )

    @property
    def prelu(self) -> bool:
        """Whether negative values are multiplied by a slope."""
        return self.slope_bits > 0

    @property
    def latency(self) -> int:
        """Cycles from an accumulator to its result: table 1, bias 1, PReLU 3 or shift 1, round 1, saturate 1."""
        return 7 if self.prelu else 5

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str) -> Cost:
        """Resources; DSPs exactly."""
        table = logic_lut(self.channels)
        left_bits = self.left.bit_length()
        lut = counter_lut(self.channels) + adder_lut(self.accumulator_bits)
        lut += self._table_lut(self.bias_bits, self.phases * self.profiles)
        ff = wrapping_ff(self.channels) + bits_of(self.channels)
        ff += self.accumulator_bits + self.bias_bits + self.latency
        dsp = 0
        if self.prelu:
            inner = min(self.left, max(DSP_NARROW - max(self.slope_bits, self.fraction + 2), 0))
            slopes, ones = self.slope_bits + inner, inner + 1 if inner else 0
            factor = max(slopes, self.fraction + inner + 2)
            common = self.accumulator_bits + factor - 1 + self.left - inner
            lut += self._table_lut(slopes, self.profiles) + ones * table + max(ones, 1) + 3
            ff += bits_of(self.profiles)  # beside the channel, a cycle later
            ff += slopes + ones + factor + 1
            dsp = multiplier_dsp(self.accumulator_bits, family)
            if dsp > 1:
                # Of several slices, added up outside, not every register finds a place inside.
                ff += self.accumulator_bits + DSP_WIDE["xc7"]
            if self.left > inner:
                lut += common
                ff += common + (self.left - inner).bit_length()
        else:
            common = self.accumulator_bits + self.left
            lut += left_bits * table + common * -(-left_bits // 2) + 3
            ff += self.accumulator_bits + common + left_bits
        output = self.output
        if self.coarse is not None and self.all_coarse:
            output = Shape(self.coarse[0], output.signed)
        cost = Cost(lut, ff, dsp) + add_round_saturate_cost(common, self.right, output)
        if self.coarse is not None and not self.all_coarse:
            # Which channels: a table, and its bit beside the values. A second comparison, a second way out.
            beyond = equal_lut(max(common - self.right - self.coarse[0] + 1, 1))
            cost += Cost(beyond + self.output.width + 4, 3)
        if self.ceiling is not None:
            cost += Cost(equal_lut(output.width + 1))
        return cost

    def _table_lut(self, bits: int, sets: int) -> int:
        """LUTs of a table of so many sets of all channels."""
        if sets == 1:
            return bits * logic_lut(self.channels)
        # Tables of six address bits and more are mapped worse and worse: measured from 32 to 256 rows.
        rows = sets << bits_of(self.channels)
        per_bit = 0 if rows <= 4 else 1.2 if rows <= 32 else 2.2 if rows <= 64 else rows / 18
        return round(bits * per_bit)

    def build(
        self,
        *,
        bias: Sequence[int],
        shift: Sequence[int],
        slope: Sequence[int] | None = None,
        is_coarse: Sequence[bool] = (),
    ) -> Requantiser:
        """The component with its integers."""
        return Requantiser(self, bias=bias, shift=shift, slope=slope, is_coarse=is_coarse)


class Requantiser(Component):
    """Requantisation of a stream of accumulators, channel by channel in turn; never stalls.

    Latency: `latency` cycles. Interval: one value per cycle.

    Parameters
    ----------
    config
        See RequantiserConfig.
    bias
        By channel; with several phases those of one after those of another; with several profiles all that again.
    shift
        By channel.
    slope
        By channel, signed, with several profiles those of one after those of another; None where the config has no
        PReLU.
    is_coarse
        By channel, where the config has a coarse grid.

    Members
    -------
    valid, accumulator : In, one sum of the next channel
    phase : In, of its output pixel, if there are several
    profile : In, of its frame, if there are several
    o_valid, o : Out, its result

    Raises
    ------
    ValueError
        Sequences that are not as long as the config says, or of no use to it.
    """

    def __init__(
        self,
        config: RequantiserConfig,
        *,
        bias: Sequence[int],
        shift: Sequence[int],
        slope: Sequence[int] | None = None,
        is_coarse: Sequence[bool] = (),
    ) -> None:
        channels = config.channels
        biases, slopes = channels * config.phases * config.profiles, channels * config.profiles
        counts = len(bias), len(shift), slopes if slope is None else len(slope)
        if counts != (biases, channels, slopes) or (slope is None) == config.prelu:
            raise ValueError(
                f"bias, shift, slope: wanted {biases}, {channels}, "
                f"{slopes if config.prelu else 'none'}, got {len(bias)}, {len(shift)}, "
                f"{'none' if slope is None else len(slope)}"
            )
        self.config = config
        self.bias, self.slope = list(bias), None if slope is None else list(slope)
        self.shift = [s + (config.fraction if slope is not None else 0) for s in shift]
        self.is_coarse = [bool(c) for c in is_coarse] if config.coarse else [False] * channels
        if len(self.is_coarse) != channels:
            raise ValueError(f"is_coarse: wanted one for each of {channels} channels, got {len(self.is_coarse)}")
        super().__init__(
            {
                **({"phase": In(range(config.phases))} if config.phases > 1 else {}),
                **({"profile": In(range(config.profiles))} if config.profiles > 1 else {}),
                "valid": In(1),
                "accumulator": In(signed(config.accumulator_bits)),
                "o_valid": Out(1),
                "o": Out(config.output),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        right = max(max(self.shift), 0)
        lefts = [right - s for s in self.shift]
        config, channels = self.config, self.config.channels
        channel = place = wrapping(m, channels, self.valid, "channel")

        # Cycle 0: the channel's bias out of its table. Cycle 1: added.
        biases = self.bias
        if config.phases > 1:
            biases, place = _of_sets(biases, channels, 1 << len(channel)), Cat(channel, self.phase)
        if config.profiles > 1:
            own = channels if config.phases == 1 else config.phases << len(channel)
            biases, place = _of_sets(biases, own, 1 << len(place)), Cat(place, self.profile)
        bias = self._table(m, "bias", biases, place)
        accumulator = delay(m, self.accumulator, 1, "accumulator")
        value = Signal(signed(config.accumulator_bits), reset_less=True)
        m.d.sync += value.eq(accumulator + bias)
        channel = delay(m, channel, 1, "channel")
        if self.slope is None:
            # Cycle 2: to the common scale.
            left = self._table(m, "left", lefts, channel)
            common = Signal(signed(len(value) + max(lefts)), reset_less=True)
            m.d.sync += common.eq(value << left)
        else:
            profile = None if config.profiles == 1 else delay(m, self.profile, 1, "profile")
            common = self._prelu(m, value, self.slope, lefts, channel, profile)
        choice, coarse = None, check_coarse(config.coarse, config.output) if any(self.is_coarse) else None
        if coarse is not None and not all(self.is_coarse):
            later = config.latency - 4  # the table's register is one of those between the bias and the rounding
            choice = delay(m, self._table(m, "coarse", [*map(int, self.is_coarse)], channel), later, "coarse")
        result = add_round_saturate(m, common, right, config.output, "result", coarse, choice, config.ceiling)
        m.d.comb += self.o.eq(result)

        stages: Value = self.valid
        for cycle in range(config.latency):
            register = Signal(name=f"valid{cycle}")
            m.d.sync += register.eq(stages)
            stages = register
        m.d.comb += self.o_valid.eq(stages)
        return m

    def _prelu(
        self, m: Module, value: Signal, slope: list[int], lefts: list[int], channel: Value, profile: Value | None
    ) -> Signal:
        """Cycles 2 to 4: value times its channel's slope, or 1, to the common scale.

        One multiplication does it all: its factor is the slope, or 2 ** fraction, shifted left as the channel asks.
        Shifts that would make the factor wider than a DSP's narrow operand are done behind it.
        """
        accumulator_bits, fraction = self.config.accumulator_bits, self.config.fraction
        most = max(DSP_NARROW - max(signed_bits(slope), fraction + 2), 0)
        inner = [min(left, most) for left in lefts]
        outer = [left - least for left, least in zip(lefts, inner, strict=True)]
        slopes = [s << i for s, i in zip(slope, inner * self.config.profiles, strict=True)]
        ones = [1 << fraction + i for i in inner]
        least = -1 << accumulator_bits - 1
        bits = signed_bits([*(least * s for s in slopes), *(~least * one for one in ones)])

        if profile is None:
            negative = self._table(m, "slope", slopes, channel)
        else:
            rows = _of_sets(slopes, len(lefts), 1 << len(channel))
            negative = self._table(m, "slope", rows, Cat(channel, profile))
        positive = self._table(m, "one", ones, channel)
        factor = Signal(signed(signed_bits([*slopes, *ones])), reset_less=True)
        kept = Signal(signed(accumulator_bits), reset_less=True)
        product = Signal(signed(bits), reset_less=True)
        common = Signal(signed(bits + max(outer)), reset_less=True)
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


def _of_sets(rows: list[int], own: int, step: int) -> list[int]:
    """The rows of a table of several sets of `own` rows each, one every `step` rows; what lies between is anything."""
    sets = [rows[first : first + own] for first in range(0, len(rows), own)]
    return [row for each in sets for row in each + each[:1] * (step - own)]
