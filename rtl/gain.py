"""A constant gain: value x factor / 2 ** shift, rounded half to even, saturated. Used for the static power gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Shape, Signal, signed

from hwgen.rtl.checks import check_positive
from hwgen.rtl.pipeline import FIFO_LATENCY, Pipeline, output_fifo_cost
from hwgen.rtl.primitives import Cost, multiplier_dsp
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost


@dataclass(frozen=True)
class GainConfig:
    """value * factor / 2 ** shift, rounded half to even and saturated.

    Parameters
    ----------
    input
        Shape of a value.
    factor
        Not negative.
    shift
        Any sign.
    output
        Shape of a result.
    depth
        Of the FIFO, in values; by default what keeps one value per cycle going.

    Raises
    ------
    ValueError
        A negative factor, a depth below 1.
    """

    cycles: ClassVar[int] = 5
    """Register 1, product 2, round 1, saturate 1."""
    latency: ClassVar[int] = cycles + FIFO_LATENCY
    """Cycles from an accepted value to its result."""
    default_depth: ClassVar[int] = latency + 1
    """An entry is free again one cycle after its value has left."""

    input: Shape
    factor: int
    shift: int
    output: Shape
    depth: int = default_depth

    def __post_init__(self) -> None:
        if self.factor < 0:
            raise ValueError(f"factor: wanted at least 0, got {self.factor}")
        check_positive(depth=self.depth)

    @property
    def multiplier(self) -> int:
        """The factor, with a left shift in it."""
        return self.factor << max(-self.shift, 0)

    @property
    def right(self) -> int:
        """The shift behind the product, to the right."""
        return max(self.shift, 0)

    @property
    def product_bits(self) -> int:
        """Signed width of the product."""
        return self.input.width + self.multiplier.bit_length() + 1

    def cost(self, family: str) -> Cost:
        """Resources: DSPs exactly, none where the factor is a power of two."""
        factor = self.multiplier
        dsp = multiplier_dsp(factor.bit_length() + 1, family) if factor & (factor - 1) else 0
        outside = 0 if dsp == 1 else 2 * self.input.width  # the registers of one slice are its own
        rounding = add_round_saturate_cost(self.product_bits, self.right, self.output)
        return Cost(2, 5 + outside, dsp) + rounding + output_fifo_cost(self.output, self.depth, family)

    def build(self) -> Gain:
        """The component."""
        return Gain(self)


class Gain(Pipeline):
    """Multiplies every value of a stream by a constant.

    Latency: `config.latency`. Interval: one value per cycle.

    Parameters
    ----------
    config
        See GainConfig.

    Members
    -------
    i : In(stream of input), o : Out(stream of output)
    """

    def __init__(self, config: GainConfig) -> None:
        self.config = config
        super().__init__(config.input, config.output, cycles=config.cycles, depth=config.depth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = self.fifo
        taken = Signal()
        self.accept(m, taken)
        value = Signal(self.config.input)
        product = Signal(signed(self.config.product_bits))
        scaled = Signal.like(product)
        m.d.sync += [value.eq(self.i.payload), product.eq(value * self.config.multiplier), scaled.eq(product)]
        valid = self.late(m, taken)
        self.deliver(m, valid, add_round_saturate(m, scaled, self.config.right, self.config.output, "result"))
        return m
