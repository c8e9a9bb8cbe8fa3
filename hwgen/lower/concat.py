"""The hardware side of branches joined along their channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwgen.ir.nodes import Concat
from hwgen.lower.base import NodeEvents
from hwgen.lower.joins import JoinLowering, TurnEvents
from hwgen.plan.events import Beats
from hwgen.rtl.concat import ConcatConfig


class ConcatLowering(JoinLowering[ConcatConfig]):
    """A choice among its inputs, a pixel's beats in turn."""

    node: Concat

    @property
    def lanes_offered(self) -> list[int]:
        """Numbers that divide every input's channels."""
        return [lanes for lanes in self.output.lane_choices if all(own % lanes == 0 for own in self.node.channels)]

    def config_of(self, lanes: int) -> ConcatConfig:
        """The component's, with the FIFO that keeps a beat per cycle going."""
        return ConcatConfig(self.node.channels, self.output.type.bits, lanes)

    def events(self, config: ConcatConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """A pixel's beats of every input in turn."""
        per_pixel = self.output.beats(config.lanes)
        pixels = np.arange(self.output.pixels, dtype=np.int64)[:, None] * per_pixel
        ends = np.cumsum([0, *config.beats])
        turns = [
            (pixels + np.arange(first, last)).ravel() for first, last in zip(ends, ends[1:], strict=False)
        ]
        output = Beats(self.output.pixels * per_pixel, self.output.pixels)
        return TurnEvents(output, turns, config.latency, self.buffers(config)[0])

    def manifest(self, config: ConcatConfig) -> dict[str, Any]:
        """Channels of the inputs, values per beat."""
        return {"channels": list(self.node.channels), "out_lanes": config.lanes}
