# amaranth: UnusedElaboratable=no
"""Adder trees: every sum, carries and all, in its cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, Module
from amaranth.lib.wiring import Component, In, Out
from support.streaming import simulate

from hwgen.rtl.adders import Term, adder_tree, delay, tree_levels


class Tree(Component):
    """Terms of 4 signed bits, with or without a carry each."""

    def __init__(self, terms: int, carries: bool) -> None:
        self.terms, self.carries = terms, carries
        super().__init__({"values": In(4 * terms), "carry": In(terms), "base": In(12), "total": Out(12)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        terms = [
            Term(self.values.word_select(i, 4).as_signed(), self.carry[i] if self.carries else None)
            for i in range(self.terms)
        ]
        m.d.comb += self.total.eq(adder_tree(m, terms, "tree").plus(self.base.as_signed()))
        return m


@pytest.mark.parametrize("carries", [False, True])
@pytest.mark.parametrize("terms", range(2, 10))
def test_sums(terms: int, carries: bool) -> None:
    """One set of terms per cycle, at their ends and at random; the last carry goes in with what is added."""
    random = np.random.default_rng(terms)
    values = [[-8] * terms, [7] * terms, *random.integers(-8, 8, (20, terms)).tolist()]
    carry = [[0] * terms, [1] * terms, *random.integers(0, 2, (20, terms)).tolist()]
    dut, levels = Tree(terms, carries), tree_levels(terms)
    assert levels == (terms - 1).bit_length()

    async def bench(ctx: Any) -> None:
        for cycle in range(len(values) + levels):
            if cycle < len(values):
                ctx.set(dut.values, sum((value & 15) << 4 * i for i, value in enumerate(values[cycle])))
                ctx.set(dut.carry, sum(bit << i for i, bit in enumerate(carry[cycle])))
            ctx.set(dut.base, 100 + cycle)
            if cycle >= levels:
                place = cycle - levels
                expected = sum(values[place]) + carries * sum(carry[place]) + 100 + cycle
                assert ctx.get(dut.total) == expected % 4096
            await ctx.tick()

    simulate(dut, bench)


def test_a_constant_is_not_delayed() -> None:
    m, constant = Module(), Const(5, 4)
    assert delay(m, constant, 3, "late") is constant
