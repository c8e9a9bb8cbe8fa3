"""The hardware side of gains of every profile and channel: of a transmitter's symbols, of a receiver's values."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Gain, Receive
from hwgen.lower.base import shape_of
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.rtl.channel_gain import ChannelGainConfig


class ChannelGainLowering(ValueByValueLowering):
    """One multiplier, and a table of its factors."""

    node: Gain | Receive
    latency = ChannelGainConfig.latency
    default_depth = ChannelGainConfig.default_depth

    @property
    def factors(self) -> list[list[int]]:
        """The factors by profile and channel."""
        found: list[list[int]] = np.asarray(self.node.factor).tolist()
        return found

    @property
    def shift(self) -> int:
        """The shift behind the product."""
        return self.node.shift + (self.node.factor_fraction if isinstance(self.node, Receive) else 0)

    def component(self, config: Fixed) -> ChannelGainConfig:
        """The component's config."""
        node, factors = self.node, tuple(map(tuple, self.factors))
        return ChannelGainConfig(
            shape_of(node.input), factors, self.shift, shape_of(node.output), self.output.pixels, self.half_block_luts,
            config.depth,
        )  # fmt: skip

    def build(self, config: Fixed) -> Component:
        """The multiplier with its factors."""
        return self.component(config).build()

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Factors and shift."""
        return {"factor": self.factors, "shift": self.shift}
