"""Layers by products of polynomials: those of `support.layers` and `support.transposed`, in the other engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from hwgen.rtl.polynomial_convolution import PolynomialConvolution, PolynomialConvolutionConfig, in_polynomials
from support.engine_layer import EngineLayer
from support.layers import Layer
from support.transposed import Transposed


@dataclass(frozen=True)
class Polynomial(EngineLayer):
    """A layer by products of so many taps, on a DSP of `family`; the chain is what its weights allow by default."""

    layer: Layer | Transposed
    together: int = 2
    chain: int | None = None
    family: str = "xc7"

    def __str__(self) -> str:
        more = "" if self == Polynomial(self.layer) else f",{self.family},together={self.together},chain={self.chain}"
        return self.named(more)

    @cached_property
    def config(self) -> PolynomialConvolutionConfig:
        config = in_polynomials(self.layer.config, self.together, self.family)
        assert config is not None
        chain = self.chain or config.proven_chain(self.weight, config.packing)
        return replace(config, packing=replace(config.packing, chain=min(chain, config.window.simd)))

    def build(self, config: PolynomialConvolutionConfig | None = None) -> PolynomialConvolution:
        """The component, in another config than its own if one is given."""
        return PolynomialConvolution(config or self.config, **(self.layer.numbers | {"weight": self.weight}))
