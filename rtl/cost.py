"""What the components cost: LUTs, flip-flops, DSP slices and block RAM, from widths and counts alone.

Each component is the sum of its registers, adders, counters, selections and memories (`hwgen.rtl.primitives`,
`hwgen.rtl.memory`). DSPs and block RAMs are exact, flip-flops nearly so; LUTs depend on what synthesis shares and
simplifies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from amaranth.hdl import Shape
from amaranth.utils import ceil_log2

from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.mac import MacArray
from hwgen.rtl.memory import LUT_MEMORY_DEPTH, Ram, Rom, memory_bram36
from hwgen.rtl.packing import Packing, chain_lengths, lanes_by_place, pe_groups
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter_lut, multiplier_dsp
from hwgen.rtl.requantise import Requantiser
from hwgen.rtl.stream import CreditFifo
from hwgen.rtl.window import WindowShape


def gain_dsp(factor: int, shift: int) -> int:
    """The static gain's multiplier: a value of at most 18 bits times the factor, a left shift included."""
    return multiplier_dsp((factor << max(-shift, 0)).bit_length() + 1)


def convolution_dsp(accumulator_bits: int, folding: ConvolutionFolding) -> int:
    """The multipliers' and the PReLU's."""
    return folding.mac_dsp + (multiplier_dsp(accumulator_bits) * folding.out_lanes if folding.prelu else 0)


def convolution_bram36(folding: ConvolutionFolding, weight_bits: int) -> float:
    """Window ring and weights: one memory for each place in the chains of multipliers."""
    window = folding.window
    ring = window.banks * memory_bram36(window.bank_words, window.simd * window.bits)
    weights = (
        memory_bram36(window.cycles_per_pixel, len(lanes) * folding.pe * weight_bits)
        for lanes in lanes_by_place(window.word_values, folding.packing.chain)
    )
    return ring + sum(weights)


@dataclass(frozen=True)
class LayerNumbers:
    """What a convolution's cost depends on besides its folding.

    Parameters: signed widths of weights, accumulators, bias (accumulator and bias: of the DSP form, where unsigned
    activations are made signed) and PReLU slope (0 without); fraction bits of the slope; the common right shift and
    the largest left shift before it; Shape of an output value.
    """

    weight_bits: int
    accumulator_bits: int
    bias_bits: int
    slope_bits: int
    fraction: int
    right: int
    left: int
    output: Shape

    @staticmethod
    def of(
        *,
        weight_bits: int,
        accumulator_bits: int,
        bias: Sequence[int],
        shift: Sequence[int],
        slope: Sequence[int] | None,
        slope_fraction: int,
        output: Shape,
    ) -> LayerNumbers:
        """From a layer's integers. bias : with the activations' offset times each channel's weights in it."""
        shifts = [int(s) + (slope_fraction if slope is not None else 0) for s in shift]
        right = max(0, *shifts)
        return LayerNumbers(
            weight_bits=weight_bits,
            accumulator_bits=accumulator_bits,
            bias_bits=max(abs(int(b)) for b in bias).bit_length() + 1,
            slope_bits=0 if slope is None else max(int(s) if s >= 0 else ~int(s) for s in slope).bit_length() + 1,
            fraction=slope_fraction,
            right=right,
            left=right - min(shifts),
            output=output,
        )


def convolution_cost(folding: ConvolutionFolding, numbers: LayerNumbers, family: str) -> Cost:
    """One layer: window, multipliers, requantisation, FIFO, and what connects them."""
    window, lanes = folding.window, folding.out_lanes
    mac = mac_cost(
        folding.packing, folding.pe, window.simd * getattr(window, "taps", 1), window.bits, window.signed,
        numbers.weight_bits, numbers.accumulator_bits, window.cycles_per_pixel, folding.weights_in,
    )  # fmt: skip
    requantiser = requantiser_cost(numbers, folding.beats_out, family)
    fifo = _fifo_cost(lanes * numbers.output.width, folding.fifo_depth, family)
    beats, folds = folding.fold_beats, window.folds
    # The sums of a fold wait in a register of their own and move up beat by beat.
    waiting = Cost(
        (beats - 1) * lanes * numbers.accumulator_bits + 2 * counter_lut(folds) + 2 * bits_of(beats + 1) + 2,
        folding.pe * numbers.accumulator_bits + bits_of(beats + 1) + 2 * bits_of(folds),
    )
    ring = getattr(folding, "ring_in", "block")
    return window_cost(window, folding.in_lanes, ring, family) + mac + requantiser * lanes + fifo + waiting


@cache
def window_cost(window: WindowShape, lanes: int, form: str, family: str) -> Cost:
    """Ring, gathering of beats into words, and the counters of both sides."""
    size, pixels = window.memory_words, window.width * window.height
    ring = Ram.cost_of(size, window.simd * window.bits, "block", family) if size > LUT_MEMORY_DEPTH else Ram.cost_of(
        size, window.simd * window.bits, "distributed", family
    )
    address = bits_of(size)
    beats, per_word = -(-window.channels // lanes), -(-window.simd // lanes)
    gather = Cost(0, per_word * lanes * window.bits + 2 + bits_of(per_word)) if per_word > 1 else Cost()
    walk = sum(
        (bits_of(count) for count in (window.kernel * window.groups, window.kernel, window.folds, window.out_width,
                                      window.out_height)), 0)  # fmt: skip
    inside = 0
    if window.padding:
        inside = (
            2 + (window.height + window.kernel).bit_length() + 1 + (window.width + window.kernel).bit_length()
            + bits_of(window.kernel) + bits_of(window.groups)
        )  # fmt: skip
    counts = bits_of(window.depth + pixels + 1) + (window.depth + 2 * pixels).bit_length() + 1
    ff = bits_of(beats) + 4 * address + walk + inside + counts + window.simd * window.bits
    return ring + gather + Cost(round(16.5 * address + 5.7 * bits_of(pixels)) + 8, ff)


@cache
def mac_cost(
    packing: Packing,
    pe: int,
    simd: int,
    activation_bits: int,
    activation_signed: bool,
    weight_bits: int,
    accumulator_bits: int,
    depth: int,
    weights_in: str,
) -> Cost:
    """Weight memories, delays of the activations, multipliers, adder trees and accumulators."""
    places = lanes_by_place(simd, packing.chain)
    latency = MacArray.latency_of(packing, simd, weight_bits)
    address = bits_of(depth)
    flags = 3 * (latency - 1) + 1
    cost = Cost(counter_lut(depth) + 2, flags + address * len(places), MacArray.dsp_of(packing, pe, simd))
    for place, lanes in enumerate(places):
        width = len(lanes) * pe * weight_bits
        block = weights_in == "block" and depth > LUT_MEMORY_DEPTH
        cost += Rom.cost_of(depth, width, "block") if block else Rom.cost_of(depth, width, "logic")
        # A DSP has two registers of its own for what is delayed; three and more of the others make a shift register.
        outside, bits = max(place - 2, 0), len(lanes) * activation_bits
        cost += Cost(bits, 0) if outside >= 3 else Cost(0, bits * outside)
    if not activation_signed:
        cost += Cost(simd)
    lengths = chain_lengths(simd, packing.chain)
    for group in pe_groups(pe, packing):
        top = weight_bits + activation_bits + ceil_log2(lengths[0])
        for p in group:
            width = top if p == group[-1] else packing.field_bits
            cost += tree_cost(len(lengths), width, carry=p != group[0])
            cost += Cost(adder_lut(accumulator_bits), accumulator_bits)
    return cost


@cache
def tree_cost(terms: int, bits: int, carry: bool) -> Cost:
    """An adder tree with a register per level; terms that wait for a partner are delayed, and so are carries."""
    lut = ff = 0
    widths = [bits] * terms
    raw = True
    while len(widths) > 1:
        pairs, rest = divmod(len(widths), 2)
        lut += sum(adder_lut(max(widths[2 * j], widths[2 * j + 1])) for j in range(pairs))
        sums = [max(widths[2 * j], widths[2 * j + 1]) + 1 for j in range(pairs)]
        odd = widths[-1:] if rest else []
        ff += sum(sums) + sum(odd)
        if carry:
            # A carry that waits beside its number is the sign of the field below, which waits as well.
            ff += pairs + (rest if not (rest and raw) else 0)
        raw = raw and bool(rest)
        widths = sums + odd
    return Cost(lut, ff)


@cache
def requantiser_cost(numbers: LayerNumbers, channels: int, family: str) -> Cost:
    """`Requantiser.cost_of` of a layer's numbers."""
    return Requantiser.cost_of(
        channels=channels,
        accumulator_bits=numbers.accumulator_bits,
        bias_bits=numbers.bias_bits,
        slope_bits=numbers.slope_bits,
        fraction=numbers.fraction,
        right=numbers.right,
        left=numbers.left,
        output=numbers.output,
        family=family,
    )


_fifo_cost = cache(CreditFifo.cost_of)
