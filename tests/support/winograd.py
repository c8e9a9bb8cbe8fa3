"""Layers by Winograd's products: those of `support.layers` and `support.transposed`, in the other engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hwgen.rtl.winograd_convolution import (
    WinogradConvolution,
    WinogradConvolutionConfig,
    in_winograd,
    ordinary_window,
    winograd_kernels,
)
from support.engine_layer import EngineLayer
from support.layers import Layer
from support.transposed import Transposed


@dataclass(frozen=True)
class Winograd(EngineLayer):
    """A layer by Winograd's products, on a DSP of `family` with a field and a chain of so many."""

    layer: Layer | Transposed
    chain: int = 1
    field_bits: int = 16
    family: str = "xc7"

    def __str__(self) -> str:
        more = "" if self == Winograd(self.layer) else f",{self.family},field={self.field_bits},chain={self.chain}"
        return self.named(more)

    @cached_property
    def config(self) -> WinogradConvolutionConfig:
        kernels = winograd_kernels(ordinary_window(self.layer.window), self.weight)
        return in_winograd(self.layer.config, kernels, self.family, self.field_bits, self.chain)

    def build(self, config: WinogradConvolutionConfig | None = None) -> WinogradConvolution:
        """The component, in another config than its own if one is given."""
        return WinogradConvolution(config or self.config, **(self.layer.numbers | {"weight": self.weight}))
