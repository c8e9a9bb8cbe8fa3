"""A fork's hardware side."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from amaranth.lib.wiring import Component

from hwgen.lower.base import Buffer, NodeEvents
from hwgen.lower.joins import BeatLowering, ForkEvents
from hwgen.plan.events import Beats
from hwgen.rtl.primitives import Cost
from hwgen.rtl.skip_fifo import SkipFifoConfig
from hwgen.rtl.storage import Storage
from hwgen.rtl.streams import ForkConfig


@dataclass(frozen=True)
class Branches:
    """Values per beat; of each branch's FIFO the depth in beats, and where it is."""

    lanes: int
    depths: tuple[int, ...]
    storages: tuple[Storage, ...]


class ForkLowering(BeatLowering[Branches]):
    """A FIFO for every branch.

    Attributes
    ----------
    held
        Of each branch the share of a frame that it holds, estimated, while others catch up.
    """

    held: Sequence[float] = ()

    def _estimates(self, lanes: int) -> tuple[int, ...]:
        beats = self.output.pixels * self.output.beats(lanes)
        shares = self.held or (0.0,) * self.consumers
        # Estimated from rows of windows alone: a row more for the way through the other branch.
        row = self.output.columns * self.output.beats(lanes)
        return tuple(SkipFifoConfig.full_rate + (int(share * beats) + row if share else 0) for share in shares)

    def config_of(self, lanes: int) -> Branches:
        """With depths as estimated."""
        return Branches(lanes, self._estimates(lanes), (self.storage,) * self.consumers)

    def configs_of(self, lanes: int, ultra: bool) -> list[Branches]:
        """Each deep FIFO in UltraRAM or not."""
        first = self.config_of(lanes)
        choices = (self.storage.choices(depth, ultra) for depth in first.depths)
        return [replace(first, storages=storages) for storages in itertools.product(*choices)]

    def _component(self, config: Branches) -> ForkConfig:
        return ForkConfig(config.lanes * self.output.type.bits, config.depths, config.storages)

    def cost(self, config: Branches, family: str) -> Cost:
        """The component's own."""
        return self._component(config).cost(family)

    def build(self, config: Branches) -> Component:
        """The fork."""
        return self._component(config).build()

    def buffers(self, config: Branches) -> tuple[Buffer, ...]:
        """The FIFO of each branch."""
        entries = self.output.pixels * self.output.beats(config.lanes)
        return tuple(
            Buffer(self.name, f"fifo{branch}", f"{self.name}.fifo{branch}", entries, 1, SkipFifoConfig.full_rate,
                   enough, grows=True)
            for branch, enough in enumerate(self._estimates(config.lanes))
        )  # fmt: skip

    def with_depths(self, config: Branches, depths: Mapping[str, int]) -> Branches:
        """With the depth of each branch's FIFO."""
        return replace(config, depths=tuple(depths[f"fifo{branch}"] for branch in range(self.consumers)))

    def depths(self, config: Branches) -> dict[str, int]:
        """Depth of each branch's FIFO."""
        return {f"{self.name}.fifo{branch}": depth for branch, depth in enumerate(config.depths)}

    def events(self, config: Branches, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """One stream for each branch."""
        per_frame = self.output.pixels * self.output.beats(config.lanes)
        branches = [Beats(per_frame, self.output.pixels) for _ in range(self.consumers)]
        return ForkEvents(branches, ForkConfig.latency, self.buffers(config))

    def payloads(self, config: Branches) -> dict[str, int]:
        """A beat, on each branch."""
        bits = config.lanes * self.output.type.bits
        return {f"o__{branch}": bits for branch in range(self.consumers)}

    def lanes_out(self, config: Branches) -> int:
        """As chosen."""
        return config.lanes

    def manifest(self, config: Branches) -> dict[str, Any]:
        """Nothing: it is no layer."""
        return {}
