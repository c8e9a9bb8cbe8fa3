"""The first step of a receiver: components of received symbols become a first layer's integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed

from hwgen.rtl.checks import check_positive
from hwgen.rtl.pipeline import FIFO_LATENCY, Pipeline, output_fifo_cost
from hwgen.rtl.primitives import Cost
from hwgen.rtl.round_saturate import add_round_saturate, add_round_saturate_cost


@dataclass(frozen=True)
class InputQuantiserConfig:
    """value / 2 ** shift, rounded half to even and saturated.

    With `coarse` every second value, from the second on, is an imaginary part on a coarser grid: value / 2 ** (shift +
    left), rounded and saturated to so many bits, times 2 ** left.

    Parameters
    ----------
    input
        Shape of a value.
    shift
        Any sign.
    output
        Shape of a result.
    coarse
        (bits, left) of odd values, or None.
    depth
        Of the FIFO, in values; by default what keeps one value per cycle going.

    Raises
    ------
    ValueError
        A depth below 1, a grid that is not inside the output's.
    """

    cycles: ClassVar[int] = 2
    """Round 1, saturate 1."""
    latency: ClassVar[int] = cycles + FIFO_LATENCY
    """Cycles from an accepted value to its result."""
    default_depth: ClassVar[int] = latency + 1
    """An entry is free again one cycle after its value has left."""

    input: Shape
    shift: int
    output: Shape
    coarse: tuple[int, int] | None = None
    depth: int = default_depth

    def __post_init__(self) -> None:
        check_positive(depth=self.depth)
        coarse = self.coarse
        if coarse and not (coarse[0] >= 1 and coarse[1] >= 0 and sum(coarse) <= self.output.width):
            raise ValueError(f"coarse: wanted bits and a left shift inside {self.output.width} bits, got {coarse}")

    def cost(self, family: str) -> Cost:
        """Resources: an estimate but for the DSPs, of which there are none."""

        def scaled(by: int, kind: Shape) -> Cost:
            return add_round_saturate_cost(self.input.width + max(-by, 0), max(by, 0), kind)

        cost = Cost(2, 2) + scaled(self.shift, self.output) + output_fifo_cost(self.output, self.depth, family)
        if self.coarse:
            bits, left = self.coarse
            cost += scaled(self.shift + left, Shape(bits, self.output.signed)) + Cost(self.output.width + 1, 3)
            cost += Cost(0, -bits - 1)  # both have the coarse quotient's bits and its sign in registers: once
        return cost

    def build(self) -> InputQuantiser:
        """The component."""
        return InputQuantiser(self)


class InputQuantiser(Pipeline):
    """Requantises every value of a stream by a power of two, without a multiplier.

    Latency: `config.latency`. Interval: one value per cycle.

    Parameters
    ----------
    config
        See InputQuantiserConfig.

    Members
    -------
    i : In(stream of input), o : Out(stream of output)
    """

    def __init__(self, config: InputQuantiserConfig) -> None:
        self.config = config
        super().__init__(config.input, config.output, cycles=config.cycles, depth=config.depth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.fifo = self.fifo
        taken = Signal()
        self.accept(m, taken)
        result: Value = self._scaled(m, config.shift, config.output, "result")
        valid = self.late(m, taken)
        if config.coarse:
            bits, left = config.coarse
            imag = self._scaled(m, config.shift + left, Shape(bits, config.output.signed), "imag")
            odd = Signal()
            with m.If(taken):
                m.d.sync += odd.eq(~odd)
            result = Mux(self.late(m, odd, "odd{}", reset_less=True), imag << left, result)
        self.deliver(m, valid, result)
        return m

    def _scaled(self, m: Module, shift: int, output: Shape, name: str) -> Signal:
        """Two cycles later: the value / 2 ** shift in that type."""
        left, input = max(-shift, 0), self.config.input
        value = Signal(signed(input.width + (not input.signed) + left), name=f"{name}_value")
        m.d.comb += value.eq(self.i.payload << left)
        return add_round_saturate(m, value, max(shift, 0), output, name)
