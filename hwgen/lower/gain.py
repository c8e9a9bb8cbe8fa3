"""A static gain's hardware side."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import Component

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.ir.nodes import Gain
from hwgen.lower.base import Lowering, Stream, shape_of
from hwgen.lower.channel_gain import ChannelGainLowering
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl.gain import GainConfig


class GainLowering(ValueByValueLowering):
    """One multiplier."""

    node: Gain
    latency = GainConfig.latency
    default_depth = GainConfig.default_depth

    def component(self, config: Fixed) -> GainConfig:
        """The component's config."""
        node = self.node
        assert isinstance(node.factor, int), "a factor of each channel is a ChannelGainLowering's"
        return GainConfig(shape_of(node.input), node.factor, node.shift, shape_of(node.output), config.depth)

    def build(self, config: Fixed) -> Component:
        """The multiplier with its factor."""
        return self.component(config).build()

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Factor and shift."""
        return {"factor": self.node.factor, "shift": self.node.shift}


def gain(
    node: Gain, inputs: tuple[Stream, ...], output: Stream, consumers: int = 1,
    half_block_luts: int = HALF_BLOCK_LUTS,
) -> Lowering[Any]:  # fmt: skip
    """The hardware side of a gain: one factor is a constant, one of every channel comes out of a table."""
    chosen = GainLowering if isinstance(node.factor, int) else ChannelGainLowering
    return chosen(node, inputs, output, consumers, half_block_luts)
