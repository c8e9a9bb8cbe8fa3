"""The hardware side of symbols that become values."""

from __future__ import annotations

from amaranth.lib.wiring import Component

from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl.primitives import Cost
from hwgen.rtl.symbols import SymbolUnpackerConfig


class SymbolUnpackerLowering(EndLowering[NoChoice]):
    """Two values of a symbol, one after the other."""

    choices = (NoChoice(),)

    @property
    def component(self) -> SymbolUnpackerConfig:
        """The component's config."""
        return SymbolUnpackerConfig(self.output.values, self.output.type.bits)

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return self.component.cost(family)

    def cycles(self, config: NoChoice) -> int:
        """A value in every cycle."""
        return self.output.values

    def build(self, config: NoChoice) -> Component:
        """The unpacker of frames of that many values."""
        return self.component.build()

    def depths(self, config: NoChoice) -> dict[str, int]:
        """The symbols that it holds."""
        return {self.name: self.component.depth}

    def steady(self, config: NoChoice) -> Steady:
        """Its latency."""
        return Steady(SymbolUnpackerConfig.latency, SymbolUnpackerConfig.latency)
