"""The hardware side of putting pixels together."""

from __future__ import annotations

from amaranth.lib.wiring import Component

from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl.pixels import PixelPackerConfig
from hwgen.rtl.primitives import Cost


class PixelPackerLowering(EndLowering[NoChoice]):
    """Single values in, whole pixels with TLAST out."""

    choices = (NoChoice(),)

    @property
    def component(self) -> PixelPackerConfig:
        """The component's config."""
        return PixelPackerConfig(self.output.pixels, self.output.channels)

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return self.component.cost(family)

    def cycles(self, config: NoChoice) -> int:
        """A value in every cycle."""
        return self.output.values

    def build(self, config: NoChoice) -> Component:
        """The packer of frames of that many pixels."""
        return self.component.build()

    def depths(self, config: NoChoice) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": self.component.depth}

    def steady(self, config: NoChoice) -> Steady:
        """Its latency, from a pixel's last value."""
        return Steady(PixelPackerConfig.latency, PixelPackerConfig.latency)
