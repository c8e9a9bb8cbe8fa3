"""Multipliers of products of polynomials: one word of two columns, the sums of two outputs of every PE.

What the products are is said in `hwgen.rtl.polynomial`. Each PE has four sums of a block P, of outputs 2 P - 2 to
2 P + 1, where block P + 1 has its first two when block P has its last two:

    first word   S0 = S2 of the block before + product,  S1 = S3 of the block before + product,  S2, S3 = product
    each other   S0 .. S3 += product

so outputs are added up where blocks overlap, with no adder but the accumulators'. A row's first block has no results:
what its S0 and S1 begin with is the row above's, and nobody asks. Where a block has several folds, S2 and S3 wait in a
memory, fold by fold. Of two taps a product has nothing for S0, which takes over what S2 was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.utils import ceil_log2

from hwgen.rtl.adders import Term, adder_tree, adder_tree_cost, delay, delay_flag
from hwgen.rtl.counter import count
from hwgen.rtl.mac import MacArray, MacConfig
from hwgen.rtl.memory import RamConfig, ram_form
from hwgen.rtl.packing import DSP_NARROW, DSP_SUM, DSP_WIDE, chain_lengths, chain_runs, lanes_by_place
from hwgen.rtl.pair_mac import pair_operands
from hwgen.rtl.polynomial import TOGETHER
from hwgen.rtl.primitives import Cost, adder_lut, counter_ff, counter_lut
from hwgen.rtl.weight_reader import WeightReaderConfig
from hwgen.rtl.weights import activation_offset

SUMS = 4
"""Sums of a PE: two outputs that a block completes, and two that the next one adds to."""


@dataclass(frozen=True)
class PolynomialMacConfig(MacConfig):
    """As MacConfig, of words of two columns, with two sums of each PE.

    Parameters
    ----------
    packing
        Two activations by `together` taps in a DSP, `field_bits` apart in either operand.
    together
        Taps in a product, 2 or 3.
    folds
        Of a block, of every kind of blocks that take turns.
    row_blocks
        Blocks of each kind in a row.

    Raises
    ------
    ValueError
        As MacConfig; another number of taps or packing; operands or sums too large for the DSP; a codebook.
    """

    together: int = 2
    folds: int = 1
    row_blocks: int = 2

    def _check_dsp(self) -> None:
        weight, activation, field = self.weight_bits, self.activation.width, self.packing.field_bits
        if self.together not in TOGETHER:
            raise ValueError(f"together: wanted one of {TOGETHER}, got {self.together}")
        if self.packing.lanes != 2 * self.together:
            raise ValueError(f"packing: wanted {2 * self.together} products to a DSP, got {self.packing.lanes}")
        if self.codebook is not None:
            raise ValueError("codebook: wanted none for products of polynomials, got one")
        if field < (least := weight + activation):
            raise ValueError(f"field_bits: wanted at least {least} for two products of {weight} x {activation} bits, "
                             f"got {field}")  # fmt: skip
        operands = sorted(((self.together - 1) * field + weight, field + activation + 1))
        if operands[0] > DSP_NARROW or operands[1] > max(DSP_WIDE.values()):
            raise ValueError(f"field_bits: wanted operands of at most {DSP_NARROW} and {max(DSP_WIDE.values())} bits, "
                             f"got {operands[0]} and {operands[1]}")  # fmt: skip
        if (bits := self.sum_bits(2)) > DSP_SUM:
            raise ValueError(f"packing: wanted sums of at most {DSP_SUM} bits, got {bits}")

    @property
    def groups(self) -> list[range]:
        return [range(p, p + 1) for p in range(self.pe)]

    @property
    def dsp(self) -> int:
        return self.pe * self.simd

    @property
    def sums(self) -> int:
        return 2 * self.pe

    @property
    def word_lanes(self) -> int:
        return 2 * self.simd

    def sum_bits(self, lanes: int) -> int:
        operands = self.together * self.packing.field_bits + self.weight_bits + self.activation.width + 1
        return operands + ceil_log2(self.memories)

    @property
    def latency(self) -> int:
        """As MacConfig, and 1 for the operand."""
        return super().latency + 1

    @cached_property
    def reader(self) -> WeightReaderConfig:
        own = self.pe * self.together * self.weight_bits
        widths = tuple(len(lanes) * own for lanes in lanes_by_place(self.simd, self.packing.chain))
        return replace(super().reader, lead=0, widths=widths)

    @property
    def waiting(self) -> RamConfig | None:
        """The memory in which sums wait for the next block; None where a block has one fold."""
        if self.folds == 1:
            return None
        form = ram_form(self.folds, "block")
        return RamConfig(self.folds, 2 * self.pe * self.accumulator_bits, form, self.half_block_luts)

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        simd, weight, activation, field = self.simd, self.weight_bits, self.activation.width, self.packing.field_bits
        cost = Cost(2, 3 * (self.latency - 1) + 1, self.dsp) + self.reader.cost(family, columns)
        # The borrow, and the two signs turned of what was unsigned.
        cost += Cost((activation + 1) * simd)
        if activation_offset(self.packing, self.activation, weight):
            cost += Cost(simd)
        for place, own in enumerate(lanes_by_place(simd, self.packing.chain)):
            outside, bits = max(place - 1, 0), len(own) * (2 * activation + 1)
            cost += Cost(bits, 0) if outside >= 3 else Cost(0, bits * outside)
        lengths = chain_lengths(simd, self.packing.chain)
        top = weight + activation + 1 + ceil_log2(lengths[0])
        one = adder_tree_cost(len(lengths), field, carry=False)
        one += adder_tree_cost(len(lengths), field, carry=True) * (self.together - 1)
        one += adder_tree_cost(len(lengths), top, carry=True)
        # What a product of two taps has nothing for is a register alone.
        one += Cost(adder_lut(self.accumulator_bits) * (self.together + 1), self.accumulator_bits * SUMS)
        cost += one * self.pe
        cost += Cost(counter_lut(self.row_blocks) + 4, counter_ff(self.row_blocks) + 1)
        if self.waiting is not None:
            cost += self.waiting.cost(family)
            cost += Cost(3 * counter_lut(self.folds), 3 * counter_ff(self.folds) - 2)
        return cost

    def build(self, weights: Sequence[Sequence[int]]) -> PolynomialMac:
        """The component with the rows of its weight memories (`hwgen.rtl.polynomial.polynomial_rows`)."""
        return PolynomialMac(self, weights)


class PolynomialMac(MacArray):
    """PE x SIMD products of polynomials a word; members as MacArray.

    A word has the values of the first column, then those of the second. `accumulators` holds the sums of outputs
    2 P - 2 of all PEs, then those of outputs 2 P - 1. The blocks of a row come in order, kinds in turn; the first one
    of each kind is never `done`. Folds have at least two words where a block has several.

    Parameters
    ----------
    config : PolynomialMacConfig
    weights
        Rows of the weight memories; the chain is `polynomial_chain` of these weights at most.
    """

    config: PolynomialMacConfig

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, width = self.config, self.config.accumulator_bits
        flags = (self.issue, self.issue & self.first, self.issue & self.last)
        late = config.latency - 1
        valid, first, last = (delay_flag(m, flag, late, n) for flag, n in zip(flags, "vfl", strict=True))
        fold = count(m, config.folds, last, "done_fold")
        block = count(m, config.row_blocks, last & fold.last, "row_block")
        is_first = Signal(init=1, name="is_first")  # the row's first block
        with m.If(last & fold.last):
            m.d.sync += is_first.eq(block.last)
        sums = [[Signal(signed(width), name=f"sum{k}_{p}", reset_less=True) for k in range(SUMS)]
                for p in range(config.pe)]  # fmt: skip
        waiting = self._waiting(m, first, last, [own[2:] for own in sums])
        skipped = SUMS - 1 - config.together
        for p, totals in enumerate(self._totals(m, self._read_weights(m))):
            for k, own in enumerate(sums[p]):
                begin = waiting[p][k] if k < 2 else 0
                with m.If(valid):
                    if k < skipped:
                        m.d.sync += own.eq(Mux(first, begin, own))
                    else:
                        m.d.sync += own.eq(totals[k - skipped].plus(Mux(first, begin, own)))
        parts = [own[k] for k in range(2) for own in sums]
        m.d.comb += self.accumulators.eq(Cat(part.as_unsigned() for part in parts))
        m.d.comb += self.ending.eq(last & ~is_first)
        m.d.sync += self.done.eq(self.ending)
        return m

    def _waiting(self, m: Module, first: Value, last: Value, sums: list[list[Signal]]) -> list[list[Value]]:
        """The last two sums of the block before, of the fold that begins: PE by PE."""
        memory_config, width, folds = self.config.waiting, self.config.accumulator_bits, self.config.folds
        if memory_config is None:
            return [[*own] for own in sums]
        m.submodules.waiting = memory = memory_config.build()
        complete = delay_flag(m, last, 1, "complete")
        m.d.comb += [
            memory.write.eq(complete),
            memory.write_address.eq(count(m, folds, complete, "kept_fold").place),
            memory.write_data.eq(Cat(part.as_unsigned() for own in sums for part in own)),
            memory.address.eq(count(m, folds, first, "begun_fold").place),
        ]
        parts = [memory.data.word_select(place, width).as_signed() for place in range(2 * len(sums))]
        return [parts[place : place + 2] for place in range(0, len(parts), 2)]

    def _totals(self, m: Module, weights: dict[tuple[int, int], Value]) -> list[list[Term]]:
        """Sums of the products of each PE, field by field."""
        config = self.config
        simd, field, together = config.simd, config.packing.field_bits, config.together
        operands = pair_operands(m, self._activations(), config.activation.width, field)
        for place, lanes in enumerate(lanes_by_place(simd, config.packing.chain)):
            for lane in lanes:
                operands[lane] = delay(m, operands[lane], place, f"operand{lane}").as_signed()
        found = []
        for p in range(config.pe):
            factors = []
            for lane in range(simd):
                row, bits = weights[p, lane], config.weight_bits
                taps: list[Value] = [
                    Const(row.value >> k * bits, bits) if isinstance(row, Const) else row[k * bits : (k + 1) * bits]
                    for k in range(together)
                ]
                factors.append((operands[lane], self._operand(m, taps, f"{p}_{lane}")))
            chains = [
                self._chain(m, 2, factors[run.start : run.stop], f"{p}_{run.start}")
                for run in chain_runs(simd, config.packing.chain)
            ]
            totals = []
            for k in range(together + 1):
                low, high = k * field, (k + 1) * field if k < together else None
                terms = [Term(chain[low:high].as_signed(), chain[low - 1] if k else None) for chain in chains]
                totals.append(adder_tree(m, terms, f"total{p}_{k}"))
            found.append(totals)
        return found

    def _read_weights(self, m: Module) -> dict[tuple[int, int], Value]:
        """(PE, lane) -> the stored taps of its product."""
        config, bits = self.config, self.config.together * self.config.weight_bits
        jump = (self.end_pixel, self.next_phase) if config.blocks else None
        found: dict[tuple[int, int], Value] = {}
        rows = config.reader.read(m, self.weights, self.issue, jump)
        for row, lanes in zip(rows, lanes_by_place(config.simd, config.packing.chain), strict=True):
            for place, key in enumerate((p, lane) for p in range(config.pe) for lane in lanes):
                is_constant = isinstance(row, Const)
                found[key] = Const(row.value >> place * bits, bits) if is_constant else row.word_select(place, bits)
        return found
