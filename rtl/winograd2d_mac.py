"""Multipliers of Winograd's products in two dimensions: one word of transformed activations, four sums of every PE.

As `hwgen.rtl.winograd_mac`. A product counts for some of the two by two outputs of a block, up to four times:

    chain -> lower and upper sum apart -> tree -> once, twice or four times -> added to or taken from each sum -> result

The sums are four times the outputs; their two lowest bits, which are zero, do not leave.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.utils import ceil_log2

from hwgen.rtl.adders import Term, adder_tree, adder_tree_cost, delay, delay_flag, register_of
from hwgen.rtl.fanout import KEPT, copies, group_items, groups
from hwgen.rtl.packing import chain_lengths, lanes_by_place
from hwgen.rtl.primitives import Cost
from hwgen.rtl.winograd2d import CONTROLS
from hwgen.rtl.winograd2d_weights import CANARY
from hwgen.rtl.winograd_mac import WinogradMac, WinogradMacConfig
from hwgen.rtl.winograd_weights import WinogradProgram

PLACES = tuple(itertools.product(range(2), range(2)))
"""(row, column) of the outputs of a block, in the order of their sums."""


@dataclass(frozen=True)
class Winograd2dMacConfig(WinogradMacConfig):
    """As WinogradMacConfig, with four sums of each PE.

    The latency is the same: what a product is worth takes one cycle, the registers for a fold's results another.
    """

    controls: ClassVar[int] = CONTROLS

    @property
    def sums(self) -> int:
        return len(PLACES) * self.pe

    @cache  # noqa: B019 - frozen, and sizing asks for few of them thousands of times
    def cost(self, family: str, columns: tuple[int, ...] | None = None) -> Cost:
        simd, field, activation = self.simd, self.packing.field_bits, self.activation.width
        cost = Cost(2, 3 * (self.latency - 1) + 1, self.dsp) + self.reader.cost(family, columns)
        for place, lanes in enumerate(lanes_by_place(simd, self.packing.chain)):
            outside, bits = max(place - 2, 0), len(lanes) * activation
            cost += Cost(bits, 0) if outside >= 3 else Cost(0, bits * outside)
        lengths = chain_lengths(simd, self.packing.chain)
        levels, accumulator = ceil_log2(len(lengths)), self.accumulator_bits + 2
        for group in self.groups:
            above = (self.high_bits if len(group) > 1 else self.alone_bits) + activation + ceil_log2(lengths[0])
            if len(group) > 1:  # what of the upper sum is known; the lower and the upper one apart
                cost += Cost(3 * simd - len(lengths), 4 * simd)
                cost += Cost(above + 3, field + CANARY + above) * len(lengths)
            else:
                cost += Cost(0, above) * len(lengths)
            for place in range(len(group)):
                width = above if place == len(group) - 1 else field + CANARY
                cost += adder_tree_cost(len(lengths), width, carry=False)
                scaled = min(width + levels + 2, accumulator)
                cost += Cost(scaled, accumulator) + Cost(4 * accumulator, 4 * (2 * accumulator - 2))
        flags = 9 * self.addend_copies + 2 * self.copies
        return cost + Cost(CONTROLS * -(-self.latency // 16) + 12 + 7 * self.addend_copies, CONTROLS + flags)

    @property
    def copies(self) -> int:
        return groups(self.sums, self.accumulator_bits + 2)

    @property
    def addend_copies(self) -> int:
        return groups(self.pe, self.accumulator_bits + 2)

    def build_for(self, program: WinogradProgram) -> Winograd2dMac:
        return Winograd2dMac(self, program)


class Winograd2dMac(WinogradMac):
    """As WinogradMac, with the sums of two by two outputs.

    Members
    -------
    control : In(8), with `issue`: see `hwgen.rtl.winograd2d`
    accumulators : Out(4 x pe sums): of row 0 and column 0, of row 0 and column 1, of row 1; valid with `done` only
    """

    config: Winograd2dMacConfig

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        # The flags walk beside the data: they arrive with what is to be added to the sums.
        late = config.latency - 1
        valid = delay_flag(m, self.issue, late - 2, "v")
        ending = delay_flag(m, self.issue & self.last, late - 1, "l")
        clears, leaves = (copies(m, ending, config.copies, f"{name}{late}") for name in ("l", "leaves"))
        before = delay(m, self.control, late - 2, "control", own_end=True)
        rows, columns = before[:4], before[4:]
        number = config.addend_copies
        twice, fourfold = (
            copies(m, flag, number, name, reset_less=True)
            for flag, name in ((before[2] ^ before[6], "twice"), (before[2] & before[6], "fourfold"))
        )
        takes, negative = [], []
        for row, column in PLACES:
            goes, less = Signal(name=f"goes{row}{column}"), Signal(name=f"negative{row}{column}")
            adds = valid & rows[row] & columns[column]
            m.d.sync += goes.eq(adds)
            takes.append(copies(m, goes, number, f"takes{row}{column}"))
            if row or column:
                m.d.sync += less.eq(adds & ((rows[3] if row else 0) ^ (columns[3] if column else 0)))
            negative.append(copies(m, less, number, f"less{row}{column}") if row or column else [])
        totals = self._dsp_sums(m, self._read_weights(m))
        width, order = config.accumulator_bits, config.order or tuple(range(config.pe))
        items = group_items(width + 2)
        for p, total in enumerate(totals):
            own = p // items
            whole = total.value
            worth = Mux(fourfold[own], whole << 2, Mux(twice[own], whole << 1, whole)).as_signed()
            scaled = register_of(m, worth, f"scaled{p}")
            if (more := width + 2 - len(scaled)) > 0:
                # A register for each bit above: one sign for all would be gated before it is spread over an adder.
                names = [f"scaled_sign{p}_{place}" for place in range(more)]
                signs = [Signal(name=name, reset_less=True, attrs=KEPT) for name in names]
                m.d.sync += [sign.eq(worth[-1]) for sign in signs]
                scaled = Cat(scaled, signs).as_signed()
            for place in range(len(PLACES)):
                less = negative[place][own] if place else Const(0, 1)
                turned = scaled ^ less.replicate(len(scaled)).as_signed()
                turned = turned & takes[place][own].replicate(len(scaled)).as_signed()
                accumulator = Signal(signed(width + 2), name=f"accumulator{place}_{p}")
                result = Signal(width, name=f"result{place}_{p}", reset_less=True)
                after = Signal(signed(width + 2), name=f"after{place}_{p}")
                copy = (place * config.pe + p) // items
                m.d.comb += [
                    after.eq(_added(accumulator, turned, less)),
                    self.accumulators.word_select(place * config.pe + order[p], width).eq(result),
                ]
                # The next fold begins with 0: both operands of an adder that are gated take a LUT more for each bit.
                m.d.sync += accumulator.eq(Mux(clears[copy], 0, after))
                with m.If(leaves[copy]):
                    m.d.sync += result.eq(after[2:])
        last = delay_flag(m, ending, 1, f"l{late}_")
        m.d.comb += self.ending.eq(last)
        m.d.sync += self.done.eq(last)
        return m

    def _totals(
        self, m: Module, group: range, chains: list[Signal], runs: list[list[tuple[Value, Value]]], names: list[str]
    ) -> list[Term]:
        if len(group) == 1:
            later = [Term(delay(m, chain, 1, f"alone{name}")) for chain, name in zip(chains, names, strict=True)]
            return [adder_tree(m, later, f"sum{group[0]}")]
        field = self.config.packing.field_bits
        lower, upper = [], []
        for chain, own, name in zip(chains, runs, names, strict=True):
            over = (chain[field : field + CANARY] - self._known(m, own, name))[:CANARY].as_signed()
            below = Signal(signed(field + CANARY), name=f"lower{name}", reset_less=True)
            above = Signal(signed(len(chain) - field), name=f"upper{name}", reset_less=True)
            m.d.sync += [below.eq(Cat(chain[:field], over)), above.eq(chain[field:].as_signed() - over)]
            lower.append(Term(below))
            upper.append(Term(above))
        return [adder_tree(m, lower, f"sum{group[0]}"), adder_tree(m, upper, f"sum{group[1]}")]

    def _known(self, m: Module, lanes: list[tuple[Value, Value]], name: str) -> Value:
        """The upper weights' sum modulo 4, beside the chain's."""
        field = self.config.packing.field_bits
        total: Value | None = None
        for place, (activation, operand) in enumerate(lanes):
            # The stored upper weight is 1 less above a negative lower one, whose sign is the bit below it.
            a0, a1, borrow = activation[0], activation[1], operand[field - 1]
            w0, w1 = operand[field] ^ borrow, operand[field + 1] ^ (operand[field] & borrow)
            product = Signal(CANARY, name=f"known_product{name}_{place}", reset_less=True)
            m.d.sync += product.eq(Cat(w0 & a0, (w1 & a0) ^ (w0 & a1)))
            chained = Signal(CANARY, name=f"known{name}_{place}", reset_less=True)
            after: Value = product
            if total is not None:
                after = Cat(product[0] ^ total[0], product[1] ^ total[1] ^ (product[0] & total[0]))
            m.d.sync += chained.eq(after)
            total = chained
        assert total is not None
        return total


def _added(total: Signal, addend: Value, carry: Value) -> Value:
    """total + addend + carry, as a difference: of that synthesis lets the LUTs of the carry chain make what is taken
    off, and not of a sum."""
    bits = len(total)
    wide = Cat(addend, addend[-1].replicate(max(bits - len(addend), 0)))[:bits]
    # Below stand twice the carry and the 1 that a difference to a complement has too much: two and one carry one.
    return (Cat(carry, total) - ~Cat(carry, wide))[1 : bits + 1].as_signed()
