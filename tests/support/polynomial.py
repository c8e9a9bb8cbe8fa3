"""Layers by products of polynomials: those of `support.layers` and `support.transposed`, in the other engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hwgen.rtl.polynomial_convolution import PolynomialConvolution, PolynomialConvolutionConfig, in_polynomials
from hwgen.rtl.winograd_convolution import ordinary
from support.layers import Layer
from support.streaming import Run, run_stream, unpack_beats
from support.transposed import Transposed


@dataclass(frozen=True)
class Polynomial:
    """A layer by products of so many taps, on a DSP of `family`; the chain is what its weights allow by default."""

    layer: Layer | Transposed
    together: int = 2
    chain: int | None = None
    family: str = "xc7"

    def __str__(self) -> str:
        more = "" if self == Polynomial(self.layer) else f",{self.family},together={self.together},chain={self.chain}"
        return f"{'transposed,' if isinstance(self.layer, Transposed) else ''}{self.layer}{more}"

    @cached_property
    def config(self) -> PolynomialConvolutionConfig:
        config = in_polynomials(self.layer.config, self.together, self.family)
        assert config is not None
        chain = self.chain or config.proven_chain(self.weight, config.packing)
        return replace(config, packing=replace(config.packing, chain=min(chain, config.window.simd)))

    @property
    def weight(self) -> np.ndarray:
        """As the engine takes it."""
        return ordinary(self.layer.numbers["weight"], self.layer.window)

    def build(self, config: PolynomialConvolutionConfig | None = None) -> PolynomialConvolution:
        """The component, in another config than its own if one is given."""
        return PolynomialConvolution(config or self.config, **(self.layer.numbers | {"weight": self.weight}))

    def pixels(self, frames: int) -> np.ndarray:
        """(frames, height, width, channels)."""
        own = self.layer
        return own.pixels_of(frames) if isinstance(own, Transposed) else own.pixels(frames)

    def check(self, frames: int = 2, config: PolynomialConvolutionConfig | None = None, **conditions: Any) -> Run:
        """Frames one after another: every value, nothing surplus."""
        pixels, own = self.pixels(frames), self.layer
        expected = own.expected(pixels)
        channels, lanes = own.channels[1], own.lanes[1]
        beats = len(expected) // channels * -(-channels // lanes)
        run = run_stream(self.build(config), own.beats(pixels), beats, **conditions)
        run.outputs = unpack_beats(run.outputs, channels, lanes, own.bits[2], own.signs[1])
        assert run.outputs == expected
        return run
