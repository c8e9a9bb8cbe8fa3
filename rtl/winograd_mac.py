"""Multipliers of Winograd's products: one word of transformed activations, two sums of every PE.

A product counts for the first output of a pair, for the second, or for both, once or twice (`hwgen.rtl.winograd`).
Which is said beside each word, and decides behind the adder tree:

    chain -> lower and upper sum apart -> tree -> doubled or not, negative or not, or zero -> added to either sum

The sums are twice the outputs; their lowest bit, which is zero, does not leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.rtl.adders import Term, adder_tree, adder_tree_cost, delay, delay_flag
from hwgen.rtl.fanout import copies, group_items, groups
from hwgen.rtl.mac import MacArray, MacConfig
from hwgen.rtl.packing import DSP_NARROW, DSP_SUM, DSP_WIDE, chain_lengths, chain_runs, lanes_by_place
from hwgen.rtl.primitives import Cost, adder_lut
from hwgen.rtl.weight_reader import WeightReaderConfig
from hwgen.rtl.winograd import CONTROLS
from hwgen.rtl.winograd_weights import WinogradProgram


def controls(adds: tuple[int, int]) -> int:
    """The bits for a step's `adds`."""
    first, second = adds
    return (first != 0) | (second != 0) << 1 | (2 in (first, second)) << 2 | (second < 0) << 3


@dataclass(frozen=True)
class WinogradMacConfig(MacConfig):
    """As MacConfig, of transformed activations and weights, with two sums of each PE.

    Parameters
    ----------
    lower_bits, high_bits
        Signed widths of the weights of a DSP: of the lower one and of the one above it.
    alone_bits
        Signed width of a weight that has a DSP for itself.
    order
        The output of a fold that each PE computes; () for the order that they have.

    Raises
    ------
    ValueError
        As MacConfig; another packing than two weights to a DSP; weights, products or sums too large for it; a codebook;
        an order that has not every output once.
    """

    lower_bits: int = 9
    high_bits: int = 8
    alone_bits: int = 0
    order: tuple[int, ...] = ()

    controls: ClassVar[int] = CONTROLS
    """Bits beside a word."""

    def _check_dsp(self) -> None:
        field = self.packing.field_bits
        if self.packing.lanes != 2:
            raise ValueError(f"packing: wanted two weights to a DSP, got {self.packing.lanes}")
        if self.codebook is not None:
            raise ValueError("codebook: wanted none, for transformed weights are not its values, got one")
        if self.order and sorted(self.order) != list(range(self.pe)):
            raise ValueError(f"order: wanted each of 0 .. {self.pe - 1} once, got {self.order}")
        if self.lower_bits > field:
            raise ValueError(f"lower_bits: wanted at most {field}, the distance of the weights, got {self.lower_bits}")
        if (wide := field + self.high_bits) > max(DSP_WIDE.values()):
            raise ValueError(f"high_bits: wanted an operand of at most {max(DSP_WIDE.values())} bits, got {wide}")
        if self.activation.width > DSP_NARROW:
            raise ValueError(f"activation: wanted at most {DSP_NARROW} bits, got {self.activation.width}")
        if (bits := self.sum_bits(2)) > DSP_SUM:
            raise ValueError(f"packing: wanted sums of at most {DSP_SUM} bits, got {bits}")

    @property
    def sums(self) -> int:
        return 2 * self.pe

    def sum_bits(self, lanes: int) -> int:
        top = self.packing.field_bits + self.high_bits if lanes == 2 else self.alone_bits
        return top + self.activation.width + ceil_log2(self.memories)

    @cached_property
    def latency(self) -> int:
        """As MacConfig, and 2: a chain's two sums are taken apart, and made what each output's sum gets."""
        return super().latency + 2

    @property
    def copies(self) -> int:
        return groups(self.sums, self.accumulator_bits + 1)

    @cached_property
    def reader(self) -> WeightReaderConfig:
        widths = [0] * self.memories
        for place, lanes in enumerate(lanes_by_place(self.simd, self.packing.chain)):
            for group in self.groups:
                widths[place] += len(lanes) * (self.lower_bits + self.high_bits if len(group) > 1 else self.alone_bits)
        return replace(super().reader, widths=tuple(widths))

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        simd, field, activation = self.simd, self.packing.field_bits, self.activation.width
        cost = Cost(2, 3 * (self.latency - 1) + 1, self.dsp) + self.reader.cost(family, columns)
        for place, lanes in enumerate(lanes_by_place(simd, self.packing.chain)):
            outside, bits = max(place - 2, 0), len(lanes) * activation
            cost += Cost(bits, 0) if outside >= 3 else Cost(0, bits * outside)
        lengths = chain_lengths(simd, self.packing.chain)
        levels = ceil_log2(len(lengths))
        accumulator = self.accumulator_bits + 1
        for size, times in Counter(map(len, self.groups)).items():
            above = (self.high_bits if size > 1 else self.alone_bits) + activation + ceil_log2(lengths[0])
            if size > 1:  # parities; the lower and the upper sum apart
                apart = Cost(above + 1, field + 1 + above) * len(lengths)
                cost += (Cost(2 * simd, 2 * simd) + apart) * times
            else:
                cost += Cost(0, above * len(lengths)) * times
            for place in range(size):
                width = above if place == size - 1 else field + 1
                cost += adder_tree_cost(len(lengths), width, carry=False) * times
                addend = min(width + levels + 1, accumulator)
                cost += Cost(2 * addend + 2 * adder_lut(accumulator), 2 * addend + 2 * accumulator) * times
        flags = 2 * (self.copies - 1) + (CONTROLS + 1) * self.addend_copies + 1
        return cost + Cost(CONTROLS * -(-self.latency // 16), flags)

    @property
    def addend_copies(self) -> int:
        """Copies of each bit that says what an output's sum gets."""
        return groups(self.pe, self.accumulator_bits + 1)

    def build_for(self, program: WinogradProgram) -> WinogradMac:
        """The component with a layer's weights."""
        return WinogradMac(self, program)


class WinogradMac(MacArray):
    """PE x SIMD multiply-accumulate of transformed words, with two sums of each PE.

    Latency: as MacArray, from the `issue` of a fold's last word to `done`; interval: one word per cycle.

    Parameters
    ----------
    config
        See WinogradMacConfig.
    program
        Whose packing and folding are the config's.

    Members
    -------
    issue, first, last : In(1), from the window
    control : In(4), with `issue`: see `controls`
    end_pixel, next_phase : In, where there are blocks: with `issue`, it is a pair's last word; the next one's block
    word : In(simd activations), `WORD_LATENCY` after `issue`
    ending, done : Out(1), `accumulators` holds the sums of a fold: from the next cycle on; now
    accumulators : Out(2 x pe sums), the first outputs', then the second ones'; valid with `done` only
    """

    config: WinogradMacConfig

    def __init__(self, config: WinogradMacConfig, program: WinogradProgram) -> None:
        widths = config.lower_bits, config.alone_bits
        rows: Sequence[Sequence[int]] = program.memories(*widths)
        if [len(memory) for memory in rows] != [config.rows] * config.memories:
            raise ValueError(f"weights: wanted {config.memories} memories of {config.rows} rows, got depths "
                             f"{[*map(len, rows)]}")  # fmt: skip
        self.config, self.weights, self.layout = config, rows, program.layout(*widths)
        Component.__init__(
            self,
            {
                "issue": In(1),
                "first": In(1),
                "last": In(1),
                "control": In(config.controls),
                **({"end_pixel": In(1), "next_phase": In(range(len(config.blocks)))} if config.blocks else {}),
                "word": In(unsigned(config.word_lanes * config.activation.width)),
                "ending": Out(1),
                "done": Out(1),
                "accumulators": Out(unsigned(config.sums * config.accumulator_bits)),
            },
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        # The flags walk beside the data: they arrive with what is to be added to the sums.
        late = config.latency - 1
        valid, first, last = (
            delay_flag(m, flag, late - 1, name)
            for flag, name in zip((self.issue, self.issue & self.first, self.issue & self.last), "vfl", strict=True)
        )
        valids, firsts = (copies(m, flag, config.copies, f"{n}{late}") for flag, n in ((valid, "v"), (first, "f")))
        last = delay_flag(m, last, 1, f"l{late}_")
        to_first, to_second, is_double, is_negative = delay(m, self.control, late - 2, "control")

        def late_copies(bit: Value, name: str) -> list[Signal]:
            return copies(m, bit, config.addend_copies, name, reset_less=True)

        negatives = late_copies(is_negative, "negative")
        doubles = [late_copies(is_double, f"double{place}") for place in range(2)]
        takes = [late_copies(bit, f"takes{place}") for place, bit in enumerate((to_first, to_second))]
        carry = delay(m, negatives[0], 1, "negative_last")
        totals = self._dsp_sums(m, self._read_weights(m))
        width, order = config.accumulator_bits, config.order or tuple(range(config.pe))
        items = group_items(width + 1)
        for p, total in enumerate(totals):
            own = p // items
            for place in range(2):
                scaled = Mux(doubles[place][own], total.value << 1, total.value)
                if place:
                    scaled = scaled ^ negatives[own].replicate(len(scaled)).as_signed()
                taken = (scaled & takes[place][own].replicate(len(scaled)).as_signed())[: width + 1].as_signed()
                addend = Signal(taken.shape(), name=f"addend{place}_{p}", reset_less=True)
                m.d.sync += addend.eq(taken)
                accumulator = Signal(signed(width + 1), name=f"accumulator{place}_{p}", reset_less=True)
                copy = (place * config.pe + p) // items
                with m.If(valids[copy]):
                    term = Term(addend, carry if place else None)
                    m.d.sync += accumulator.eq(term.plus(Mux(firsts[copy], 0, accumulator)))
                m.d.comb += self.accumulators.word_select(place * config.pe + order[p], width).eq(accumulator[1:])
        m.d.comb += self.ending.eq(last)
        m.d.sync += self.done.eq(last)
        return m

    def _dsp_sums(self, m: Module, weights: dict[tuple[int, int], Value]) -> list[Term]:
        config = self.config
        activations = self._activations()
        for place, lanes in enumerate(lanes_by_place(config.simd, config.packing.chain)):
            for lane in lanes:
                activations[lane] = delay(m, activations[lane], place, f"activation{lane}")
        totals: list[Term] = []
        for group in config.groups:
            factors = [
                (activations[lane], self._operand(m, [weights[p, lane] for p in group], f"{group[0]}_{lane}"))
                for lane in range(config.simd)
            ]
            runs = [factors[run.start : run.stop] for run in chain_runs(config.simd, config.packing.chain)]
            names = [f"{group[0]}_{run.start}" for run in chain_runs(config.simd, config.packing.chain)]
            chains = [self._chain(m, len(group), own, name) for own, name in zip(runs, names, strict=True)]
            totals += self._totals(m, group, chains, runs, names)
        return totals

    def _totals(
        self, m: Module, group: range, chains: list[Signal], runs: list[list[tuple[Value, Value]]], names: list[str]
    ) -> list[Term]:
        """The sums of the PEs of one DSP out of their chains.

        runs : each chain's activations and operands
        """
        if len(group) == 1:
            later = [Term(delay(m, chain, 1, f"alone{name}")) for chain, name in zip(chains, names, strict=True)]
            return [adder_tree(m, later, f"sum{group[0]}")]
        field = self.config.packing.field_bits
        lower, upper = [], []
        for chain, own, name in zip(chains, runs, names, strict=True):
            sign = Signal(name=f"sign{name}")
            below = Signal(signed(field + 1), name=f"lower{name}", reset_less=True)
            above = Signal(signed(len(chain) - field), name=f"upper{name}", reset_less=True)
            m.d.comb += sign.eq(chain[field] ^ self._parity(m, own, name))
            m.d.sync += [
                below.eq(Cat(chain[:field], sign)),
                above.eq(Term(chain[field:].as_signed(), sign).plus(Const(0, 1))),
            ]
            lower.append(Term(below))
            upper.append(Term(above))
        return [adder_tree(m, lower, f"sum{group[0]}"), adder_tree(m, upper, f"sum{group[1]}")]

    def _parity(self, m: Module, lanes: list[tuple[Value, Value]], name: str) -> Value:
        """The parity of the upper weights' sum, beside the chain's."""
        field = self.config.packing.field_bits
        total: Value | None = None
        for place, (activation, operand) in enumerate(lanes):
            # The stored upper weight is 1 less above a negative lower one, whose sign is the bit below it.
            product = Signal(name=f"odd_product{name}_{place}", reset_less=True)
            m.d.sync += product.eq((operand[field] ^ operand[field - 1]) & activation[0])
            chained = Signal(name=f"odd{name}_{place}", reset_less=True)
            m.d.sync += chained.eq(product if total is None else product ^ total)
            total = chained
        assert total is not None
        return total

    def _read_weights(self, m: Module) -> dict[tuple[int, int], Value]:
        """(PE, lane) -> the stored weight."""
        jump = (self.end_pixel, self.next_phase) if self.config.blocks else None
        rows = self.config.reader.read(m, self.weights, self.issue, jump)
        found: dict[tuple[int, int], Value] = {}
        for row, memory in zip(rows, self.layout, strict=True):
            begin = 0
            for p, lane, bits in memory:
                found[p, lane] = row[begin : begin + bits]
                begin += bits
        return found
