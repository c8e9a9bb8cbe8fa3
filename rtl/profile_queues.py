"""The profiles of the frames on their way through a design: every component that has tables of profiles takes its own.

Several frames are in a design at a time, so a component must know the profile of the frame that it works on, whatever
comes in behind it. A frame's profile goes into a queue for each component when the frame's first beat does, and a
component takes it off when it is done with the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import ClassVar

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.memory import distributed_lut
from hwgen.rtl.primitives import Cost, bits_of, equal_lut
from hwgen.rtl.stream import wrap_increment


@dataclass(frozen=True)
class ProfileQueuesConfig:
    """A queue of profiles for each of several components.

    Parameters
    ----------
    profiles
        Their number, at least 2.
    consumers
        Number of components that have tables of them, at least 1.
    depth
        Frames that may be on their way: a frame more waits at the input. At least 1.

    Raises
    ------
    ValueError
        Any of them is less.
    """

    latency: ClassVar[int] = 1
    """Cycles from an accepted profile to its `valid` at an empty queue's output."""

    profiles: int
    consumers: int
    depth: int

    def __post_init__(self) -> None:
        if self.profiles < 2:
            raise ValueError(f"profiles: wanted at least 2, got {self.profiles}")
        check_positive(consumers=self.consumers, depth=self.depth)

    @property
    def bits(self) -> int:
        """Width of a profile's number."""
        return bits_of(self.profiles)

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly."""
        level, address = bits_of(self.depth + 1), bits_of(self.depth)
        if self.depth == 1:
            queue = Cost(3, self.bits + level)
        else:
            queue = Cost(distributed_lut(self.depth, self.bits, family) + level + 2 * address, level + 2 * address)
        return queue * self.consumers + Cost(equal_lut(self.consumers))

    def build(self) -> ProfileQueues:
        """The component."""
        return ProfileQueues(self)


class ProfileQueues(Component):
    """Gives every profile to all components, in the order of the frames; each takes it when it is done with the frame.

    Latency: `config.latency`. Interval: one profile per cycle.

    Parameters
    ----------
    config
        See ProfileQueuesConfig.

    Members
    -------
    i : In(stream of unsigned(bits)), accepted where every queue has room
    o : Out(stream of unsigned(bits)) for each component
    """

    def __init__(self, config: ProfileQueuesConfig) -> None:
        self.config = config
        profile = stream.Signature(unsigned(config.bits))
        super().__init__({"i": In(profile), "o": Out(profile).array(config.consumers)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self.config.depth
        rooms = []
        taken = Signal()
        for place in range(self.config.consumers):
            out = self.o[place]
            level = Signal(range(depth + 1), name=f"level{place}")
            left = Signal(name=f"left{place}")
            rooms.append(level != depth)
            m.d.comb += [left.eq(out.valid & out.ready), out.valid.eq(level != 0)]
            m.d.sync += level.eq(level + taken - left)
            if depth == 1:
                word = Signal.like(self.i.payload, name=f"word{place}", reset_less=True)
                m.d.comb += out.payload.eq(word)
                with m.If(taken):
                    m.d.sync += word.eq(self.i.payload)
                continue
            memory = Memory(shape=unsigned(self.config.bits), depth=depth, init=[], attrs={"ram_style": "distributed"})
            m.submodules[f"memory{place}"] = memory
            write = memory.write_port()
            read = memory.read_port(domain="comb")
            write_at, read_at = (Signal(range(depth), name=f"{name}{place}") for name in ("write_at", "read_at"))
            m.d.comb += [
                write.en.eq(taken),
                write.addr.eq(write_at),
                write.data.eq(self.i.payload),
                read.addr.eq(read_at),
                out.payload.eq(read.data),
            ]
            with m.If(taken):
                m.d.sync += write_at.eq(wrap_increment(write_at, depth))
            with m.If(left):
                m.d.sync += read_at.eq(wrap_increment(read_at, depth))
        m.d.comb += [self.i.ready.eq(reduce(and_, rooms)), taken.eq(self.i.valid & self.i.ready)]
        return m
