"""What the components cost. DSPs and block RAMs follow from the widths alone."""

from __future__ import annotations

from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.mac import lanes_by_place

DSP_NARROW = 18
DSP_WIDE = 25
BRAM36_SHAPES = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
#: Memories up to this many bits per data bit (depth) go to LUTs as distributed RAM or ROM.
LUT_MEMORY_DEPTH = 64


def multiplier_dsp(bits: int) -> int:
    """DSP48E1 slices of a product of `bits` (signed) and at most 18 bits: 24 unsigned bits per further slice."""
    return 1 if bits <= DSP_WIDE else 1 + -(-(bits - DSP_WIDE) // (DSP_WIDE - 1))


def memory_bram36(depth: int, width: int) -> float:
    """BRAM36 blocks of a simple dual-port memory, in halves; 0 where it is small enough for LUTs.

    A half is an 18 Kbit block: as deep as the whole one and half as wide (UG473).
    """
    if depth <= LUT_MEMORY_DEPTH:
        return 0.0
    whole = min(-(-depth // rows) * -(-width // columns) for rows, columns in BRAM36_SHAPES)
    halves = min(-(-depth // rows) * -(-width // (columns // 2)) for rows, columns in BRAM36_SHAPES[:-1])
    return min(float(whole), halves / 2)


def gain_dsp() -> int:
    """The static gain's multiplier."""
    return 1


def convolution_dsp(accumulator_bits: int, folding: ConvolutionFolding) -> int:
    """The multipliers' and the PReLU's."""
    return folding.mac_dsp + (multiplier_dsp(accumulator_bits) if folding.prelu else 0)


def convolution_bram36(folding: ConvolutionFolding, weight_bits: int) -> float:
    """Window ring and weights: one memory for each place in the chains of multipliers."""
    window = folding.window
    ring = memory_bram36(window.memory_words, window.simd * window.bits)
    weights = (
        memory_bram36(window.cycles_per_pixel, len(lanes) * folding.pe * weight_bits)
        for lanes in lanes_by_place(window.simd)
    )
    return ring + sum(weights)
