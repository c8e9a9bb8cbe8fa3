"""What the components cost. DSPs and block RAMs follow from the widths alone."""

from __future__ import annotations

from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.memory import memory_bram36
from hwgen.rtl.packing import lanes_by_place

DSP_WIDE = 25


def multiplier_dsp(bits: int) -> int:
    """DSP48E1 slices of a product of `bits` (signed) and at most 18 bits: 24 unsigned bits per further slice."""
    return 1 if bits <= DSP_WIDE else 1 + -(-(bits - DSP_WIDE) // (DSP_WIDE - 1))


def gain_dsp(factor: int, shift: int) -> int:
    """The static gain's multiplier: a value of at most 18 bits times the factor, a left shift included."""
    return multiplier_dsp((factor << max(-shift, 0)).bit_length() + 1)


def convolution_dsp(accumulator_bits: int, folding: ConvolutionFolding) -> int:
    """The multipliers' and the PReLU's."""
    return folding.mac_dsp + (multiplier_dsp(accumulator_bits) if folding.prelu else 0)


def convolution_bram36(folding: ConvolutionFolding, weight_bits: int) -> float:
    """Window ring and weights: one memory for each place in the chains of multipliers."""
    window = folding.window
    ring = memory_bram36(window.memory_words, window.simd * window.bits)
    weights = (
        memory_bram36(window.cycles_per_pixel, len(lanes) * folding.pe * weight_bits)
        for lanes in lanes_by_place(window.simd, folding.packing.chain)
    )
    return ring + sum(weights)
