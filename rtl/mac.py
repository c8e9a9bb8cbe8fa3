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

from collections.abc import Sequence
from typing import Literal

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.rtl.adders import Term, adder_tree, delay, tree_levels
from hwgen.rtl.lut_mac import lut_latency, lut_sums, weights_lead
from hwgen.rtl.memory import Rom, rom_form
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
from hwgen.rtl.stream import wrap_increment
from hwgen.rtl.weights import activation_offset

WORD_LATENCY = 3
"""Cycles from a word's issue to the word."""


class MacArray(Component):
    """PE x SIMD multiply-accumulate over a sequence of words; weights in memories of its own.

    `word` arrives `WORD_LATENCY` cycles after `issue`, and the weights with it. Latency: from the `issue` of a fold's
    last word to `done` is `latency` cycles; interval: one word per cycle, folds back to back.

    The sums lack a constant of each channel, `hwgen.rtl.weights.missing_of`, for the caller to add with the bias. Most
    of it is that the DSP takes an unsigned activation a as a - 2**(bits - 1), its top bit inverted. The padding's zeros
    are shifted alike, so the constant is the same everywhere.

    Parameters
    ----------
    pe : int, sums at a time
    simd : int, products of each PE and word: taps * channels of a word
    activation : Shape of one activation
    weights : rows of the weight memories (`pack_weights`, which proves that the packing holds these weights' sums)
    weight_bits : int
    accumulator_bits : int, signed width proven to hold the final sum with what it lacks; all before is modulo that
    packing : how products are formed
    weights_in : "block" RAM, or "logic" at any depth; a few rows are logic always (`rom_form`), one makes constants
    blocks : where the rows of each phase begin, if there is more than one: each output pixel takes a phase's rows
    first_phase : of a frame's first output pixel

    Members
    -------
    issue, first, last : In(1), from the window
    end_pixel, next_phase : In, where there are blocks: with `issue`, it is an output pixel's last word; the next one's
    word : In(simd activations)
    done : Out(1), `accumulators` holds the sums of a fold
    accumulators : Out(pe sums), valid with `done` only

    Raises
    ------
    ValueError : a parameter out of range, memories that do not match simd, products too large for the DSP
    """

    def __init__(
        self,
        *,
        pe: int,
        simd: int,
        activation: Shape,
        weights: Sequence[Sequence[int]],
        weight_bits: int,
        accumulator_bits: int,
        packing: Packing = W8A8,
        weights_in: Literal["block", "logic"] = "block",
        blocks: Sequence[int] = (),
        first_phase: int = 0,
    ) -> None:
        for key, value in (("pe", pe), ("simd", simd), ("accumulator_bits", accumulator_bits)):
            if value < 1:
                raise ValueError(f"{key}: wanted at least 1, got {value}")
        least = 1 if packing.form == "lut" else 2
        if weight_bits < least:
            raise ValueError(f"weight_bits: wanted at least {least}, got {weight_bits}")
        if weights_in not in ("block", "logic"):
            raise ValueError(f"weights_in: wanted block or logic, got {weights_in!r}")
        places = chain_lengths(simd, packing.chain)[0]
        if len(weights) != places or not weights[0] or len({len(rows) for rows in weights}) != 1:
            raise ValueError(
                f"weights: wanted {places} memories of equal depth for simd {simd}, got depths {[*map(len, weights)]}"
            )
        self.pe, self.simd = pe, simd
        self.activation = activation
        self.weights = weights
        self.weight_bits = weight_bits
        self.accumulator_bits = accumulator_bits
        self.packing = packing
        self.weights_in = weights_in
        self.blocks, self.first_phase = list(blocks), first_phase
        if packing.form == "dsp":
            self._check_dsp()
        super().__init__(
            {
                "issue": In(1),
                "first": In(1),
                "last": In(1),
                **({"end_pixel": In(1), "next_phase": In(range(len(blocks)))} if blocks else {}),
                "word": In(unsigned(simd * activation.width)),
                "done": Out(1),
                "accumulators": Out(unsigned(pe * accumulator_bits)),
            }
        )

    def _check_dsp(self) -> None:
        """Every product fits its field, every sum the DSP."""
        packing, bits = self.packing, (self.weight_bits, self.activation.width)
        product = sum(bits) - 1
        if 0 < packing.field_bits < product:
            raise ValueError(f"field_bits: wanted at least {product} for {bits[0]} x {bits[1]} bits, got "
                             f"{packing.field_bits}")  # fmt: skip
        if bits[1] > DSP_NARROW:
            raise ValueError(f"activation: wanted at most {DSP_NARROW} bits, got {bits[1]}")
        if self._sum_bits(packing.lanes) > DSP_SUM:
            raise ValueError(f"packing: wanted sums of at most {DSP_SUM} bits, got {self._sum_bits(packing.lanes)}")

    @staticmethod
    def latency_of(packing: Packing, simd: int, weight_bits: int) -> int:
        """Word, the products and their sum, accumulator 1.

        In the DSP form product 1, one per DSP of the longest chain, one per level of the adder tree.
        """
        if packing.form == "lut":
            return WORD_LATENCY + lut_latency(simd, weight_bits) + 1
        lengths = chain_lengths(simd, packing.chain)
        return WORD_LATENCY + 1 + lengths[0] + tree_levels(len(lengths)) + 1

    @property
    def latency(self) -> int:
        return self.latency_of(self.packing, self.simd, self.weight_bits)

    @staticmethod
    def dsp_of(packing: Packing, pe: int, simd: int) -> int:
        """DSPs: one for each lane of the PEs that share."""
        return 0 if packing.form == "lut" else len(pe_groups(pe, packing)) * simd

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The flags walk beside the data: they arrive with the sum that is to be accumulated.
        flags = (self.issue, self.issue & self.first, self.issue & self.last)
        valid, first, last = (_delay_flag(m, flag, self.latency - 1, n) for flag, n in zip(flags, "vfl", strict=True))
        if self.packing.form == "dsp":
            totals = self._dsp_sums(m, self._read_weights(m, lead=1))
        else:
            weights = self._read_weights(m, weights_lead(self.weight_bits))
            totals = lut_sums(m, self._activations(), weights, self.pe, self.weight_bits)
        for p, total in enumerate(totals):
            accumulator = Signal(signed(self.accumulator_bits), name=f"accumulator{p}", reset_less=True)
            with m.If(valid):
                m.d.sync += accumulator.eq(total.plus(Mux(first, 0, accumulator)))
            m.d.comb += self.accumulators.word_select(p, self.accumulator_bits).eq(accumulator)
        m.d.sync += self.done.eq(last)
        return m

    def _read_weights(self, m: Module, lead: int) -> dict[tuple[int, int], Value]:
        """(PE, lane) -> what the memories hold for it, `lead` cycles (0 or 1) before the activation's turn."""
        depth, bits = len(self.weights[0]), self.weight_bits
        address: Value = Const(0, 0)
        if depth > 1:
            counter = Signal(range(depth), init=self.blocks[self.first_phase] if self.blocks else 0, name="address")
            with m.If(self.issue):
                if self.blocks:
                    begin = Array(Const(block, len(counter)) for block in self.blocks)[self.next_phase]
                    m.d.sync += counter.eq(Mux(self.end_pixel, begin, counter + 1))
                else:
                    m.d.sync += counter.eq(wrap_increment(counter, depth))
            # Memories never read the counter itself: what counts up is a path of its own.
            address = delay(m, counter, WORD_LATENCY - 1 - lead, "address_late")
        weights: dict[tuple[int, int], Value] = {}
        for place, lanes in enumerate(lanes_by_place(self.simd, self.packing.chain)):
            if place:
                address = delay(m, address, 1, f"address{place}")
            row = self._rom(m, place, address, len(lanes) * self.pe * bits)
            order = [(p, lane) for group in pe_groups(self.pe, self.packing) for lane in lanes for p in group]
            for field, key in enumerate(order):
                is_constant = isinstance(row, Const)
                weights[key] = Const(row.value >> field * bits, bits) if is_constant else row.word_select(field, bits)
        return weights

    def _rom(self, m: Module, place: int, address: Value, width: int) -> Value:
        """A row of the memory of one place, one cycle after its address."""
        rows = self.weights[place]
        if len(rows) == 1:
            return Const(rows[0], width)
        memory = Rom(rows, width, rom_form(len(rows), self.weights_in))
        m.submodules[f"weights{place}"] = memory
        m.d.comb += memory.address.eq(address)
        return memory.data

    def _dsp_sums(self, m: Module, weights: dict[tuple[int, int], Value]) -> list[Term]:
        """The sum of each PE's products."""
        activations = self._activations()
        for place, lanes in enumerate(lanes_by_place(self.simd, self.packing.chain)):
            for lane in lanes:
                activations[lane] = delay(m, activations[lane], place, f"activation{lane}")
        field = self.packing.field_bits
        totals = []
        for group in pe_groups(self.pe, self.packing):
            products = [
                (activations[lane], self._operand(m, [weights[p, lane] for p in group], f"{group[0]}_{lane}"))
                for lane in range(self.simd)
            ]
            chains = [
                self._chain(m, len(group), products[run.start : run.stop], f"{group[0]}_{run.start}")
                for run in chain_runs(self.simd, self.packing.chain)
            ]
            for place, p in enumerate(group):
                low, high = place * field, (place + 1) * field if p != group[-1] else None
                terms = [Term(chain[low:high].as_signed(), chain[low - 1] if place else None) for chain in chains]
                totals.append(adder_tree(m, terms, f"sum{p}"))
        return totals

    def _operand(self, m: Module, fields: list[Value], name: str) -> Value:
        """The weights that share a DSP, each but the uppermost extended to its field, in a register.

        The register holds the whole operand, repeated sign bits and all: so it is the DSP's own.
        """
        field = self.packing.field_bits
        if isinstance(fields[0], Const):
            mask = (1 << field) - 1
            *below, top = (Const(value.value, signed(self.weight_bits)).value for value in fields)
            whole = sum((value & mask) << place * field for place, value in enumerate(below))
            # The uppermost has the rest of the operand: alone in a DSP it has no field.
            whole += top << len(below) * field
            return Const(whole, signed((len(fields) - 1) * field + self.weight_bits))
        parts = []
        for place, value in enumerate(fields[:-1]):
            extended = Signal(signed(field), name=f"field{name}_{place}")
            m.d.comb += extended.eq(value.as_signed())
            parts.append(extended)
        return delay(m, Cat(*parts, fields[-1]), 1, f"operand{name}").as_signed()

    def _activations(self) -> list[Value]:
        """The word's lanes, less their offset."""
        width = self.activation.width
        lanes = [self.word.word_select(lane, width) for lane in range(self.simd)]
        if activation_offset(self.packing, self.activation, self.weight_bits):
            return [Cat(value[:-1], ~value[-1]).as_signed() for value in lanes]
        return [value.as_signed() if self.activation.signed else value for value in lanes]

    def _sum_bits(self, lanes: int) -> int:
        """The sum of a chain of products of so many fields."""
        product = (lanes - 1) * self.packing.field_bits + self.weight_bits + self.activation.width
        return product + ceil_log2(chain_lengths(self.simd, self.packing.chain)[0])

    def _chain(self, m: Module, fields: int, lanes: list[tuple[Value, Value]], name: str) -> Signal:
        """The sum of activation x operand over the lanes, one DSP each."""
        total: Signal | None = None
        for place, (activation, operand) in enumerate(lanes):
            product = Signal(signed(len(operand) + len(activation)), name=f"product{name}_{place}", reset_less=True)
            m.d.sync += product.eq(operand * activation)
            chained = Signal(signed(self._sum_bits(fields)), name=f"chain{name}_{place}", reset_less=True)
            m.d.sync += chained.eq(product if total is None else product + total)
            total = chained
        assert total is not None
        return total


def _delay_flag(m: Module, flag: Value, cycles: int, name: str) -> Value:
    """The flag so many cycles later; a reset clears it everywhere."""
    for stage in range(cycles):
        register = Signal(name=f"{name}{stage}")
        m.d.sync += register.eq(flag)
        flag = register
    return flag
