"""All inputs of a design behind their framers, and the count of their faults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, flipped

from hwgen.numerics.framing import ERROR_BITS
from hwgen.rtl.framer import Framer, FramerConfig
from hwgen.rtl.pipeline import connect_in_order
from hwgen.rtl.primitives import Cost, counter_lut
from hwgen.rtl.profile_queues import ProfileQueuesConfig


@dataclass(frozen=True)
class InputFramingConfig:
    """A framer for a design's frames, one for their coefficients where there are any, and a counter.

    Parameters
    ----------
    frames
        Of the pixels or symbols.
    coefficients
        Of the second input stream; None where the design has none.
    profiles
        Of the frames; None where there is one.
    """

    latency: ClassVar[int] = FramerConfig.latency
    """Cycles from an accepted beat to its `valid` at the output, where nothing waits."""

    frames: FramerConfig
    coefficients: FramerConfig | None = None
    profiles: ProfileQueuesConfig | None = None

    @property
    def framer(self) -> FramerConfig:
        """The framer of the frames, whose beats have the profile above them, where there are several."""
        if self.profiles is None:
            return self.frames
        return replace(self.frames, width=self.frames.width + self.profiles.bits, tells_first=True)

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly, a LUT for each bit of the counter."""
        cost = self.framer.cost(family) + Cost(ERROR_BITS, ERROR_BITS)
        if self.coefficients is not None:
            cost += self.coefficients.cost(family) + Cost(1)
        if self.profiles is not None:
            cost += self.profiles.cost(family) + Cost(counter_lut(self.profiles.profiles) + 2)
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
    profile : In(bits), where there are profiles: that of the frame whose first beat is accepted; one that is too large
        stands for the last
    profiles : Out(stream of unsigned(bits)) for each of config.profiles.consumers: those of the frames in their order,
        the first one to be seen a cycle behind the frame's first beat at `o`
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
        if config.profiles is not None:
            bits = config.profiles.bits
            members["profile"] = In(bits)
            members["profiles"] = Out(stream.Signature(unsigned(bits))).array(config.profiles.consumers)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.frames = frames = self.config.framer.build()
        framers = [(frames, self.i, self.o)]
        if self.config.coefficients is not None:
            m.submodules.coefficients = coefficients = self.config.coefficients.build()
            framers.append((coefficients, self.coefficients_i, self.coefficients_o))
        for framer, taken, given in framers:
            if framer is frames and self.config.profiles is not None:
                self._with_profiles(m, frames, self.config.profiles)
            else:
                connect_in_order(m, flipped(taken), framer.i)
                connect_in_order(m, framer.o, flipped(given))
            m.d.comb += framer.use_tlast.eq(self.use_tlast)
        faults = Signal(range(len(framers) + 1))
        m.d.comb += [faults.eq(sum(framer.error for framer, _, _ in framers)), self.frame_error.eq(faults != 0)]
        m.d.sync += self.frame_errors.eq(self.frame_errors + faults)
        return m

    def _with_profiles(self, m: Module, frames: Framer, config: ProfileQueuesConfig) -> None:
        """The frames, each beat with its profile until it leaves; a frame's first one waits until all queues have room.

        The profile goes through the framer with the beat that it was accepted with, so that it is that beat's whatever
        waits.
        """
        m.submodules.queues = queues = config.build()
        profile: Value = self.profile
        if config.profiles != 1 << config.bits:
            profile = Mux(self.profile < config.profiles, self.profile, config.profiles - 1)
        width = self.config.frames.width
        goes = Signal(name="goes")
        m.d.comb += [
            frames.i.payload.beat.eq(Cat(self.i.payload.beat, profile)),
            frames.i.payload.last.eq(self.i.payload.last),
            frames.i.valid.eq(self.i.valid),
            self.i.ready.eq(frames.i.ready),
            goes.eq(~frames.first | queues.i.ready),
            self.o.payload.eq(frames.o.payload[:width]),
            self.o.valid.eq(frames.o.valid & goes),
            frames.o.ready.eq(self.o.ready & goes),
            queues.i.payload.eq(frames.o.payload[width:]),
            queues.i.valid.eq(self.o.valid & self.o.ready & frames.first),
        ]
        for place in range(config.consumers):
            connect_in_order(m, queues.o[place], flipped(self.profiles[place]))
