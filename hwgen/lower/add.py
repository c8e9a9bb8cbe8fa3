"""The hardware side of a sum of two branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hwgen.ir.nodes import Add
from hwgen.lower.base import NodeEvents, shape_of
from hwgen.lower.joins import JoinLowering
from hwgen.lower.value_by_value import PipelineEvents
from hwgen.plan.events import Beats
from hwgen.rtl.add import AddConfig


class AddLowering(JoinLowering[AddConfig]):
    """An adder and a requantiser for each value of a beat."""

    node: Add

    def config_of(self, lanes: int) -> AddConfig:
        """The component's, with the FIFO that keeps a beat per cycle going."""
        node = self.node
        shapes = shape_of(node.input), shape_of(node.other)
        return AddConfig(shapes, node.shift, shape_of(node.output), lanes)

    def events(self, config: AddConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """Beats of both inputs move together."""
        per_frame = self.output.pixels * self.output.beats(config.lanes)
        return PipelineEvents(Beats(per_frame, self.output.pixels), config.latency, self.buffers(config)[0])

    def manifest(self, config: AddConfig) -> dict[str, Any]:
        """Shift, activation, values per beat."""
        return {"shift": self.node.shift, "activation": self.node.activation, "out_lanes": config.lanes}
