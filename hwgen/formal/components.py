"""Every component of rtl/ with streams, in a small form, and how its beats are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from amaranth.hdl import Shape, signed, unsigned

from hwgen.formal.axi import AXI
from hwgen.formal.nets import fifos_in_turn, profile_queue, skip_fifo
from hwgen.formal.small import Small
from hwgen.formal.streams import Count
from hwgen.rtl.add import AddConfig
from hwgen.rtl.alamouti import AlamoutiConfig
from hwgen.rtl.channel_gain import ChannelGainConfig
from hwgen.rtl.concat import ConcatConfig
from hwgen.rtl.convolution import Convolution
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.depth_to_space import DepthToSpaceConfig
from hwgen.rtl.framer import FramerConfig
from hwgen.rtl.gain import GainConfig
from hwgen.rtl.input_framing import InputFramingConfig
from hwgen.rtl.input_quantiser import InputQuantiserConfig
from hwgen.rtl.matrix_product import MatrixProductConfig
from hwgen.rtl.packing import LUT
from hwgen.rtl.pair_convolution import PairConvolution, PairConvolutionConfig
from hwgen.rtl.pair_mac import pair_packing
from hwgen.rtl.pair_window import PairWindowConfig
from hwgen.rtl.pixels import PixelPackerConfig, PixelSerialiserConfig
from hwgen.rtl.polynomial_convolution import PolynomialConvolution, in_polynomials
from hwgen.rtl.polynomial_window import PolynomialWindow, in_polynomial_blocks
from hwgen.rtl.pooling import PoolingConfig
from hwgen.rtl.power import PowerNormaliserConfig
from hwgen.rtl.profile_queues import ProfileQueuesConfig
from hwgen.rtl.requantise import RequantiserConfig
from hwgen.rtl.skip_fifo import SkipFifoConfig
from hwgen.rtl.space_to_depth import SpaceToDepthConfig
from hwgen.rtl.stream import CreditFifoConfig
from hwgen.rtl.streams import ForkConfig
from hwgen.rtl.symbols import SymbolPackerConfig, SymbolUnpackerConfig
from hwgen.rtl.table import TableConfig
from hwgen.rtl.window import WindowBuffer
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.window_pooling import WindowPoolingConfig
from hwgen.rtl.winograd2d_convolution import (
    Winograd2dConvolution,
    Winograd2dConvolutionConfig,
    in_winograd2d,
    winograd2d_kernels,
)
from hwgen.rtl.winograd2d_window import Winograd2dWindow
from hwgen.rtl.winograd_convolution import WinogradConvolution, WinogradConvolutionConfig, in_winograd, winograd_kernels
from hwgen.rtl.winograd_window import WinogradWindow

U2, S2, S3 = unsigned(2), signed(2), signed(3)
ACCUMULATOR = 6


def every(beats: int, results: int) -> tuple[int, ...]:
    """So many results at the end of so many beats."""
    return (0,) * beats + (results,)


def needing(needed: Sequence[int], beats: int) -> tuple[int, ...]:
    """Results by beats of a frame, where result k waits for beat `needed[k]`, counted from 0."""
    order = np.maximum.accumulate(np.asarray(needed))
    return tuple(int((order < come).sum()) for come in range(beats + 1))


PLAIN = WindowConfig(channels=1, width=3, height=3, kernel=3, stride=1, padding=1, simd=1, bits=2, taps=3,
                     form="distributed")  # fmt: skip
STRIDED = replace(PLAIN, width=4, height=4, kernel=2, stride=2, padding=0, taps=2)
TRANSPOSED = replace(PLAIN, width=2, height=2, stride=2, output_padding=1, transposed=True, taps=1)
POOLED = replace(PLAIN, stride=2)
PAIRS = PairWindowConfig(channels=1, width=4, height=3, kernel=3, stride=1, padding=1, simd=1, bits=2, taps=3,
                         form="distributed")  # fmt: skip
PAIRED = WindowConfig(channels=1, width=4, height=3, kernel=3, stride=1, padding=1, simd=1, bits=2, form="distributed")
SPACE, DEPTH = SpaceToDepthConfig(1, 4, 2, 2), DepthToSpaceConfig(4, 2, 2, 2)
POOLING = PoolingConfig(1, 4, 2, U2, 2, U2)
PRODUCT = MatrixProductConfig(rows=2, columns=2, groups=2)
NORMALISER = PowerNormaliserConfig(input=S2, values=2, power=1 << 16)
FRAMES = FramerConfig(3, 2)


def window_counts(config: WindowConfig, beats_in: int = 1, beats_out: int = 1) -> Count:
    """The beats of a frame behind windows."""
    pixels = [config.needed(y, x) for y in range(config.out_height) for x in range(config.out_width)]
    needed = [count * beats_in - 1 for count in pixels for _ in range(beats_out)]
    return Count("i", "o", needing(needed, config.width * config.height * beats_in))


def requantiser(channels: int) -> RequantiserConfig:
    """Plain, to 2 bits."""
    return RequantiserConfig.from_integers(
        accumulator_bits=ACCUMULATOR, bias=[1] * channels, shift=[1] * channels, output=S2
    )


def convolution(shape: WindowConfig) -> Convolution:
    """One channel to one, of small weights in logic."""
    weight = (np.arange(shape.kernel_height * shape.kernel_width) % 3 - 1).reshape(1, 1, shape.kernel_height, -1)
    config = ConvolutionConfig(shape, requantiser(1), pe=1, weight_bits=2, packing=LUT, weights_in="logic")
    return Convolution(config, weight=weight, bias=[1], shift=[1], slope=None)


def pair_convolution() -> PairConvolution:
    """One channel to one, two columns at a time."""
    packing = pair_packing(2, Shape(2, True), "xc7")
    assert packing is not None
    config = PairConvolutionConfig(PAIRS, requantiser(1), pe=1, weight_bits=2, packing=packing, weights_in="logic")
    weight = (np.arange(9) % 3 - 1).reshape(1, 1, 3, 3)
    return PairConvolution(config, weight=weight, bias=[1], shift=[1], slope=None)


def polynomial_convolution() -> PolynomialConvolution:
    """One channel to two, two columns by two taps at a time."""
    plain = ConvolutionConfig(PAIRED, requantiser(2), pe=2, weight_bits=2, weights_in="logic")
    config = in_polynomials(plain, 2, "xc7")
    assert config is not None
    config = replace(config, packing=replace(config.packing, chain=1))
    return PolynomialConvolution(config, weight=TWO, bias=[1, 1], shift=[1, 1], slope=None)


def polynomial_window() -> PolynomialWindow:
    """The window of `polynomial_convolution`, alone."""
    return PolynomialWindow(in_polynomial_blocks(PAIRED, 2))


TWO = (np.arange(18) % 3 - 1).reshape(2, 1, 3, 3)
"""Weights of a layer by Winograd's products, or by those of polynomials: one channel to two."""


def winograd_config() -> WinogradConvolutionConfig:
    """The config of a WinogradConvolution with `TWO` as its weights, and outputs of 2 bits."""
    plain = ConvolutionConfig(PAIRED, requantiser(2), pe=2, weight_bits=2, weights_in="logic")
    return in_winograd(plain, winograd_kernels(PAIRED, TWO), "xc7", 16, 1)


def winograd_convolution() -> WinogradConvolution:
    """One channel to two, by Winograd's products."""
    return WinogradConvolution(winograd_config(), weight=TWO, bias=[1, 1], shift=[1, 1], slope=None)


def winograd_window() -> WinogradWindow:
    """The window of `winograd_convolution`, alone."""
    config = winograd_config()
    return WinogradWindow(config.window, config.program(TWO).words())


def winograd2d_config() -> Winograd2dConvolutionConfig:
    """As `winograd_config`, of two by two outputs at a time."""
    plain = ConvolutionConfig(PAIRED, requantiser(2), pe=2, weight_bits=2, weights_in="logic")
    return in_winograd2d(plain, winograd2d_kernels(PAIRED, TWO), "xc7", 16, 1)


def winograd2d_convolution() -> Winograd2dConvolution:
    """One channel to two, by Winograd's products in two dimensions."""
    return Winograd2dConvolution(winograd2d_config(), weight=TWO, bias=[1, 1], shift=[1, 1], slope=None)


def winograd2d_window() -> Winograd2dWindow:
    """The window of `winograd2d_convolution`, alone."""
    config = winograd2d_config()
    return Winograd2dWindow(config.window, config.program(TWO).words())


SMALL: dict[str, tuple[Small, ...]] = AXI | {
    "Add": (Small("2 bits, depth 6", AddConfig((U2, U2), 1, U2).build,
                  (Count("i0", "o", (0, 1)), Count("i1", "o", (0, 1))), 16),),
    "Alamouti": (Small("2 pairs", AlamoutiConfig(2).build, (Count("i", "o", (0, 0, 4, 4, 8), 8),), 16),),
    "ChannelGain": (Small("3 bits to 2, 2 profiles and channels",
                          ChannelGainConfig(S3, ((3, 1), (2, 5)), 1, S2, pixels=2).build,
                          (Count("i", "o", (0, 1)),), 18),),
    "Concat": (Small("2 + 1 channels of 2 bits", ConcatConfig((2, 1), 2).build,
                     (Count("i__0", "o", (0, 1, 3)), Count("i__1", "o", (2, 3))), 20),),
    "Convolution": (
        Small("3x3 kernel, 3x3 frame", lambda: convolution(PLAIN), (window_counts(PLAIN),), 24),
        Small("2x2 kernel at a stride of 2, 4x4 frame", lambda: convolution(STRIDED), (window_counts(STRIDED),), 24),
        Small("transposed 3x3 kernel at a stride of 2, 2x2 frame", lambda: convolution(TRANSPOSED),
              (window_counts(TRANSPOSED),), 24),
    ),
    "CreditFifo": (Small("2 bits, depth 3, batch 2", CreditFifoConfig(2, 3, 2).build),
                   Small("2 bits, depth 3, batch 2, in turn", CreditFifoConfig(2, 3, 2, in_turn=True).build)),
    "Fork": (Small("2 bits, depths 1 and 3", ForkConfig(2, (1, 3)).build,
                   (Count("i", "o__0", (0, 1)), Count("i", "o__1", (0, 1))), 20,
                   lambda text: (*skip_fifo(text, "dut.fifo0", 1), *skip_fifo(text, "dut.fifo1", 3))),),
    "Framer": (Small("frames of 3 beats of 2 bits", FRAMES.build),),
    "Gain": (Small("3 bits to 2", GainConfig(S3, 3, 1, S2).build, (Count("i", "o", (0, 1)),), 16),),
    "InputFraming": (
        Small("frames of 3 beats, coefficients of 2", InputFramingConfig(FRAMES, FramerConfig(2, 2)).build),
        Small("frames of 3 beats, 4 profiles",
              InputFramingConfig(FRAMES, profiles=ProfileQueuesConfig(4, 1, 1)).build),
    ),
    "InputQuantiser": (Small("3 bits to 2", InputQuantiserConfig(S3, 1, S2).build, (Count("i", "o", (0, 1)),), 20),),
    "MatrixProduct": (Small("2x2 matrix, 2 groups", PRODUCT.build,
                            (Count("i", "o", (0, 0, 2, 2, 4), 4), Count("coefficients", "o", (0, 0, 0, 0, 4))), 20),),
    "PairConvolution": (Small("3x3 kernel, 4x3 frame", pair_convolution, lemmas=lambda text: fifos_in_turn(text, 2)),),
    "PixelPacker": (Small("2 pixels of 3 values of 2 bits", PixelPackerConfig(2, 3, 2).build,
                          (Count("i", "o", (0, 0, 0, 1, 1, 1, 2), 2),), 20),),
    "ProfileQueues": (Small("4 profiles, 2 queues of 3", ProfileQueuesConfig(4, 2, 3).build, (
        Count("i", "o__0", (0, 1)), Count("i", "o__1", (0, 1))), 16,
        lambda text: (*profile_queue(text, 0, 3), *profile_queue(text, 1, 3))),),
    "PixelSerialiser": (Small("3 values of 2 bits", PixelSerialiserConfig(3, 2).build, (Count("i", "o", (0, 3)),), 20),
                        Small("3 values of 2 bits, depth 1", PixelSerialiserConfig(3, 2, 1).build,
                              (Count("i", "o", (0, 3)),), 20)),
    "PolynomialConvolution": (Small("3x3 kernel, 1 channel to 2, 4x3 frame", polynomial_convolution,
                                    lemmas=lambda text: fifos_in_turn(text, 2)),),
    "PolynomialWindow": (Small("3x3 kernel, 4x3 frame", polynomial_window),),
    "Pooling": (Small("average of 2x2 blocks, 4 columns", POOLING.build,
                      (Count("i", "o", needing(POOLING.needed.tolist(), 8)),), 24),),
    "PowerNormaliser": (Small("frames of 2 values of 2 bits", NORMALISER.build, (Count("i", "o", (0, 0, 2)),),
                              NORMALISER.latency + 4),),
    "Reorder": (Small("space to depth, 4 columns, factor 2", SPACE.build,
                      (Count("i", "o", needing(SPACE.reorder.order.tolist(), 8)),), 14),
                Small("depth to space, 2 columns, factor 2", DEPTH.build,
                      (Count("i", "o", needing(DEPTH.reorder.order.tolist(), 8)),), 14)),
    "SkipFifo": (Small("2 bits, depth 1", SkipFifoConfig(2, 1).build, (Count("i", "o", (0, 1)),), 20,
                       lambda text: skip_fifo(text, "dut", 1)),
                 Small("2 bits, depth 3", SkipFifoConfig(2, 3).build, (Count("i", "o", (0, 1)),), 20,
                       lambda text: skip_fifo(text, "dut", 3))),
    "SymbolPacker": (Small("3 values of 2 bits", SymbolPackerConfig(3, 2).build,
                           (Count("i", "o", (0, 0, 1, 2), 2),), 20),),
    "SymbolUnpacker": (Small("3 values of 2 bits", SymbolUnpackerConfig(3, 2).build,
                             (Count("i", "o", (0, 2, 3)),), 20),),
    "Table": (Small("2 bits", lambda: TableConfig(S2, 2).build([0, 1, 2, 3]), (Count("i", "o", (0, 1)),), 20),),
    "WindowBuffer": (Small("3x3 kernel, 3x3 frame", lambda: WindowBuffer(PLAIN)),),
    "WindowPooling": (Small("largest of 3x3 at a stride of 2, 3x3 frame",
                            WindowPoolingConfig(POOLED, None, S2).build, (window_counts(POOLED),), 24),),
    "Winograd2dConvolution": (Small("3x3 kernel, 1 channel to 2, 4x3 frame", winograd2d_convolution,
                                    lemmas=lambda text: fifos_in_turn(text, 4)),),
    "Winograd2dWindow": (Small("3x3 kernel, 4x3 frame", winograd2d_window),),
    "WinogradConvolution": (Small("3x3 kernel, 1 channel to 2, 4x3 frame", winograd_convolution,
                                  lemmas=lambda text: fifos_in_turn(text, 2)),),
    "WinogradWindow": (Small("3x3 kernel, 4x3 frame", winograd_window),),
}  # fmt: skip
"""By the name of the class."""
