"""The hardware side of values that become symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.lower.base import Buffer, Depths, NodeEvents
from hwgen.lower.value_by_value import Fixed, ValueByValueLowering
from hwgen.plan.events import Beats, Constraint, Cycles, Wait
from hwgen.rtl.primitives import Cost
from hwgen.rtl.symbols import SymbolPackerConfig


class SymbolPackerLowering(ValueByValueLowering):
    """Two values become a symbol, with TLAST."""

    latency = SymbolPackerConfig.latency
    default_depth = SymbolPackerConfig.default_depth

    def component(self, config: Fixed) -> SymbolPackerConfig:
        """The component's config."""
        return SymbolPackerConfig(self.inputs[0].values, self.inputs[0].type.bits, config.depth)

    def cost(self, config: Fixed, family: str) -> Cost:
        """The component's own."""
        return self.component(config).cost(family)

    def cycles(self, config: Fixed) -> int:
        """A value in every cycle."""
        return self.inputs[0].values

    def build(self, config: Fixed) -> Component:
        """The packer of frames of that many values."""
        return self.component(config).build()

    def payloads(self, config: Fixed) -> dict[str, int]:
        """A symbol and its TLAST."""
        return {name: bits + 1 for name, bits in super().payloads(config).items()}

    def buffers(self, config: Fixed) -> tuple[Buffer, ...]:
        """The FIFO's symbols."""
        full_rate = self.default_depth
        return (Buffer(self.name, "fifo", f"{self.name}.fifo", self.output.pixels, 1, full_rate, full_rate),)

    def events(self, config: Fixed, inputs: Sequence[Beats], single_beats: bool) -> NodeEvents:
        """The beats of the output port, which always takes."""
        return SymbolPackerEvents(inputs[0], self.output.pixels, self.latency, self.buffers(config)[0])

    def manifest(self, config: Fixed) -> dict[str, Any]:
        """Nothing."""
        return {}


class SymbolPackerEvents(NodeEvents):
    """A symbol leaves `latency` after its last value, for the port always takes it: it has no events of its own."""

    def __init__(self, values: Beats, symbols: int, latency: int, fifo: Buffer) -> None:
        self.values, self.symbols, self.latency, self.fifo = values, symbols, latency, fifo
        self.outputs = (_Symbols(values, symbols, latency),)

    def constraints(self, frame: int, inputs: Sequence[Beats], depths: Depths) -> list[Constraint]:
        """A value is accepted when the symbol that must have left has."""
        if self.fifo not in depths:
            return []
        values = self.values

        def left() -> tuple[Cycles, int | Cycles]:
            symbols = frame * self.symbols + np.arange(values.per_frame) // 2 - depths[self.fifo]
            index, delay = self.outputs[0].of(symbols)
            return index, delay + 1

        return [Wait(values.events, values.events.span(frame), values.events, left, self.fifo)]


class _Symbols(Beats):
    """When symbols leave, from the cycles of their last values."""

    def __init__(self, values: Beats, symbols: int, latency: int) -> None:
        super().__init__(symbols, symbols)
        self.values, self.latency = values, latency
        self.events = values.events

    def of(self, beats: Cycles) -> tuple[Cycles, int | Cycles]:
        frames, symbol = np.divmod(beats, self.per_frame)
        last = frames * self.values.per_frame + np.minimum(2 * symbol + 1, self.values.per_frame - 1)
        index, delay = self.values.of(last)
        return index, delay + self.latency
