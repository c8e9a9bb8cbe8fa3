"""PE x SIMD multipliers and accumulators: the part that does the work.

Each cycle one word of activations meets PE x SIMD weights; every PE adds its SIMD products to the sum of one output
channel. A layer with O output channels takes ceil(O / PE) folds per pixel: any count of channels will do, and what
the last fold lacks costs idle lanes, never a smaller PE.

In the DSP form several PEs share a DSP: hwgen.rtl.packing says how, and proves it. A product goes through a register
behind the multiplier and one behind the adder; the next DSP of the chain works one cycle later, so its activation is
delayed and its weights are read one cycle later. Synthesis finds the DSP's own registers and its cascade in this
form, with no vendor primitive named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.adders import Term, adder_tree, adder_tree_cost, delay, delay_flag, tree_levels
from hwgen.rtl.checks import check_positive
from hwgen.rtl.fanout import copies, group_items, groups
from hwgen.rtl.index_decoder import decode_cost, decode_weights
from hwgen.rtl.lut_cost import lut_sums_cost
from hwgen.rtl.lut_mac import lut_latency, lut_sums, weights_lead
from hwgen.rtl.operand import packed_operand
from hwgen.rtl.packing import (
    DSP_NARROW,
    DSP_SUM,
    W8A8,
    Packing,
    chain_lengths,
    chain_runs,
    lanes_by_place,
    pe_groups,
)
from hwgen.rtl.primitives import Cost, adder_lut
from hwgen.rtl.weight_reader import WORD_LATENCY, WeightReaderConfig
from hwgen.rtl.weights import activation_offset

DSP_PRODUCT = 9
"""Bits of the narrowest product for which synthesis takes a DSP."""


@dataclass(frozen=True)
class MacConfig:
    """PE x SIMD multipliers.

    Parameters
    ----------
    pe
        Sums at a time.
    simd
        Products of each PE and word: taps * channels of a word, or of its section of a word.
    activation
        Shape of one activation.
    weight_bits
        Signed width of a weight.
    accumulator_bits
        Signed width proven to hold the final sum with what it lacks; all before is modulo that.
    rows
        Of the weight memories.
    packing
        The form of the products.
    weights_in
        "block" RAM, or "logic" at any depth; a few rows are logic always (`rom_form`), one makes constants.
    blocks
        Where the rows of each phase begin, if there is more than one: each output pixel takes a phase's rows.
    first_phase
        Of a frame's first output pixel.
    half_block_luts
        LUTs that half a block RAM is worth on the part (`hwgen.device.half_block_luts`).
    sections
        The PEs and the word fall into so many equal parts, and every PE meets its own part's activations alone.
    codebook
        Where memories hold indices into it, which tables behind them decode; None: they hold the weights.

    Raises
    ------
    ValueError
        A parameter out of range; products too large for the DSP; a codebook of another width, or of constants.
    """

    pe: int
    simd: int
    activation: Shape
    weight_bits: int
    accumulator_bits: int
    rows: int
    packing: Packing = W8A8
    weights_in: Literal["block", "logic"] = "block"
    blocks: tuple[int, ...] = ()
    first_phase: int = 0
    half_block_luts: int = HALF_BLOCK_LUTS
    sections: int = 1
    codebook: Codebook | None = None

    def __post_init__(self) -> None:
        check_positive(
            pe=self.pe, simd=self.simd, accumulator_bits=self.accumulator_bits, rows=self.rows, sections=self.sections
        )
        if self.pe % self.sections:
            raise ValueError(f"sections: wanted a divisor of pe {self.pe}, got {self.sections}")
        least = 1 if self.packing.form == "lut" else 2
        if self.weight_bits < least:
            raise ValueError(f"weight_bits: wanted at least {least}, got {self.weight_bits}")
        if self.weights_in not in ("block", "logic"):
            raise ValueError(f"weights_in: wanted block or logic, got {self.weights_in!r}")
        if self.codebook is not None and self.codebook.weight_bits != self.weight_bits:
            raise ValueError(f"codebook: wanted values of {self.weight_bits} bits, got {self.codebook.weight_bits}")
        if self.codebook is not None and self.rows == 1:
            raise ValueError("codebook: wanted weights of several rows, got 1, which makes constants")
        if self.packing.form == "dsp":
            self._check_dsp()

    def _check_dsp(self) -> None:
        """Every product fits its field, every sum the DSP."""
        field_bits, activation = self.packing.field_bits, self.activation.width
        product = self.weight_bits + activation - 1
        if 0 < field_bits < product:
            raise ValueError(f"field_bits: wanted at least {product} for {self.weight_bits} x {activation} bits, got "
                             f"{field_bits}")  # fmt: skip
        if activation > DSP_NARROW:
            raise ValueError(f"activation: wanted at most {DSP_NARROW} bits, got {activation}")
        if (bits := self.sum_bits(self.packing.lanes)) > DSP_SUM:
            raise ValueError(f"packing: wanted sums of at most {DSP_SUM} bits, got {bits}")

    @property
    def memories(self) -> int:
        """Weight memories: one for each place in the chains."""
        return chain_lengths(self.simd, self.packing.chain)[0]

    def sum_bits(self, lanes: int) -> int:
        """Bits of the sum of a chain of products of so many fields."""
        product = (lanes - 1) * self.packing.field_bits + self.weight_bits + self.activation.width
        return product + ceil_log2(self.memories)

    @cached_property
    def latency(self) -> int:
        """Cycles from the issue of a fold's last word to its sums: word, the products and their sum, accumulator 1.

        In the DSP form product 1, one per DSP of the longest chain, one per level of the adder tree.
        """
        if self.packing.form == "lut":
            return WORD_LATENCY + lut_latency(self.simd, self.weight_bits) + 1
        lengths = chain_lengths(self.simd, self.packing.chain)
        return WORD_LATENCY + 1 + lengths[0] + tree_levels(len(lengths)) + 1

    @property
    def dsp(self) -> int:
        """DSPs: one for each lane of the PEs that share."""
        return 0 if self.packing.form == "lut" else len(self.groups) * self.simd

    @property
    def sums(self) -> int:
        """Sums of a fold."""
        return self.pe

    @property
    def copies(self) -> int:
        """Copies of the flags that reach every accumulator."""
        return groups(self.sums, self.accumulator_bits)

    @property
    def word_lanes(self) -> int:
        """Activations of a word."""
        return self.sections * self.simd

    @property
    def groups(self) -> list[range]:
        """The PEs that share DSPs."""
        return pe_groups(self.pe, self.packing, self.sections)

    @property
    def network(self) -> bool:
        """Whether a network of adders and subtractors takes the weights, and not their bits one by one."""
        return self.packing.form == "lut" and self.weight_bits == 2

    @property
    def storage_bits(self) -> int:
        """Bits of a weight in memory."""
        return self.weight_bits if self.codebook is None else self.codebook.storage_bits

    @cached_property
    def reader(self) -> WeightReaderConfig:
        """The weight memories, one for each place in the chains."""
        places = lanes_by_place(self.simd, self.packing.chain)
        return WeightReaderConfig(
            rows=self.rows,
            widths=tuple(len(lanes) * self.pe * self.storage_bits for lanes in places),
            lead=1 if self.packing.form == "dsp" else weights_lead(self.weight_bits),
            indices=self.codebook is not None,
            weights_in=self.weights_in,
            blocks=self.blocks,
            first_phase=self.first_phase,
            half_block_luts=self.half_block_luts,
        )

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        """Weight memories, delays of the activations, multipliers, adder trees and accumulators; exact DSP and BRAM.

        Parameters
        ----------
        columns
            Of each weight memory, how many bits of its rows are not the same in all of them: no tool stores the
            others. None where the weights do not matter yet, and all may differ.
        """
        packing, pe, simd = self.packing, self.pe, self.simd
        weight_bits, accumulator_bits = self.weight_bits, self.accumulator_bits
        activation_bits = self.activation.width
        cost = Cost(2, 3 * (self.latency - 1) + 1, self.dsp) + self.reader.cost(family, columns)
        cost += Cost(0, 2 * (self.copies - 1))
        if self.codebook is not None:
            cost += decode_cost(self.codebook, self.groups, simd, self.network)
        for place, lanes in enumerate(lanes_by_place(simd, packing.chain)):
            # A DSP has two registers of its own for what is delayed; three and more others make a shift register.
            outside, bits = max(place - 2, 0), len(lanes) * self.sections * activation_bits
            cost += Cost(bits, 0) if outside >= 3 else Cost(0, bits * outside)
        if activation_offset(packing, self.activation, weight_bits):
            cost += Cost(simd * self.sections)
        if packing.form == "lut":
            cost += lut_sums_cost(pe // self.sections, simd, weight_bits, activation_bits) * self.sections
            return cost + Cost(adder_lut(accumulator_bits), accumulator_bits) * pe
        lengths = chain_lengths(simd, packing.chain)
        product = weight_bits + activation_bits
        for size, times in Counter(map(len, self.groups)).items():
            if size == 1 and product < DSP_PRODUCT:
                cost += Cost(weight_bits * activation_bits, 2 * product, -1) * (simd * times)
            top = weight_bits + activation_bits + ceil_log2(lengths[0])
            for place in range(size):
                width = top if place == size - 1 else packing.field_bits
                cost += adder_tree_cost(len(lengths), width, carry=place > 0) * times
            cost += Cost(adder_lut(accumulator_bits), accumulator_bits) * (size * times)
        return cost

    def build(self, weights: Sequence[Sequence[int]]) -> MacArray:
        """The component with the rows of its weight memories (`pack_weights`)."""
        return MacArray(self, weights)


class MacArray(Component):
    """PE x SIMD multiply-accumulate over a sequence of words; weights in memories of its own.

    `word` arrives `WORD_LATENCY` cycles after `issue`, and the weights with it. Latency: from the `issue` of a fold's
    last word to `done` is `latency` cycles; interval: one word per cycle, folds back to back.

    The sums lack a constant of each channel, `hwgen.rtl.weights.bias_correction`, for the caller to add with the bias.
    Most of it is that the DSP takes an unsigned activation a as a - 2**(bits - 1), its top bit inverted. The padding's
    zeros are shifted alike, so the constant is the same everywhere.

    Parameters
    ----------
    config
        See MacConfig.
    weights
        Rows of the weight memories (`pack_weights`, which proves that the packing holds these weights' sums).

    Members
    -------
    issue, first, last : In(1), from the window
    end_pixel, next_phase : In, where there are blocks: with `issue`, it is an output pixel's last word; the next one's
    word : In(sections x simd activations)
    ending, done : Out(1), `accumulators` holds the sums of a fold: from the next cycle on; now
    accumulators : Out(pe sums), valid with `done` only

    Raises
    ------
    ValueError
        Memories that the config does not have.
    """

    def __init__(self, config: MacConfig, weights: Sequence[Sequence[int]]) -> None:
        memories, rows = config.memories, config.rows
        if [len(memory) for memory in weights] != [rows] * memories:
            raise ValueError(f"weights: wanted {memories} memories of {rows} rows, got depths {[*map(len, weights)]}")
        self.config, self.weights = config, weights
        blocks = config.blocks
        super().__init__(
            {
                "issue": In(1),
                "first": In(1),
                "last": In(1),
                **({"end_pixel": In(1), "next_phase": In(range(len(blocks)))} if blocks else {}),
                "word": In(unsigned(config.word_lanes * config.activation.width)),
                "ending": Out(1),
                "done": Out(1),
                "accumulators": Out(unsigned(config.sums * config.accumulator_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The flags walk beside the data: they arrive with the sum that is to be accumulated.
        flags = (self.issue, self.issue & self.first, self.issue & self.last)
        late = self.config.latency - 2
        valid, first, last = (delay_flag(m, flag, late, n) for flag, n in zip(flags, "vfl", strict=True))
        valids, firsts = (copies(m, flag, self.config.copies, f"{n}{late}") for flag, n in ((valid, "v"), (first, "f")))
        last = delay_flag(m, last, 1, f"l{late}_")
        if self.config.packing.form == "dsp":
            totals = self._dsp_sums(m, self._read_weights(m))
        else:
            totals = self._lut_sums(m, self._read_weights(m))
        for p, total in enumerate(totals):
            accumulator = Signal(signed(self.config.accumulator_bits), name=f"accumulator{p}", reset_less=True)
            copy = p // group_items(self.config.accumulator_bits)
            with m.If(valids[copy]):
                m.d.sync += accumulator.eq(total.plus(Mux(firsts[copy], 0, accumulator)))
            m.d.comb += self.accumulators.word_select(p, self.config.accumulator_bits).eq(accumulator)
        m.d.comb += self.ending.eq(last)
        m.d.sync += self.done.eq(last)
        return m

    def _read_weights(self, m: Module) -> dict[tuple[int, int], Value]:
        """(PE, lane) -> the stored weight (`pack_weights`), or the one decoded from its index; when: the reader's."""
        config, bits = self.config, self.config.storage_bits
        jump = (self.end_pixel, self.next_phase) if config.blocks else None
        rows = config.reader.read(m, self.weights, self.issue, jump)
        weights: dict[tuple[int, int], Value] = {}
        for row, lanes in zip(rows, lanes_by_place(config.simd, config.packing.chain), strict=True):
            order = [(p, lane) for group in config.groups for lane in lanes for p in group]
            for field, key in enumerate(order):
                is_constant = isinstance(row, Const)
                weights[key] = Const(row.value >> field * bits, bits) if is_constant else row.word_select(field, bits)
        if config.codebook is None:
            return weights
        return decode_weights(m, weights, config.codebook, config.groups, config.simd, config.network)

    def _dsp_sums(self, m: Module, weights: dict[tuple[int, int], Value]) -> list[Term]:
        """The sum of each PE's products."""
        simd, sections = self.config.simd, self.config.sections
        activations = self._activations()
        for place, lanes in enumerate(lanes_by_place(simd, self.config.packing.chain)):
            for lane in (section * simd + lane for section in range(sections) for lane in lanes):
                activations[lane] = delay(m, activations[lane], place, f"activation{lane}")
        field = self.config.packing.field_bits
        totals = []
        for group in pe_groups(self.config.pe, self.config.packing, sections):
            begin = group[0] // (self.config.pe // sections) * simd
            products = [
                (activations[begin + lane], self._operand(m, [weights[p, lane] for p in group], f"{group[0]}_{lane}"))
                for lane in range(simd)
            ]
            chains = [
                self._chain(m, len(group), products[run.start : run.stop], f"{group[0]}_{run.start}")
                for run in chain_runs(simd, self.config.packing.chain)
            ]
            for place, p in enumerate(group):
                low, high = place * field, (place + 1) * field if p != group[-1] else None
                terms = [Term(chain[low:high].as_signed(), chain[low - 1] if place else None) for chain in chains]
                totals.append(adder_tree(m, terms, f"sum{p}"))
        return totals

    def _lut_sums(self, m: Module, weights: dict[tuple[int, int], Value]) -> list[Term]:
        """The same without a DSP, section by section."""
        config, activations = self.config, self._activations()
        if config.sections == 1:
            return lut_sums(m, activations, weights, config.pe, config.weight_bits)
        pe, simd = config.pe // config.sections, config.simd
        totals = []
        for section in range(config.sections):
            m.submodules[f"section{section}"] = own = Module()
            own_weights = {(p, lane): weights[section * pe + p, lane] for p in range(pe) for lane in range(simd)}
            own_activations = activations[section * simd : (section + 1) * simd]
            totals += lut_sums(own, own_activations, own_weights, pe, config.weight_bits)
        return totals

    def _operand(self, m: Module, fields: list[Value], name: str) -> Value:
        return packed_operand(m, fields, self.config.packing.field_bits, self.config.weight_bits, name)

    def _activations(self) -> list[Value]:
        """The word's lanes, less their offset."""
        width = self.config.activation.width
        lanes = [self.word.word_select(lane, width) for lane in range(self.config.word_lanes)]
        if activation_offset(self.config.packing, self.config.activation, self.config.weight_bits):
            return [Cat(value[:-1], ~value[-1]).as_signed() for value in lanes]
        return [value.as_signed() if self.config.activation.signed else value for value in lanes]

    def _chain(self, m: Module, fields: int, lanes: list[tuple[Value, Value]], name: str) -> Signal:
        """The sum of activation x operand over the lanes, one DSP each."""
        total: Signal | None = None
        for place, (activation, operand) in enumerate(lanes):
            product = Signal(signed(len(operand) + len(activation)), name=f"product{name}_{place}", reset_less=True)
            m.d.sync += product.eq(operand * activation)
            chained = Signal(signed(self.config.sum_bits(fields)), name=f"chain{name}_{place}", reset_less=True)
            m.d.sync += chained.eq(product if total is None else product + total)
            total = chained
        assert total is not None
        return total
