"""Foldings of a convolution by Winograd's products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hwgen.ir.nodes import ConvTranspose2d
from hwgen.rtl.packing import DSP_WIDE
from hwgen.rtl.winograd import steps
from hwgen.rtl.winograd2d_convolution import Winograd2dConvolutionConfig, in_winograd2d
from hwgen.rtl.winograd_convolution import WinogradConvolutionConfig, in_winograd, ordinary_window
from hwgen.rtl.winograd_window_config import LEAST_FOLD, shortest_fold

if TYPE_CHECKING:
    from hwgen.lower.convolution import ConvolutionLowering

CHAINS = (2, 4)
"""DSPs in a cascade. In longer ones more words come again than LUTs are saved: measured on the shipped models."""
FIELD_BITS = {25: 16, 27: 17}
"""Distance of the weights in a DSP, by the bits of its wide operand."""


def has_winograd(lowering: ConvolutionLowering) -> bool:
    """Whether Winograd's products exist for a layer, and are fewer than its taps."""
    node = lowering.node
    if node.groups > 1 or node.dilation > 1 or not 4 <= node.weight_bits <= 8 or node.input.bits > 8:
        return False
    if node.out_channels < 2:
        return False  # a DSP has weights of two outputs
    if not isinstance(node, ConvTranspose2d):
        return len(steps(node.kernel_width, node.stride)) < 2 * node.kernel_width
    whole = node.stride == 1 or lowering.output.columns % 4 != 1  # as many pairs of either kind
    return node.stride in (1, 2) and node.kernel_width > node.stride and whole


def winograd_foldings(
    lowering: ConvolutionLowering, simd: int, pe: int, in_lanes: int, out_lanes: int, family: str
) -> Iterator[WinogradConvolutionConfig]:
    """The folding by Winograd's products, for several chains; none where results leave too slowly."""
    if pe < 2:
        return
    for chain in sorted({min(chain, simd) for chain in CHAINS}):
        key = simd, pe, chain
        if key not in lowering.winograd:
            # The direct form has fewer words to a fold: what it cannot give in time, this one may.
            folding = lowering.fold(pe, simd, out_lanes=pe)
            if shortest_fold(ordinary_window(folding.window)) < LEAST_FOLD:
                return
            field = FIELD_BITS[DSP_WIDE[family]]
            lowering.winograd[key] = in_winograd(folding, lowering.winograd_kernels, family, field, chain)
        base = lowering.winograd[key]
        words, narrower = base.window.least_words, out_lanes // 2
        if pe > words * out_lanes:
            return
        enough = words * base.window.folds * narrower >= 2 * lowering.node.out_channels
        if narrower and pe <= words * narrower and enough:
            return
        yield replace(base, window=replace(base.window, lanes=in_lanes), out_lanes=out_lanes)


def has_winograd2d(lowering: ConvolutionLowering) -> bool:
    """Whether Winograd's products in two dimensions exist for a layer, and are fewer than in one."""
    node = lowering.node
    if not has_winograd(lowering) or min(node.kernel_height, node.kernel_width) < 2 or lowering.output.rows < 2:
        return False
    if not isinstance(node, ConvTranspose2d):
        return len(steps(node.kernel_height, node.stride)) < 2 * node.kernel_height
    return node.stride == 1 or lowering.output.rows % 4 != 1  # as many pairs of rows of either kind


def winograd2d_foldings(
    lowering: ConvolutionLowering, simd: int, pe: int, in_lanes: int, out_lanes: int, family: str
) -> Iterator[Winograd2dConvolutionConfig]:
    """As `winograd_foldings`, in two dimensions."""
    if pe < 2:
        return
    beats = -(-pe // out_lanes)
    for chain in sorted({min(chain, simd) for chain in CHAINS}):
        key = simd, pe, chain
        if key not in lowering.winograd2d:
            folding = lowering.fold(pe, simd, out_lanes=pe)
            field = FIELD_BITS[DSP_WIDE[family]]
            lowering.winograd2d[key] = in_winograd2d(folding, lowering.winograd2d_kernels, family, field, chain)
        base = lowering.winograd2d[key]
        words, narrower = base.window.least_words, out_lanes // 2
        if 4 * beats > words:
            return
        enough = words * base.window.folds * narrower >= 4 * lowering.node.out_channels
        if narrower and 4 * -(-pe // narrower) <= words and enough:
            return
        yield replace(base, window=replace(base.window, lanes=in_lanes), out_lanes=out_lanes)
