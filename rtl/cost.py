"""What a convolution costs: LUTs, flip-flops, DSP slices and block RAM, from widths and counts alone.

Each part is the sum of its registers, adders, counters, selections and memories (`hwgen.rtl.primitives`,
`hwgen.rtl.memory`). DSPs and block RAMs are exact, flip-flops nearly so; LUTs depend on what synthesis shares and
simplifies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import gcd
from typing import Literal

from amaranth.hdl import Shape
from amaranth.utils import ceil_log2

from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.lut_cost import lut_sums_cost
from hwgen.rtl.lut_mac import weights_lead
from hwgen.rtl.mac import MacArray
from hwgen.rtl.memory import Form, Ram, Rom, ram_form, rom_form
from hwgen.rtl.packing import Packing, chain_lengths, lanes_by_place, pe_groups
from hwgen.rtl.primitives import Cost, adder_lut, bits_of, counter_lut
from hwgen.rtl.requantise import Requantiser
from hwgen.rtl.stream import CreditFifo
from hwgen.rtl.weights import activation_offset
from hwgen.rtl.window import WindowShape

DSP_PRODUCT = 9
"""Bits of the narrowest product for which synthesis takes a DSP."""
LOGIC_FACTOR = 1.1
"""By how much deeper weights in logic exceed a table by itself, measured."""


@dataclass(frozen=True)
class LayerNumbers:
    """What a convolution's cost depends on besides its folding.

    Parameters: signed widths of weights, accumulators, bias (accumulator and bias: of the DSP form, where unsigned
    activations are made signed) and PReLU slope (0 without); fraction bits of the slope; the common right shift and
    the largest left shift before it; Shape of an output value; phases of the output pixels that have biases of their
    own; the coarse grid of odd channels.
    """

    weight_bits: int
    accumulator_bits: int
    bias_bits: int
    slope_bits: int
    fraction: int
    right: int
    left: int
    output: Shape
    phases: int = 1
    coarse: tuple[int, int] | None = None

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
        phases: int = 1,
        coarse: tuple[int, int] | None = None,
    ) -> LayerNumbers:
        """From a layer's integers. bias : with the activations' offset times each channel's weights in it, phases in
        turn."""
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
            phases=phases,
            coarse=coarse,
        )


def convolution_cost(
    folding: ConvolutionFolding, numbers: LayerNumbers, family: str, columns: tuple[int, ...] | None = None
) -> Cost:
    """One layer: window, multipliers, requantisation, FIFO, and what connects them.

    columns : of each weight memory, how many bits of its rows are not the same in all of them: no tool stores the
        others. None where the weights do not matter yet, and all may differ.
    """
    window, lanes = folding.window, folding.out_lanes
    mac = mac_cost(
        folding.packing, folding.pe, window.word_values, window.bits, window.signed,
        numbers.weight_bits, numbers.accumulator_bits, folding.weight_rows, folding.weights_in, family, columns,
    )  # fmt: skip
    requantiser = requantisers_cost(numbers, folding.beats_out, lanes, family)
    fifo = _fifo_cost(lanes * numbers.output.width, folding.fifo_depth, family, folding.fold_beats)
    beats, folds = folding.fold_beats, window.folds
    mac_latency = MacArray.latency_of(folding.packing, window.word_values, numbers.weight_bits)
    # The sums of a fold wait in a register of their own and move up beat by beat.
    waiting = Cost(
        (beats - 1) * lanes * numbers.accumulator_bits + 2 * counter_lut(folds) + 2 * bits_of(beats + 1) + 16,
        folding.pe * numbers.accumulator_bits + bits_of(beats + 1) + 2 * _counter_ff(folds),
    )
    if window.phases > 1:
        # The weights' address jumps to the next phase's; the phase of a fold's sums goes beside them.
        waiting += Cost(bits_of(folding.weight_rows), 0)
        waiting += Cost(2 * -(-mac_latency // 16), 4) if numbers.phases > 1 else Cost()
    return window_cost(window, folding.in_lanes, folding.ring_in, family) + mac + requantiser + fifo + waiting


@cache
def window_cost(window: WindowShape, lanes: int, ring_in: Form, family: str) -> Cost:
    """Line buffer, gathering of beats into words, and the counters of both sides.

    The LUTs of the counters, each a few for every bit of an address and of a pixel count, were fitted to measurements.
    """
    width, address = window.simd * window.bits, bits_of(window.bank_words)
    memories = Ram.cost_of(window.bank_words, width, ram_form(window.bank_words, ring_in), family) * window.banks
    if window.transposed:
        return memories + _phase_reader_cost(window, lanes)
    # Pixels held and pixels ahead, and by how much the next output pixel changes them.
    filled = (window.capacity + window.stride * window.width).bit_length() + 1
    ahead = max(window.capacity, (window.kernel - window.padding) * window.width).bit_length() + 1
    ff = 2 * (filled + ahead) - 8 + _counter_ff(-(-window.channels // lanes))  # some bits of the changes are alike
    per_word = -(-window.simd // lanes)
    if per_word > 1:
        ff += per_word * lanes * window.bits + 2 + bits_of(per_word)
    # The reader's walk, with its flags.
    ff += sum(map(_counter_ff, (window.words, window.folds, window.out_width, window.out_height))) + 2
    ff += 3 * (window.cycles_per_pixel > 1) + _counter_ff(window.bank_words)
    if window.taps == 1:
        ff += 7 * address + 2 * address * (window.cycles_per_pixel > 1) + 2 * width
        ff += _counter_ff(window.kernel * window.groups)
        if window.padding:
            rows, columns = (window.height + window.kernel).bit_length(), (window.width + window.kernel).bit_length()
            ff += 4 * (rows + columns) + 2 + _counter_ff(window.groups)
        lut = round(16.5 * address + 5.7 * bits_of(window.width * window.height)) + 5 * per_word - 10
    else:
        reach = (window.bank_words + window.kernel * window.groups).bit_length()
        ff += window.banks + 4 * reach + bits_of(window.out_height) + 3 * bits_of(window.banks) + 1
        ff += (window.banks + window.kernel) * width + 2 * window.kernel
        turned = window.kernel * width
        # A row of windows begins in one of so many banks.
        beginnings = window.banks // gcd(window.banks, window.stride)
        lut = 130 + turned * (1 if beginnings <= 4 else 2)
    return memories + Cost(lut, ff)


def _phase_reader_cost(window: WindowShape, lanes: int) -> Cost:
    """As `window_cost`, of a transposed convolution, without its memory. The LUTs were fitted to a dozen readers."""
    width, address = window.simd * window.bits, bits_of(window.bank_words)
    taps, groups, least = window.phase_taps, window.groups, window.least_words
    ff = 2 * (window.capacity.bit_length() + 1) + _counter_ff(-(-window.channels // lanes))
    per_word = -(-window.simd // lanes)
    if per_word > 1:
        ff += per_word * lanes * window.bits + 2 + bits_of(per_word)
    ff += sum(map(_counter_ff, (window.out_width, window.out_height, window.folds, groups, window.bank_words)))
    ff += _counter_ff(max(taps) * groups) + _counter_ff(max(taps)) + 4 + 2 * (window.phases > 1)
    ff += address * (5 + 2 * (least * window.folds > 1) + (least > 1) + (min(taps) * groups > 1)) + 2 * width
    ff += 6  # changes of counters, few of whose bits differ
    rows, columns = (window.height + window.kernel).bit_length(), (window.width + window.kernel).bit_length()
    if window.is_padded:
        ff += (3 + (least > 1)) * (rows + columns) + 3
    if max(taps) == 1:  # no tap row below another
        ff -= address * (1 + (groups > 1))
    if window.folds == 1:  # nothing goes back to the beginning of a window
        ff -= address + rows * window.is_padded
    lut = 14.6 * address + 4.2 * address * (window.folds > 1) + 2.1 * (rows + columns) * window.is_padded + 4 * per_word
    return Cost(round(lut), ff)


def _counter_ff(length: int) -> int:
    """A counter, and whether it stands at its last place."""
    return bits_of(length) + 1 if length > 1 else 0


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
    weights_in: Form,
    family: str,
    columns: tuple[int, ...] | None = None,
) -> Cost:
    """Weight memories, delays of the activations, multipliers, adder trees and accumulators."""
    places = lanes_by_place(simd, packing.chain)
    latency = MacArray.latency_of(packing, simd, weight_bits)
    address = bits_of(depth)
    flags = 3 * (latency - 1) + 1
    # Between the counter and the first memory the address waits once, in the LUT form perhaps twice.
    waits = len(places) + 1 + (1 - weights_lead(weight_bits) if packing.form == "lut" else 0)
    cost = Cost(counter_lut(depth) + 2, flags + address * waits, MacArray.dsp_of(packing, pe, simd))
    for place, lanes in enumerate(places):
        width = len(lanes) * pe * weight_bits if columns is None else columns[place]
        form = rom_form(depth, weights_in)
        rom = Rom.cost_of(depth, width, form, family) if width else Cost()
        in_logic = form == "logic" and depth > 32
        cost += replace(rom, lut=round(rom.lut * LOGIC_FACTOR)) if in_logic else rom
        # A DSP has two registers of its own for what is delayed; three and more of the others make a shift register.
        outside, bits = max(place - 2, 0), len(lanes) * activation_bits
        cost += Cost(bits, 0) if outside >= 3 else Cost(0, bits * outside)
    if activation_offset(packing, Shape(activation_bits, activation_signed), weight_bits):
        cost += Cost(simd)
    if packing.form == "lut":
        cost += lut_sums_cost(pe, simd, weight_bits, activation_bits)
        return cost + Cost(adder_lut(accumulator_bits), accumulator_bits) * pe
    lengths = chain_lengths(simd, packing.chain)
    product = weight_bits + activation_bits
    for group in pe_groups(pe, packing):
        if len(group) == 1 and product < DSP_PRODUCT:
            cost += Cost(weight_bits * activation_bits, 2 * product, -1) * simd
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
def requantisers_cost(numbers: LayerNumbers, channels: int, lanes: int, family: str) -> Cost:
    """`Requantiser.cost_of` of a layer's numbers, one for each lane."""
    if numbers.coarse is None:
        return requantiser_cost(numbers, channels, family, None) * lanes
    if lanes % 2:
        return requantiser_cost(numbers, channels, family, "some") * lanes
    # Of an even number of lanes each second one has odd channels alone.
    plain, coarse = (requantiser_cost(numbers, channels, family, odd) for odd in (None, "all"))
    return (plain + coarse) * (lanes // 2)


@cache
def requantiser_cost(
    numbers: LayerNumbers, channels: int, family: str, odd: Literal["some", "all"] | None = None
) -> Cost:
    """`Requantiser.cost_of` of a layer's numbers; `odd` says which channels of the lane are on the coarse grid."""
    return Requantiser.cost_of(
        channels=channels,
        phases=numbers.phases,
        coarse=numbers.coarse if odd else None,
        all_coarse=odd == "all",
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
