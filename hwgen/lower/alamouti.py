"""The hardware side of Alamouti's code."""

from __future__ import annotations

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Alamouti
from hwgen.lower.base import Steady
from hwgen.lower.end import EndLowering, NoChoice
from hwgen.rtl import alamouti as rtl_alamouti
from hwgen.rtl.primitives import Cost


class AlamoutiLowering(EndLowering[NoChoice]):
    """Two symbols become four."""

    node: Alamouti
    choices = (NoChoice(),)

    @property
    def pairs(self) -> int:
        """Pairs of symbols in a frame."""
        return self.inputs[0].columns // 2

    def cost(self, config: NoChoice, family: str) -> Cost:
        """The component's own."""
        return rtl_alamouti.Alamouti.cost_of(self.pairs, family)

    def cycles(self, config: NoChoice) -> int:
        """A symbol out in every cycle."""
        return 2 * self.inputs[0].columns

    def build(self, config: NoChoice) -> Component:
        """The encoder of frames of that many pairs."""
        return rtl_alamouti.Alamouti(self.pairs)

    def depths(self, config: NoChoice) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": rtl_alamouti.Alamouti.places}

    def steady(self, config: NoChoice) -> Steady:
        """A pair's last symbol leaves behind its others."""
        latency = rtl_alamouti.Alamouti.latency + rtl_alamouti.Alamouti.pair_cycles - 1
        return Steady(latency, latency)
