"""Layers by Winograd's products: those of `support.layers` and `support.transposed`, in the other engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hwgen.rtl.winograd_convolution import (
    WinogradConvolution,
    WinogradConvolutionConfig,
    in_winograd,
    ordinary,
    ordinary_window,
    winograd_kernels,
)
from support.layers import Layer
from support.streaming import Run, run_stream, unpack_beats
from support.transposed import Transposed


@dataclass(frozen=True)
class Winograd:
    """A layer by Winograd's products, on a DSP of `family` with a field and a chain of so many."""

    layer: Layer | Transposed
    chain: int = 1
    field_bits: int = 16
    family: str = "xc7"

    def __str__(self) -> str:
        more = "" if self == Winograd(self.layer) else f",{self.family},field={self.field_bits},chain={self.chain}"
        return f"{'transposed,' if isinstance(self.layer, Transposed) else ''}{self.layer}{more}"

    @cached_property
    def config(self) -> WinogradConvolutionConfig:
        kernels = winograd_kernels(ordinary_window(self.layer.window), self.weight)
        return in_winograd(self.layer.config, kernels, self.family, self.field_bits, self.chain)

    @property
    def weight(self) -> np.ndarray:
        """As the engine takes it."""
        return ordinary(self.layer.numbers["weight"], self.layer.window)

    def build(self, config: WinogradConvolutionConfig | None = None) -> WinogradConvolution:
        """The component, in another config than its own if one is given."""
        return WinogradConvolution(config or self.config, **(self.layer.numbers | {"weight": self.weight}))

    def pixels(self, frames: int) -> np.ndarray:
        """(frames, height, width, channels)."""
        own = self.layer
        return own.pixels_of(frames) if isinstance(own, Transposed) else own.pixels(frames)

    def check(self, frames: int = 2, config: WinogradConvolutionConfig | None = None, **conditions: Any) -> Run:
        """Frames one after another: every value, nothing surplus."""
        pixels, own = self.pixels(frames), self.layer
        expected = own.expected(pixels)
        channels, lanes = own.channels[1], own.lanes[1]
        beats = len(expected) // channels * -(-channels // lanes)
        run = run_stream(self.build(config), own.beats(pixels), beats, **conditions)
        run.outputs = unpack_beats(run.outputs, channels, lanes, own.bits[2], own.signs[1])
        assert run.outputs == expected
        return run
