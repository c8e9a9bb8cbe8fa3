"""The hardware side of pooling: a row of partial results where windows are blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.ir.nodes import AveragePool, MaxPool
from hwgen.lower.base import Buffer, Depths, Lowering, NodeEvents, Stream, shape_of
from hwgen.lower.joins import BeatLowering
from hwgen.lower.value_by_value import later
from hwgen.lower.window_pooling import WindowPoolingLowering
from hwgen.plan.events import Beats, Chain, Constraint, Cycles, Wait
from hwgen.rtl.pooling import PoolingConfig
from hwgen.rtl.primitives import Cost


def pooling(
    node: MaxPool | AveragePool, inputs: tuple[Stream, ...], output: Stream, consumers: int = 1,
    half_block_luts: int = HALF_BLOCK_LUTS,
) -> Lowering[Any]:  # fmt: skip
    """The hardware side of a pooling: a line buffer is only needed where windows are no blocks."""
    # Blocks have no multiplier: an average's takes the same path as windows.
    simple = node.blocks and not (isinstance(node, AveragePool) and node.multiplier > 1)
    return (PoolingLowering if simple else WindowPoolingLowering)(
        node, inputs, output, consumers, half_block_luts
    )


class PoolingLowering(BeatLowering[PoolingConfig]):
    """The largest value or the average of each block."""

    node: MaxPool | AveragePool

    def config_of(self, lanes: int) -> PoolingConfig:
        """For the frame's width."""
        node, taken = self.node, self.inputs[0]
        shift = node.shift if isinstance(node, AveragePool) else None
        return PoolingConfig(taken.channels, taken.columns, node.kernel, shape_of(taken.type), shift,
                             shape_of(self.output.type), lanes, storage=self.storage)  # fmt: skip

    def configs_of(self, lanes: int, ultra: bool) -> list[PoolingConfig]:
        """Its row of partial results in UltraRAM or not."""
        first = self.config_of(lanes)
        return [replace(first, storage=storage) for storage in self.storage.choices(first.cells, ultra)]

    def cost(self, config: PoolingConfig, family: str) -> Cost:
        """The component's own."""
        return config.cost(family)

    def cycles(self, config: PoolingConfig) -> int:
        """A beat of the input in every cycle."""
        return self.inputs[0].pixels * config.beats

    def build(self, config: PoolingConfig) -> Component:
        """The component."""
        return config.build()

    def buffers(self, config: PoolingConfig) -> tuple[Buffer, ...]:
        """The FIFO."""
        full_rate = config.default_depth
        entries = self.output.pixels * config.beats
        return (Buffer(self.name, "fifo", f"{self.name}.fifo", entries, 1, full_rate, full_rate),)

    def with_depths(self, config: PoolingConfig, depths: Mapping[str, int]) -> PoolingConfig:
        """The FIFO's."""
        return replace(config, depth=depths["fifo"])

    def depths(self, config: PoolingConfig) -> dict[str, int]:
        """The FIFO's."""
        return {f"{self.name}.fifo": config.fifo_depth}

    def events(self, config: PoolingConfig, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """A result with each block's last beat."""
        return PoolingEvents(self, config)

    @property
    def lag(self) -> float:
        """The rows of a block."""
        return self.node.kernel / self.inputs[0].rows

    def lanes_out(self, config: PoolingConfig) -> int:
        """As chosen."""
        return config.lanes

    def manifest(self, config: PoolingConfig) -> dict[str, Any]:
        """The block, values per beat."""
        return {"kernel": self.node.kernel, "out_lanes": config.lanes}


class PoolingEvents(NodeEvents):
    """out[k] = in[needed[k]] + latency; in[needed[k]] after out[k - depth]; other beats never wait."""

    def __init__(self, lowering: PoolingLowering, config: PoolingConfig) -> None:
        taken = lowering.inputs[0]
        bands = np.arange(taken.rows // config.kernel, dtype=np.int64)[:, None]
        band = config.kernel * taken.columns * config.beats
        self.needed: Cycles = (bands * band + config.needed).ravel()
        self.outputs = (Beats(lowering.output.pixels * config.beats, lowering.output.pixels),)
        self.latency = config.latency
        (self.fifo,) = lowering.buffers(config)

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """As the class says."""
        (taken,), (given,) = inputs, self.outputs
        needed = frame * taken.per_frame + self.needed
        found: list[Constraint] = []
        if self.fifo in depths:
            room = later(given, given.frame(frame) - depths[self.fifo], 1)
            found.append(Wait(taken.events, needed, given.events, room, self.fifo))
        found += [
            Wait(given.events, given.events.span(frame), taken.events, later(taken, needed, self.latency)),
            Chain(given.events, frame, np.arange(given.per_frame), 1),
        ]
        # A beat a cycle goes in, whatever the source gives.
        found.append(Chain(taken.events, frame, np.arange(taken.per_frame), 1))
        return found
