"""The hardware side of a sum of two branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from amaranth.lib.wiring import Component

from hwgen.ir.nodes import Add
from hwgen.lower.base import Buffer, NodeEvents, shape_of
from hwgen.lower.joins import BeatLowering
from hwgen.lower.value_by_value import PipelineEvents
from hwgen.plan.events import Beats
from hwgen.rtl.add import AddConfig
from hwgen.rtl.primitives import Cost


class AddLowering(BeatLowering[AddConfig]):
    """An adder and a requantiser for each value of a beat."""

    node: Add

    def config_of(self, lanes: int) -> AddConfig:
        """The component's, with the FIFO that keeps a beat per cycle going."""
        node = self.node
        shapes = shape_of(node.input), shape_of(node.other)
        return AddConfig(shapes, node.shift, shape_of(node.output), lanes)

    def cost(self, config: AddConfig, family: str) -> Cost:
        """The component's own."""
        return config.cost(family)

    def build(self, config: AddConfig) -> Component:
        """The adder."""
        return config.build()

    def buffers(self, config: AddConfig) -> tuple[Buffer, ...]:
        """The FIFO."""
        entries = self.output.pixels * self.output.beats(config.lanes)
        full_rate = AddConfig.default_depth
        return (Buffer(self.name, "fifo", f"{self.name}.fifo", entries, 1, full_rate, full_rate),)

    def with_depths(self, config: AddConfig, depths: Mapping[str, int]) -> AddConfig:
        """The FIFO's."""
        return replace(config, depth=depths["fifo"])

    def depths(self, config: AddConfig) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": config.depth}

    def events(self, config: AddConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """Beats of both inputs move together."""
        per_frame = self.output.pixels * self.output.beats(config.lanes)
        return PipelineEvents(Beats(per_frame, self.output.pixels), config.latency, self.buffers(config)[0])

    def lanes_out(self, config: AddConfig) -> int:
        """As chosen."""
        return config.lanes

    def manifest(self, config: AddConfig) -> dict[str, Any]:
        """Shift, activation, values per beat."""
        return {"shift": self.node.shift, "activation": self.node.activation, "out_lanes": config.lanes}
