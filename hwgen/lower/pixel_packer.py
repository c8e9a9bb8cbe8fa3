"""The hardware side of putting pixels together."""

from __future__ import annotations

from amaranth.lib.wiring import Component

from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl.pixels import PixelPacker
from hwgen.rtl.primitives import Cost


class PixelPackerLowering(EndLowering[NoChoice]):
    """Single values in, whole pixels with TLAST out."""

    choices = (NoChoice(),)

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return PixelPacker.cost_of(self.output.pixels, family, self.output.channels)

    def cycles(self, config: NoChoice) -> int:
        """A value in every cycle."""
        return self.output.values

    def build(self, config: NoChoice) -> Component:
        """The packer of frames of that many pixels."""
        return PixelPacker(self.output.pixels, self.output.channels)

    def depths(self, config: NoChoice) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": PixelPacker.places}

    def steady(self, config: NoChoice) -> Steady:
        """Its latency, from a pixel's last value."""
        return Steady(PixelPacker.latency, PixelPacker.latency)
