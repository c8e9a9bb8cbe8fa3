"""A FIFO of any depth, for a branch that waits until another one has caught up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.primitives import Cost, bits_of
from hwgen.rtl.signals import signals
from hwgen.rtl.storage import Storage
from hwgen.rtl.stream import wrap_increment


@dataclass(frozen=True)
class SkipFifoConfig:
    """A FIFO of exactly `depth` beats.

    Beat k shows `latency` cycles after it was accepted, or as soon as the one before has left; beat b is accepted one
    cycle after beat b - depth has left at the earliest:

        available(k) = max(accepted(k) + latency, left(k - 1) + 1)
        accepted(b) >= left(b - depth) + 1

    Parameters
    ----------
    width
        Bits of a beat.
    depth
        Beats that it holds, those in its output included. One beat per cycle passes from `full_rate` on.
    storage
        Of the beats.

    Raises
    ------
    ValueError
        A width or depth below 1.
    """

    width: int
    depth: int
    storage: Storage = Storage()

    latency: ClassVar[int] = 2
    """Cycles from an accepted beat to `o.valid` in an empty FIFO: written 1, read 1."""
    full_rate: ClassVar[int] = latency + 1
    """The least depth at which a beat passes in every cycle."""

    def __post_init__(self) -> None:
        check_positive(width=self.width, depth=self.depth)

    def cost(self, family: str) -> Cost:
        """Resources: block RAM and flip-flops exactly. The LUTs of the counters and their conditions were measured."""
        address = bits_of(self.depth)
        lut = round(5.2 * address) + 9 if self.depth == 1 << address else 7 * address + 2
        ff = (address + 1) + bits_of(self.depth + 1) + 2 * address + 1
        return self.storage.ram(self.depth, self.width).cost(family) + Cost(lut, ff)

    def build(self) -> SkipFifo:
        """The component."""
        return SkipFifo(self)


class SkipFifo(Component):
    """A FIFO of exactly `config.depth` beats in one memory, whose registered output is the stream's payload.

    The memory is read in every cycle: at the word that shows next, so that it stays while it waits.

    Latency: `config.latency`. Interval: one beat per cycle from `config.full_rate` on.

    Parameters
    ----------
    config
        See SkipFifoConfig.

    Members
    -------
    i : In(stream of unsigned(width)), o : Out(stream of unsigned(width))
    """

    def __init__(self, config: SkipFifoConfig) -> None:
        self.config = config
        shape = unsigned(config.width)
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self.config.depth
        m.submodules.memory = ram = self.config.storage.ram(depth, self.config.width).build()
        taken, left = signals("taken left")
        # Free words less one: whether there is room is the sign.
        spare = Signal(range(-1, depth), init=depth - 1)
        m.d.comb += [
            self.i.ready.eq(~spare[-1]),
            taken.eq(self.i.valid & self.i.ready),
            left.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += spare.eq(spare - taken + left)

        # Cycle 0: the word is written. Cycle 1: it is read. Cycle 2: it shows.
        write_at, read_at, next_at = (Signal(range(depth), name=name) for name in ("write_at", "read_at", "next_at"))
        written = Signal()
        level = Signal(range(depth + 1))
        m.d.comb += next_at.eq(read_at)
        with m.If(left):
            m.d.comb += next_at.eq(wrap_increment(read_at, depth))
        with m.If(taken):
            m.d.sync += write_at.eq(wrap_increment(write_at, depth))
        m.d.comb += [
            ram.write.eq(taken),
            ram.write_address.eq(write_at),
            ram.write_data.eq(self.i.payload),
            ram.address.eq(next_at),
            self.o.payload.eq(ram.data),
            self.o.valid.eq(level != 0),
        ]
        m.d.sync += [read_at.eq(next_at), written.eq(taken), level.eq(level + written - left)]
        return m
