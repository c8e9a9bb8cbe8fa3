"""Counters of events, which can be cleared and stopped together."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.checks import check_positive
from hwgen.rtl.primitives import Cost


@dataclass(frozen=True)
class CountersConfig:
    """Counters modulo 2 ** bits.

    Parameters
    ----------
    events
        Number of counters, at least 1.
    bits
        Of each, at least 1.

    Raises
    ------
    ValueError
        Either below 1.
    """

    events: int
    bits: int = 32

    def __post_init__(self) -> None:
        check_positive(events=self.events, bits=self.bits)

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly. A chain of carries counts without LUTs but for its lowest bit; `clear` and
        `freeze` are the registers' reset and enable."""
        return Cost(2 * self.events + 1, self.bits * self.events)

    def build(self) -> Counters:
        """The component."""
        return Counters(self)


class Counters(Component):
    """Counts, for each of several events, the cycles in which it is high.

    Parameters
    ----------
    config
        See CountersConfig.

    Members
    -------
    event : In(1) for each counter
    clear : In(1), all are 0 from the next cycle on
    freeze : In(1), all stay as they are
    value : Out(bits) for each counter, the events up to the cycle before
    """

    def __init__(self, config: CountersConfig) -> None:
        self.config = config
        super().__init__(
            {
                "event": In(1).array(config.events),
                "clear": In(1),
                "freeze": In(1),
                "value": Out(config.bits).array(config.events),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for index in range(self.config.events):
            with m.If(self.clear):
                m.d.sync += self.value[index].eq(0)
            with m.Elif(self.event[index] & ~self.freeze):
                m.d.sync += self.value[index].eq(self.value[index] + 1)
        return m
