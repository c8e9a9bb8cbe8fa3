"""Multipliers of which each takes two activations to a weight: one product for each of two neighbouring outputs.

Where no two weights meet the same activation, as in a depthwise convolution, a DSP has room for a second activation
instead of a second weight. The first one lies in the lower field of the wide operand, f bits, the second above it:

    (a0 + a1 * 2**f) * w  =  a0 * w + a1 * w * 2**f

What `hwgen.rtl.packing` proves of sums and fields holds as it stands with the two factors' parts exchanged. Activations
are made signed (`activation_offset`); field 1 holds a1 - 1 where a0 is negative, and because activations have no narrow
range it takes one bit more than they do: f + bits + 1 is what the operand has. That subtraction is an adder before the
DSP's register, a cycle of latency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed
from amaranth.utils import ceil_log2

from hwgen.rtl.adders import Term, adder_tree, adder_tree_cost, delay
from hwgen.rtl.index_decoder import decode_cost
from hwgen.rtl.mac import MacArray, MacConfig
from hwgen.rtl.packing import (
    DSP_NARROW,
    DSP_SUM,
    DSP_WIDE,
    LONGEST_CHAIN,
    Packing,
    chain_bound,
    chain_lengths,
    chain_runs,
    lanes_by_place,
    proven_chain,
)
from hwgen.rtl.primitives import Cost, adder_lut
from hwgen.rtl.weight_reader import WeightReaderConfig
from hwgen.rtl.weights import activation_offset


def pair_packing(weight_bits: int, activation: Shape, family: str) -> Packing | None:
    """Two products of a weight in a DSP of the family, the chain as long as the bit widths prove; None: no room."""
    field = DSP_WIDE[family] - activation.width - 1
    if not 2 <= weight_bits <= DSP_NARROW or field < weight_bits + activation.width - 1:
        return None
    return Packing("dsp", 2, field, chain_bound(weight_bits, activation.width, field))


def pair_chain(weight: np.ndarray, simd: int, taps: int, packing: Packing, activation: Shape) -> int:
    """The longest chain, up to LONGEST_CHAIN, in which the weights leave no field whatever the activations are.

    weight : int (O, I, rows, columns); simd channels and `taps` tap rows of a PE to a word
    """
    # Every weight is in a lower field: as if there were another channel above it.
    doubled = np.repeat(weight, 2, axis=0)
    return min(proven_chain(doubled, 2, simd, taps, packing, activation), LONGEST_CHAIN)


@dataclass(frozen=True)
class PairMacConfig(MacConfig):
    """As MacConfig, with two sums of each PE: those of a word's first half, and of its second one.

    Parameters
    ----------
    field_bits
        Distance of the two products in a DSP. `packing` is that of the weights: one to a DSP.

    Raises
    ------
    ValueError
        As MacConfig; products or sums too large for their field.
    """

    field_bits: int = 16

    def _check_dsp(self) -> None:
        weight, activation, field = self.weight_bits, self.activation.width, self.field_bits
        if self.packing.lanes > 1:
            raise ValueError(f"packing: wanted one weight to a DSP, got {self.packing.lanes}")
        if field < weight + activation - 1:
            raise ValueError(f"field_bits: wanted at least {weight + activation - 1} for {weight} x {activation} bits, "
                             f"got {field}")  # fmt: skip
        if field + activation + 1 > max(DSP_WIDE.values()):
            raise ValueError(f"field_bits: wanted at most {max(DSP_WIDE.values()) - activation - 1}, got {field}")
        if weight > DSP_NARROW:
            raise ValueError(f"weight_bits: wanted at most {DSP_NARROW}, got {weight}")
        if (bits := self.sum_bits(2)) > DSP_SUM:
            raise ValueError(f"packing: wanted sums of at most {DSP_SUM} bits, got {bits}")

    @property
    def sums(self) -> int:
        return 2 * self.pe

    @property
    def word_lanes(self) -> int:
        return 2 * super().word_lanes

    def sum_bits(self, lanes: int) -> int:
        return self.field_bits + self.weight_bits + self.activation.width + 1 + ceil_log2(self.memories)

    @property
    def latency(self) -> int:
        """As MacConfig, and 1 for the operand."""
        return super().latency + 1

    @cached_property
    def reader(self) -> WeightReaderConfig:
        return replace(super().reader, lead=0)

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        simd, weight, activation = self.simd, self.weight_bits, self.activation.width
        cost = Cost(2, 3 * (self.latency - 1) + 1, self.dsp) + self.reader.cost(family, columns)
        cost += Cost(0, 2 * (self.copies - 1))
        if self.codebook is not None:
            cost += decode_cost(self.codebook, self.groups, simd, self.network)
        lanes = self.sections * simd
        # The borrow, and the two signs turned of what was unsigned.
        cost += Cost((activation + 1) * lanes)
        if activation_offset(self.packing, self.activation, weight):
            cost += Cost(lanes)
        for place, own in enumerate(lanes_by_place(simd, self.packing.chain)):
            outside, bits = max(place - 1, 0), len(own) * self.sections * (2 * activation + 1)
            cost += Cost(bits, 0) if outside >= 3 else Cost(0, bits * outside)
        lengths = chain_lengths(simd, self.packing.chain)
        top = weight + activation + 1 + ceil_log2(lengths[0])
        one = adder_tree_cost(len(lengths), self.field_bits, carry=False)
        one += adder_tree_cost(len(lengths), top, carry=True)
        return cost + (one + Cost(adder_lut(self.accumulator_bits), self.accumulator_bits) * 2) * self.pe

    def build(self, weights: Sequence[Sequence[int]]) -> PairMacArray:
        """The component with the rows of its weight memories (`pack_weights`)."""
        return PairMacArray(self, weights)


class PairMacArray(MacArray):
    """As MacArray, with two halves of a word and two sums of every PE, the first half's first.

    Parameters
    ----------
    config : PairMacConfig
    weights
        Rows of the weight memories; the chain is `pair_chain` of these weights at most.
    """

    config: PairMacConfig

    def _dsp_sums(self, m: Module, weights: dict[tuple[int, int], Value]) -> list[Term]:
        config = self.config
        simd, sections, field = config.simd, config.sections, config.field_bits
        operands = pair_operands(m, self._activations(), config.activation.width, field)
        for place, lanes in enumerate(lanes_by_place(simd, config.packing.chain)):
            for lane in (section * simd + lane for section in range(sections) for lane in lanes):
                operands[lane] = delay(m, operands[lane], place, f"operand{lane}").as_signed()
        lower, upper = [], []
        for p in range(config.pe):
            begin = p // (config.pe // sections) * simd
            products = [
                (delay(m, weights[p, lane], 1, f"weight{p}_{lane}").as_signed(), operands[begin + lane])
                for lane in range(simd)
            ]
            chains = [
                self._chain(m, 2, products[run.start : run.stop], f"{p}_{run.start}")
                for run in chain_runs(simd, config.packing.chain)
            ]
            lower.append(adder_tree(m, [Term(chain[:field].as_signed()) for chain in chains], f"lower{p}"))
            terms = [Term(chain[field:].as_signed(), chain[field - 1]) for chain in chains]
            upper.append(adder_tree(m, terms, f"upper{p}"))
        return [*lower, *upper]


def pair_operands(m: Module, lanes: Sequence[Value], bits: int, field: int) -> list[Value]:
    """The wide operands, in a register: it holds the whole operand, repeated sign bits and all, and is the DSP's own.

    lanes : signed values of so many bits, those of the lower field, then as many of the upper one
    """
    half = len(lanes) // 2
    found: list[Value] = []
    for lane, (first, second) in enumerate(zip(lanes[:half], lanes[half:], strict=True)):
        below = Signal(signed(field), name=f"below{lane}")
        above = Signal(signed(bits + 1), name=f"above{lane}")
        m.d.comb += [below.eq(first), above.eq(second - first[-1])]
        found.append(delay(m, Cat(below, above), 1, f"pair{lane}").as_signed())
    return found
