"""All inputs of a design behind their framers, and the count of their faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, flipped

from hwgen.numerics.framing import ERROR_BITS
from hwgen.rtl.framer import FramerConfig
from hwgen.rtl.pipeline import connect_in_order
from hwgen.rtl.primitives import Cost


@dataclass(frozen=True)
class InputFramingConfig:
    """A framer for a design's frames, one for their coefficients where there are any, and a counter.

    Parameters
    ----------
    frames
        Of the pixels or symbols.
    coefficients
        Of the second input stream; None where the design has none.
    """

    latency: ClassVar[int] = FramerConfig.latency
    """Cycles from an accepted beat to its `valid` at the output, where nothing waits."""

    frames: FramerConfig
    coefficients: FramerConfig | None = None

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly, a LUT for each bit of the counter."""
        cost = self.frames.cost(family) + Cost(ERROR_BITS, ERROR_BITS)
        if self.coefficients is not None:
            cost += self.coefficients.cost(family) + Cost(1)
        return cost

    def build(self) -> InputFraming:
        """The component."""
        return InputFraming(self)


class InputFraming(Component):
    """Frames of whole length on every input stream.

    Latency: `config.latency`. Interval: one beat per cycle.

    Parameters
    ----------
    config
        See InputFramingConfig.

    Members
    -------
    i : In(stream of config.frames.layout), o : Out(stream of its width)
    coefficients_i, coefficients_o : the same for coefficients, where there are any
    use_tlast : In(1), constant; 0: beats are counted, TLAST is not looked at
    frame_error : Out(1), high for a cycle where a fault is found; one cycle for two found at once, one on each stream
    frame_errors : Out(ERROR_BITS), the faults since reset, each from the cycle behind its `frame_error` on
    """

    def __init__(self, config: InputFramingConfig) -> None:
        self.config = config
        members = {
            "use_tlast": In(1),
            "frame_error": Out(1),
            "frame_errors": Out(ERROR_BITS),
            "i": In(stream.Signature(config.frames.layout)),
            "o": Out(stream.Signature(unsigned(config.frames.width))),
        }
        if config.coefficients is not None:
            members["coefficients_i"] = In(stream.Signature(config.coefficients.layout))
            members["coefficients_o"] = Out(stream.Signature(unsigned(config.coefficients.width)))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.frames = frames = self.config.frames.build()
        framers = [(frames, self.i, self.o)]
        if self.config.coefficients is not None:
            m.submodules.coefficients = coefficients = self.config.coefficients.build()
            framers.append((coefficients, self.coefficients_i, self.coefficients_o))
        for framer, taken, given in framers:
            connect_in_order(m, flipped(taken), framer.i)
            connect_in_order(m, framer.o, flipped(given))
            m.d.comb += framer.use_tlast.eq(self.use_tlast)
        faults = Signal(range(len(framers) + 1))
        m.d.comb += [faults.eq(sum(framer.error for framer, _, _ in framers)), self.frame_error.eq(faults != 0)]
        m.d.sync += self.frame_errors.eq(self.frame_errors + faults)
        return m
