"""The hardware side of received symbols' quantisation."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.ir.nodes import Receive
from hwgen.lower.base import Lowering, Stream, shape_of
from hwgen.lower.channel_gain import ChannelGainLowering
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl.input_quantiser import InputQuantiserConfig


class ReceiveLowering(ValueByValueLowering):
    """A shift with rounding."""

    node: Receive
    latency = InputQuantiserConfig.latency
    default_depth = InputQuantiserConfig.default_depth

    def component(self, config: Fixed) -> InputQuantiserConfig:
        """The component's config."""
        node = self.node
        return InputQuantiserConfig(
            shape_of(node.input), node.shift, shape_of(node.output), node.coarse, config.depth
        )

    def build(self, config: Fixed) -> Component:
        """The shift."""
        return self.component(config).build()

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Shift, and the grid of imaginary parts where they have one of their own."""
        node = self.node
        complex_parts = {"imag_bits": node.imag_bits, "imag_left": node.imag_left} if node.coarse else {}
        return {"shift": node.shift} | complex_parts


def receive(
    node: Receive, inputs: tuple[Stream, ...], output: Stream, consumers: int = 1,
    half_block_luts: int = HALF_BLOCK_LUTS,
) -> Lowering[Any]:  # fmt: skip
    """The hardware side of received values' quantisation: without factors a shift does."""
    chosen = ReceiveLowering if node.factor is None else ChannelGainLowering
    return chosen(node, inputs, output, consumers, half_block_luts)
