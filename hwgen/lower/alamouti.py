"""The hardware side of Alamouti's code."""

from __future__ import annotations

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Alamouti
from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl.alamouti import AlamoutiConfig
from hwgen.rtl.primitives import Cost


class AlamoutiLowering(EndLowering[NoChoice]):
    """Two symbols become four."""

    node: Alamouti
    choices = (NoChoice(),)

    @property
    def pairs(self) -> int:
        """Pairs of symbols in a frame."""
        return self.inputs[0].columns // 2

    @property
    def component(self) -> AlamoutiConfig:
        """The component's config."""
        return AlamoutiConfig(self.pairs)

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return self.component.cost(family)

    def cycles(self, config: NoChoice) -> int:
        """A symbol out in every cycle."""
        return 2 * self.inputs[0].columns

    def build(self, config: NoChoice) -> Component:
        """The encoder of frames of that many pairs."""
        return self.component.build()

    def depths(self, config: NoChoice) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": self.component.depth}

    def steady(self, config: NoChoice) -> Steady:
        """A pair's last symbol leaves behind its others."""
        latency = AlamoutiConfig.latency + AlamoutiConfig.cycles - 1
        return Steady(latency, latency)
