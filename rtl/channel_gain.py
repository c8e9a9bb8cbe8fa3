"""A gain of every profile and channel: value x factor / 2 ** shift, rounded half to even, saturated.

What gives the channels of the symbols their shares of the power in a transmitter, and weighs them in a receiver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Cat, Module, Shape, Signal, signed, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import In

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.rtl.adders import delay
from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.memory import Form, RomConfig, block_cost, logic_cost
from hwgen.rtl.pipeline import FIFO_LATENCY, Pipeline, output_fifo_cost
from hwgen.rtl.primitives import Cost, bits_of, counter_ff, counter_lut, multiplier_dsp
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost


@dataclass(frozen=True)
class ChannelGainConfig:
    """value * factors[profile][channel] / 2 ** shift, rounded half to even and saturated.

    Parameters
    ----------
    input
        Shape of a value.
    factors
        Not negative; by profile, of one or several, and by channel.
    shift
        Any sign.
    output
        Shape of a result.
    pixels
        Of a frame: each has a value of every channel in turn.
    half_block_luts
        LUTs that half a block RAM is worth on the part: where the factors are.
    depth
        Of the FIFO, in values; by default what keeps one value per cycle going.

    Raises
    ------
    ValueError
        No factors, a negative one, profiles of different channels, a depth or pixels below 1.
    """

    cycles: ClassVar[int] = 7
    """Register 1, factor 2, product 2, round 1, saturate 1."""
    latency: ClassVar[int] = cycles + FIFO_LATENCY
    """Cycles from an accepted value to its result."""
    default_depth: ClassVar[int] = latency + 1
    """An entry is free again one cycle after its value has left."""

    input: Shape
    factors: tuple[tuple[int, ...], ...]
    shift: int
    output: Shape
    pixels: int
    half_block_luts: int = HALF_BLOCK_LUTS
    depth: int = default_depth

    def __post_init__(self) -> None:
        counts = {len(own) for own in self.factors}
        if len(counts) != 1 or 0 in counts:
            raise ValueError(f"factors: wanted some, of as many channels in every profile, got {sorted(counts)}")
        if (least := min(map(min, self.factors))) < 0:
            raise ValueError(f"factors: wanted at least 0, got {least}")
        check_positive(depth=self.depth, pixels=self.pixels)

    @property
    def channels(self) -> int:
        """In turn."""
        return len(self.factors[0])

    @property
    def profiles(self) -> int:
        """Sets of factors."""
        return len(self.factors)

    @property
    def table(self) -> list[int]:
        """The multiplier of every profile and channel, with a left shift in it; what lies between is anything."""
        left, step = max(-self.shift, 0), 1 << bits_of(self.channels)
        return [factor << left for own in self.factors for factor in own + own[:1] * (step - self.channels)]

    @property
    def factor_bits(self) -> int:
        """Unsigned width of a multiplier."""
        return max(1, max(self.table).bit_length())

    @property
    def right(self) -> int:
        """The shift behind the product, to the right."""
        return max(self.shift, 0)

    @property
    def product_bits(self) -> int:
        """Signed width of the product."""
        return self.input.width + self.factor_bits + 1

    @property
    def memory(self) -> RomConfig:
        """The memory of the factors: in block RAM or in LUTs, whichever costs a part less."""
        rows, bits = len(self.table), self.factor_bits
        halves = 2 * block_cost(rows, bits, True, "xc7", self.half_block_luts).bram36
        form: Form = "block" if logic_cost(rows, bits).lut > halves * self.half_block_luts else "logic"
        return RomConfig(rows, bits, form, self.half_block_luts)

    def cost(self, family: str) -> Cost:
        """Resources: DSPs and block RAM exactly, LUTs of a table that no rule shortens."""
        dsp = multiplier_dsp(self.factor_bits + 1, family)
        values = self.pixels * self.channels
        counters = Cost(counter_lut(values) + counter_lut(self.channels) + 2,
                        counter_ff(values) + counter_ff(self.channels) + bits_of(self.channels) + 1)  # fmt: skip
        # Two registers of the value before the product and the factor's are the slice's own.
        outside = self.input.width if dsp == 1 else 4 * self.input.width + self.factor_bits
        rounding = add_round_saturate_cost(self.product_bits, self.right, self.output)
        fifo = output_fifo_cost(self.output, self.depth, family)
        return Cost(2, self.cycles + outside, dsp) + counters + self.memory.cost(family) + rounding + fifo

    def build(self) -> ChannelGain:
        """The component."""
        return ChannelGain(self)


class ChannelGain(Pipeline):
    """Multiplies every value of a stream by its profile's and channel's factor.

    Latency: `config.latency`. Interval: one value per cycle.

    Parameters
    ----------
    config
        See ChannelGainConfig.

    Members
    -------
    i : In(stream of input), o : Out(stream of output)
    profile : In(stream of a profile's number), where there are several: that of the frame whose values come, to be
        there in the cycle behind its first value's acceptance; taken a cycle behind its last one's
    """

    def __init__(self, config: ChannelGainConfig) -> None:
        self.config = config
        self.memory = config.memory.build(config.table)
        number = stream.Signature(unsigned(bits_of(config.profiles)))
        more = {"profile": In(number)} if config.profiles > 1 else {}
        super().__init__(config.input, config.output, cycles=config.cycles, depth=config.depth, more=more)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        m.submodules.fifo = self.fifo
        config = self.config
        taken = Signal()
        self.accept(m, taken)
        # Cycle 0: the value is taken. Cycle 1: its factor is looked up. Cycle 3: both are multiplied.
        channel = Signal(range(config.channels))
        m.d.sync += channel.eq(count(m, config.channels, taken, "channel_taken").place)
        value = delay(m, self.i.payload, 3, "value")
        factor = Signal(config.factor_bits, reset_less=True)
        product = Signal(signed(config.product_bits), reset_less=True)
        scaled = Signal.like(product)
        m.d.comb += memory.address.eq(channel)
        if config.profiles > 1:
            ends = Signal()
            m.d.sync += ends.eq(taken & count(m, config.pixels * config.channels, taken, "place").last)
            m.d.comb += [memory.address.eq(Cat(channel, self.profile.payload)), self.profile.ready.eq(ends)]
        m.d.sync += [factor.eq(memory.data), product.eq(value * factor), scaled.eq(product)]
        valid = self.late(m, taken)
        self.deliver(m, valid, add_round_saturate(m, scaled, config.right, config.output, "result"))
        return m
