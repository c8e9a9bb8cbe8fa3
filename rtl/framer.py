"""The frames of an input stream by their TLAST: one too short is padded, one too long is cut, and the next is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.primitives import Cost, bits_of, equal_lut


@dataclass(frozen=True)
class FramerConfig:
    """Frames of exactly so many beats, whatever the TLAST of what comes in.

    A frame ends with the beat that has TLAST, and the next one begins behind it.

        too short   TLAST before the frame's last beat: beats of zeros follow until it has its length
        too long    no TLAST on the frame's last beat: all beats behind it are dropped, the one with TLAST included

    Either is one fault, of however many beats, and the next frame with its TLAST in place is whole:

        a beat is lost      one short frame: one fault; of a frame's last beat TLAST is lost as well
        a beat too many     one long frame: one fault
        TLAST is lost       one long frame, with the next one's beats dropped as its own: one fault
        TLAST too many      two short frames out of one: two faults
        TLAST is early      a short frame, and a long one that opens with the first one's rest: two faults
        TLAST is late       a long frame, and a short one that lacks its first beats: two faults

    In plain Python: `hwgen.numerics.framing.framed`.

    Parameters
    ----------
    length
        Beats of a frame.
    width
        Bits of a beat.
    tells_first
        Whether the component has `first`.

    Raises
    ------
    ValueError
        Either below 1.
    """

    length: int
    width: int
    tells_first: bool = False

    latency: ClassVar[int] = 0
    """Cycles from an accepted beat to its `valid` at the output, where nothing waits."""

    def __post_init__(self) -> None:
        check_positive(length=self.length, width=self.width)

    @property
    def layout(self) -> data.StructLayout:
        """A beat of the input."""
        return data.StructLayout({"beat": self.width, "last": 1})

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly. A LUT for each bit of a beat: it comes, has waited, or is a zero."""
        own = Cost(self.width + 7, self.width + 4)
        own += Cost(1, 1) if self.tells_first and self.length > 1 else Cost()
        if self.length == 1:
            return own
        bits = bits_of(self.length)
        return own + Cost(bits + 3 + equal_lut(bits), bits + 2)

    def build(self) -> Framer:
        """The component."""
        return Framer(self)


class Framer(Component):
    """Pads short frames and cuts long ones.

    Latency: `config.latency`. Interval: one beat per cycle; a short frame takes the cycles of a whole one. One beat
    waits inside, so that `i.ready` is a register.

    Parameters
    ----------
    config
        See FramerConfig.

    Members
    -------
    i : In(stream of {beat: width, last: 1})
    o : Out(stream of width)
    use_tlast : In(1), constant; 0: `last` is not looked at, a frame ends where its length says
    error : Out(1), high for one cycle a fault: the one behind that in which the beat leaves that shows it, by a TLAST
        too early or by none where it should be
    first : Out(1), the output's beat is its frame's first one; only where `config.tells_first`
    """

    def __init__(self, config: FramerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(config.layout)),
                "o": Out(stream.Signature(unsigned(config.width))),
                "use_tlast": In(1),
                "error": Out(1),
                **({"first": Out(1)} if config.tells_first else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A beat that cannot go on waits here; while it does, none is accepted.
        held = Signal(self.config.layout, reset_less=True, name="held")
        full, there, moves = (Signal(name=name) for name in ("full", "there", "moves"))
        beat = Mux(full, held.beat, self.i.payload.beat)
        m.d.comb += [self.i.ready.eq(~full), there.eq(full | self.i.valid)]
        m.d.sync += full.eq(there & ~moves)
        with m.If(~full):
            m.d.sync += held.eq(self.i.payload)

        padding, dropping, leaves, last = (Signal(name=name) for name in ("padding", "dropping", "leaves", "last"))
        at_last = count(m, self.config.length, leaves, "place").last
        m.d.comb += [
            last.eq(Mux(self.use_tlast, Mux(full, held.last, self.i.payload.last), at_last)),
            self.o.payload.eq(Mux(padding, 0, beat)),
            self.o.valid.eq(padding | (there & ~dropping)),
            leaves.eq(self.o.valid & self.o.ready),
            moves.eq(there & (dropping | (self.o.ready & ~padding))),
        ]
        m.d.sync += self.error.eq(moves & ~dropping & (last != at_last))
        with m.If(moves):
            m.d.sync += dropping.eq(~last & (dropping | at_last))
        with m.If(leaves):
            m.d.sync += padding.eq(~at_last & (padding | last))
        if self.config.tells_first:
            begins = Signal(init=1)
            with m.If(leaves):
                m.d.sync += begins.eq(at_last)
            m.d.comb += self.first.eq(begins)
        return m
