"""The hardware side of symbols that become values."""

from __future__ import annotations

from amaranth.lib.wiring import Component

from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl.primitives import Cost
from hwgen.rtl.symbols import SymbolUnpacker


class SymbolUnpackerLowering(EndLowering[NoChoice]):
    """Two values of a symbol, one after the other."""

    choices = (NoChoice(),)

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return SymbolUnpacker.cost_of(self.output.values, self.output.type.bits)

    def cycles(self, config: NoChoice) -> int:
        """A value in every cycle."""
        return self.output.values

    def build(self, config: NoChoice) -> Component:
        """The unpacker of frames of that many values."""
        return SymbolUnpacker(self.output.values, self.output.type.bits)

    def depths(self, config: NoChoice) -> dict[str, int]:
        """The symbols that it holds."""
        return {self.name: SymbolUnpacker.places}

    def steady(self, config: NoChoice) -> Steady:
        """Its latency."""
        return Steady(SymbolUnpacker.latency, SymbolUnpacker.latency)
