"""Layers by Winograd's products in two dimensions: those of `support.winograd`, two by two outputs at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hwgen.rtl.winograd2d_convolution import (
    Winograd2dConvolution,
    Winograd2dConvolutionConfig,
    in_winograd2d,
    winograd2d_kernels,
)
from hwgen.rtl.winograd_convolution import WinogradConvolutionConfig, ordinary_window
from support.winograd import Winograd


@dataclass(frozen=True)
class Winograd2d(Winograd):
    """A layer by Winograd's products in two dimensions."""

    __str__ = Winograd.__str__

    @cached_property
    def config(self) -> Winograd2dConvolutionConfig:
        kernels = winograd2d_kernels(ordinary_window(self.layer.window), self.weight)
        return in_winograd2d(self.layer.config, kernels, self.family, self.field_bits, self.chain)

    def build(self, config: WinogradConvolutionConfig | None = None) -> Winograd2dConvolution:
        own = config or self.config
        assert isinstance(own, Winograd2dConvolutionConfig)
        return Winograd2dConvolution(own, **(self.layer.numbers | {"weight": self.weight}))
