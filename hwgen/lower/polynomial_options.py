"""Foldings of a convolution by products of polynomials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hwgen.ir.nodes import Convolution, ConvTranspose2d
from hwgen.rtl.polynomial import TOGETHER, polynomial_packing
from hwgen.rtl.polynomial_convolution import PolynomialConvolutionConfig, in_polynomials
from hwgen.rtl.polynomial_window import block_words
from hwgen.rtl.winograd_convolution import ordinary_window
from hwgen.rtl.winograd_window_config import LEAST_FOLD

if TYPE_CHECKING:
    from hwgen.lower.convolution import ConvolutionLowering


def has_polynomials(lowering: ConvolutionLowering, family: str) -> bool:
    """Whether a layer can be made of products of polynomials, and any of them has several taps."""
    node: Convolution = lowering.node
    if node.groups > 1 or node.dilation > 1 or node.kernel_width <= node.stride:
        return False
    if isinstance(node, ConvTranspose2d):
        whole = node.stride == 1 or lowering.output.columns % 4 != 1  # as many pairs of either kind
        if node.stride not in (1, 2) or not whole:
            return False
    return any(polynomial_packing(node.weight_bits, node.input.bits, together, family) for together in TOGETHER)


def polynomial_foldings(
    lowering: ConvolutionLowering, simd: int, pe: int, in_lanes: int, out_lanes: int, family: str
) -> Iterator[PolynomialConvolutionConfig]:
    """The folding by products of two and of three taps; none where results leave too slowly, or of few words."""
    for together in TOGETHER:
        key = simd, pe, together
        if key not in lowering.polynomials:
            # The direct form has other words to a fold: what it cannot give in time, this one may.
            folding = lowering.fold(pe, simd, out_lanes=pe)
            several = min(map(min, block_words(ordinary_window(folding.window), together))) >= LEAST_FOLD
            lowering.polynomials[key] = in_polynomials(folding, together, family) if several else None
        base = lowering.polynomials[key]
        if base is None:
            continue
        words, narrower = base.window.least_words, out_lanes // 2
        if pe > words * out_lanes:
            continue
        enough = words * base.window.folds * narrower >= 2 * lowering.node.out_channels
        if narrower and pe <= words * narrower and enough:
            continue
        yield replace(base, window=replace(base.window, lanes=in_lanes), out_lanes=out_lanes)
