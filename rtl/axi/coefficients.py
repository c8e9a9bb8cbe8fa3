"""Coefficients written by software and sent to the design with every frame, double-buffered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.counter import count
from hwgen.rtl.framer import FramerConfig
from hwgen.rtl.memory import RamConfig
from hwgen.rtl.primitives import Cost, bits_of, counter
from hwgen.rtl.signals import signals


@dataclass(frozen=True)
class CoefficientsConfig:
    """Two sets of `words` words of 32 bits, one of them in use.

    Parameters
    ----------
    words
        Words that a frame takes, at least 1.
    owed
        Most frames that may have begun and still lack words, at least 1.

    Raises
    ------
    ValueError
        Either below 1.
    """

    words: int
    owed: int = 15

    latency: ClassVar[int] = 3
    """Cycles from a frame's begin to its first word's `valid`: counted 1, read 1, shown 1."""

    def __post_init__(self) -> None:
        check_positive(words=self.words, owed=self.owed)

    @property
    def framer(self) -> FramerConfig:
        """Framing of the words at the output: 32 bits, the last one of a frame marked."""
        return FramerConfig(self.words, 32)

    @property
    def ram(self) -> RamConfig:
        """Memory of both sets, one behind the other."""
        return RamConfig(2 << bits_of(self.words), 32, "distributed")

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly, LUTs as measured."""
        place = counter(self.words) + Cost(2, 1 if self.words > 1 else 0)
        return self.ram.cost(family) + place + Cost(18, bits_of(self.owed + 1) + 4)

    def build(self) -> Coefficients:
        """The component."""
        return Coefficients(self)


class Coefficients(Component):
    """Sends the words of the set in use for every frame that begins, and takes the other set's meanwhile.

    With `commit` the sets change places: as soon as no frame is left that has begun and lacks words. Until then
    `committed` is high, and no frame is to begin.

    Latency: `config.latency`. Interval: two cycles a word.

    Parameters
    ----------
    config
        See CoefficientsConfig.

    Members
    -------
    write : In(1), `data` is for the word `address` of the set that is not in use
    commit : In(1)
    committed : Out(1)
    room : Out(1), a frame may begin
    begins : In(1), a frame begins; not looked at without room
    forget : In(1), no frame has begun but the one whose words are being sent
    sending : Out(1), a frame's words are being sent
    o : Out(stream of {beat: 32, last: 1})
    """

    def __init__(self, config: CoefficientsConfig) -> None:
        self.config = config
        super().__init__(
            {
                "write": In(1),
                "address": In(max(bits_of(config.words), 1)),
                "data": In(unsigned(32)),
                "commit": In(1),
                "committed": Out(1),
                "begins": In(1),
                "room": Out(1),
                "forget": In(1),
                "sending": Out(1),
                "o": Out(stream.Signature(config.framer.layout)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ram = ram = self.config.ram.build()
        bits = bits_of(self.config.words)
        used, reading, leaves, done, swap = signals("used reading leaves done swap")
        owed = Signal(range(self.config.owed + 1))
        place = count(m, self.config.words, leaves, "place")
        m.d.comb += [
            ram.write.eq(self.write),
            ram.write_address.eq(Cat(self.address[:bits], ~used)),
            ram.write_data.eq(self.data),
            ram.address.eq(Cat(place.place[:bits] if bits else [], used)),
            self.o.payload.beat.eq(ram.data),
            self.o.payload.last.eq(place.last),
            leaves.eq(self.o.valid & self.o.ready),
            done.eq(leaves & place.last),
            swap.eq(self.committed & (owed == 0)),
            self.sending.eq((place.place != 0) | reading | self.o.valid),
            self.room.eq((owed != self.config.owed) & ~self.committed),
        ]
        # A word is read in the cycle in which `reading` is high, and shows behind it until it is taken.
        m.d.sync += [
            reading.eq((owed != 0) & ~reading & ~self.o.valid & (self.sending | ~self.forget)),
            self.o.valid.eq(reading | (self.o.valid & ~self.o.ready)),
            owed.eq(owed + (self.begins & self.room) - done),
            self.committed.eq(self.commit | (self.committed & ~swap)),
            used.eq(used ^ swap),
        ]
        with m.If(self.forget):
            m.d.sync += owed.eq(self.sending & ~done)
        return m
