"""A layer of `support.layers` or `support.transposed` in an engine that computes several output columns at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from hwgen.rtl.winograd_convolution import ordinary
from support.layers import Layer
from support.streaming import Run, run_stream, unpack_beats
from support.transposed import Transposed


class EngineLayer:
    """Base of the layers by one engine: weights as it takes them, frames, and the comparison with the contract."""

    layer: Layer | Transposed

    def build(self, config: Any = None) -> Component:
        """The component, in another config than its own if one is given."""
        raise NotImplementedError

    @property
    def weight(self) -> np.ndarray:
        """As the engine takes it."""
        return ordinary(self.layer.numbers["weight"], self.layer.window)

    def named(self, more: str) -> str:
        """The layer's name with what the engine adds to it."""
        return f"{'transposed,' if isinstance(self.layer, Transposed) else ''}{self.layer}{more}"

    def pixels(self, frames: int) -> np.ndarray:
        """(frames, height, width, channels)."""
        own = self.layer
        return own.pixels_of(frames) if isinstance(own, Transposed) else own.pixels(frames)

    def check(self, frames: int = 2, config: Any = None, **conditions: Any) -> Run:
        """Frames one after another: every value, nothing surplus."""
        pixels, own = self.pixels(frames), self.layer
        expected = own.expected(pixels)
        channels, lanes = own.channels[1], own.lanes[1]
        beats = len(expected) // channels * -(-channels // lanes)
        run = run_stream(self.build(config), own.beats(pixels), beats, **conditions)
        run.outputs = unpack_beats(run.outputs, channels, lanes, own.bits[2], own.signs[1])
        assert run.outputs == expected
        return run
