"""Tables behind index memories: every field against the definition of what a DSP's operand holds, and their LUTs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out
from support.codebooks import corner_codebooks
from support.streaming import simulate

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.index_decoder import decode_fields, decode_signs, fields_cost, signs_cost
from hwgen.rtl.weights import turns
from hwgen.synth.sweep import random_codebook


class Decoder(Component):
    """`decode_fields`, or `decode_signs`, alone."""

    def __init__(self, codebook: Codebook, count: int, signs: bool = False) -> None:
        self.codebook, self.count, self.signs = codebook, count, signs
        super().__init__({"indices": In(count * codebook.index_bits), "fields": Out(count * codebook.weight_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        indices = [self.indices.word_select(place, self.codebook.index_bits) for place in range(self.count)]
        found = (decode_signs if self.signs else decode_fields)(m, indices, self.codebook, "weight")
        for place, field in enumerate(found):
            m.d.comb += self.fields.word_select(place, self.codebook.weight_bits).eq(field)
        return m


def decoded(dut: Decoder, indices: np.ndarray) -> list[list[int]]:
    """The fields of each row of indices, as bits."""
    bits, width = dut.codebook.index_bits, dut.codebook.weight_bits
    found = []

    async def bench(ctx: Any) -> None:
        for row in indices.tolist():
            ctx.set(dut.indices, sum(index << place * bits for place, index in enumerate(row)))
            await ctx.delay(1e-9)
            flat = ctx.get(dut.fields)
            found.append([flat >> place * width & (1 << width) - 1 for place in range(dut.count)])

    simulate(dut, bench, clock=False)
    return found


def stored(codebook: Codebook, indices: np.ndarray) -> list[list[int]]:
    """The operand's fields by plain arithmetic: the weights' sum, each at its distance, taken apart from below."""
    width, distance = codebook.weight_bits, 20
    found = []
    for row in codebook.grid[indices].tolist():
        whole = sum(weight << place * distance for place, weight in enumerate(row))
        found.append([whole >> place * distance & (1 << width) - 1 for place in range(len(row))])
    return found


def rows_of(codebook: Codebook, count: int) -> np.ndarray:
    """Every combination of indices, or 300 at random."""
    most = len(codebook.values)
    if most**count <= 300:
        return np.mgrid[count * [slice(0, most)]].reshape(count, -1).T
    return np.random.default_rng(count).integers(0, most, (300, count))


@pytest.mark.parametrize("fields", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
def test_fields(bits: int, fields: int) -> None:
    """A single one is the weight; above it each has borrowed where the number below is negative."""
    random = np.random.default_rng(bits + 10 * fields)
    books = corner_codebooks(bits) + [random_codebook(bits, index_bits, random) for index_bits in range(1, bits)]
    for codebook in books:
        indices = rows_of(codebook, fields)
        assert decoded(Decoder(codebook, fields), indices) == stored(codebook, indices)


@pytest.mark.parametrize("codebook", corner_codebooks(2), ids=str)
def test_signs(codebook: Codebook) -> None:
    """The network's bits of each lane: whether it counts, and its sign against its left neighbour's."""
    for lanes in (1, 2, 3, 8, 13):
        indices = rows_of(codebook, lanes)
        weights = codebook.grid[indices].T
        expected = ((weights != 0) + 2 * turns(weights)).T
        assert decoded(Decoder(codebook, lanes, signs=True), indices) == expected.tolist()


def test_luts() -> None:
    """A LUT a bit up to six inputs, two at seven; constants, inputs and equal bits take none."""
    sixteen = Codebook(8, (-119, -96, -81, -62, -55, -33, -18, -6, 5, 11, 26, 36, 61, 77, 100, 123))
    assert [fields_cost(sixteen, fields).lut for fields in (1, 2, 3)] == [8, 16, 24]
    assert fields_cost(Codebook(8, (5, 5)), 3).lut == 0
    assert fields_cost(Codebook(8, (0, 127)), 1).lut == 0  # wires
    assert fields_cost(Codebook(8, (-127, 127)), 1).lut == 1  # the sign is the index inverted, all else wires
    random = np.random.default_rng(3)
    assert fields_cost(random_codebook(8, 6, random), 2).lut == 8 + 16
    assert fields_cost(random_codebook(8, 7, random), 2).lut > 8 * 5
    assert signs_cost(Codebook(2, (-1, 1)), 13).lut == 13
    assert signs_cost(Codebook(2, (0, 1)), 13).lut == 0
    assert signs_cost(Codebook(2, (-1, 0)), 13).lut == 13 + 8
