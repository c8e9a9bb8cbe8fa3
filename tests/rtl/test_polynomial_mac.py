# amaranth: UnusedElaboratable=no
"""PolynomialMac: both outputs of every block against plain Python integers, each in its exact cycle."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.streaming import simulate

from hwgen.numerics.integer import bounds
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.packing import DSP_WIDE, Packing
from hwgen.rtl.polynomial import (
    folded,
    polynomial_chain,
    polynomial_packing,
    polynomial_rows,
    polynomial_weights,
    products,
)
from hwgen.rtl.polynomial_mac import PolynomialMac, PolynomialMacConfig
from hwgen.rtl.weight_reader import WORD_LATENCY


def run(dut: PolynomialMac, words: list[int], per_fold: int, idle: float, seed: int) -> list[list[int]]:
    """Issue words with pauses; the sums of every `done`: each in its exact cycle, none of a row's first block."""
    random, config = np.random.default_rng(seed), dut.config
    folds, width = config.folds, config.accumulator_bits
    found: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        on_the_way: list[int | None] = [None] * WORD_LATENCY
        due = [False] * config.latency
        sent = surplus = 0
        while surplus < 30:
            assert ctx.get(dut.done) == due[0]
            if due[0]:
                flat = ctx.get(dut.accumulators)
                fold = [flat >> p * width & (1 << width) - 1 for p in range(config.sums)]
                found.append([value - (value >> width - 1 << width) for value in fold])
            arriving = on_the_way.pop(0)
            now = sent < len(words) and random.random() >= idle
            if arriving is None:
                arriving = int.from_bytes(random.bytes(len(dut.word) // 8 + 1), "little") & (1 << len(dut.word)) - 1
            ctx.set(dut.word, arriving)
            ctx.set(dut.issue, now)
            ctx.set(dut.first, sent % per_fold == 0 if now else int(random.integers(0, 2)))
            ctx.set(dut.last, sent % per_fold == per_fold - 1 if now else int(random.integers(0, 2)))
            block = sent // (per_fold * folds)
            on_the_way.append(words[sent] if now else None)
            sent += now
            due = [*due[1:], bool(now and sent % per_fold == 0 and block % config.row_blocks)]
            surplus += sent == len(words) and not any(due)
            await ctx.tick()

    simulate(dut, bench)
    return found


def check(activation: Shape, bits: int, together: int, *, pe: int = 1, outputs: int = 1, simd: int = 2, inputs: int = 2,
          family: str = "xc7", extreme: bool = False, chain: int | None = None, idle: float = 0.0) -> None:
    """Two rows of three pairs, one row of taps; the chain is what the weights prove by default."""
    random = np.random.default_rng(outputs + inputs)
    largest, (low, high) = (1 << (bits - 1)) - 1, bounds(activation.width, activation.signed)
    weight = random.integers(-largest, largest + 1, (outputs, inputs, 1, together))
    rows = random.integers(low, high + 1, (2, 8, inputs))
    if extreme:
        weight = random.choice([-largest, largest], weight.shape)
        weight[0], weight[1:2] = largest, -largest
        rows = random.choice([low, high], rows.shape)
        rows[0] = low
    packing = polynomial_packing(bits, activation.width, together, family)
    assert packing is not None
    groups = -(-inputs // simd)
    words = folded(polynomial_weights(weight, products(together, 1, together)), pe, simd)
    length = chain or min(polynomial_chain([words], packing, activation), simd)
    memories = polynomial_rows([words], bits, length)
    accumulator = (max(-low, high) * inputs * together * largest).bit_length() + 1
    config = PolynomialMacConfig(pe, simd, activation, bits, accumulator, len(memories[0]),
                                 replace(packing, chain=length), together=together, folds=len(words),
                                 row_blocks=4)  # fmt: skip
    assert (config.dsp, config.sums) == (pe * simd, 2 * pe)
    padded = np.pad(rows, ((0, 0), (0, 0), (0, groups * simd - inputs)))
    mask, width = (1 << activation.width) - 1, activation.width
    issued = []
    for row in padded:
        for block in range(4):
            for _ in range(len(words)):
                for group in range(groups):
                    values = row[2 * block : 2 * block + 2, group * simd : (group + 1) * simd].ravel().tolist()
                    issued.append(sum((value & mask) << place * width for place, value in enumerate(values)))
    found = np.array(run(config.build(memories), issued, groups, idle, outputs))
    offset = 0 if activation.signed else 1 << (width - 1)
    totals = found.reshape(2, 3, len(words), 2, pe).transpose(0, 1, 3, 2, 4).reshape(2, 6, -1)[..., :outputs]
    totals = totals + offset * weight.sum(axis=(1, 2, 3))
    half = 1 << (accumulator - 1)
    expected = [
        [
            [
                sum(int(weight[o, c, 0, tap]) * int(row[x + tap, c]) for c in range(inputs) for tap in range(together))
                for o in range(outputs)
            ]
            for x in range(6)
        ]
        for row in rows
    ]
    assert ((totals + half) % (2 * half) - half).tolist() == expected


@pytest.mark.parametrize("together", [2, 3])
@pytest.mark.parametrize("activation", [signed(4), unsigned(4), unsigned(5)], ids=repr)
@pytest.mark.parametrize(("pe", "outputs", "simd", "inputs"), [(1, 1, 1, 1), (2, 2, 3, 3), (2, 3, 2, 4), (1, 5, 5, 9)])
def test_foldings(activation: Shape, together: int, pe: int, outputs: int, simd: int, inputs: int) -> None:
    check(activation, 4, together, pe=pe, outputs=outputs, simd=simd, inputs=inputs, idle=0.3)


@pytest.mark.parametrize("activation", [signed(8), unsigned(8)], ids=repr)
def test_foldings_of_wide_activations(activation: Shape) -> None:
    for bits in (4, 3, 2):
        check(activation, bits, 2, pe=2, outputs=5, simd=3, inputs=6)


@pytest.mark.parametrize("family", DSP_WIDE)
@pytest.mark.parametrize(("activation", "together"), [
    (signed(8), 2), (unsigned(8), 2), (signed(4), 3), (unsigned(4), 3),
])  # fmt: skip
def test_ends_of_the_ranges(activation: Shape, together: int, family: str) -> None:
    """Two chains as long as the bit widths prove, and one lane more."""
    packing = polynomial_packing(4, activation.width, together, family)
    assert packing is not None
    lanes = 2 * packing.chain + 1
    check(activation, 4, together, pe=2, outputs=2, simd=lanes, inputs=lanes, family=family, extreme=True,
          chain=packing.chain)  # fmt: skip


@pytest.mark.parametrize(("activation", "together"), [(signed(8), 2), (unsigned(8), 2), (signed(4), 3)])
def test_a_chain_longer_than_proven_fails(activation: Shape, together: int) -> None:
    """Four products fill the fields of a DSP48E1, five do not fit."""
    own: dict[str, Any] = dict(outputs=2, pe=2, extreme=True)
    check(activation, 4, together, simd=4, inputs=4, chain=4, **own)
    with pytest.raises(AssertionError):
        check(activation, 4, together, simd=5, inputs=5, chain=5, **own)


GOOD = PolynomialMacConfig(1, 1, signed(8), 4, 20, 1, Packing("dsp", 4, 14, 4))


def test_properties() -> None:
    assert (GOOD.sum_bits(2), GOOD.word_lanes, GOOD.waiting) == (14 + 4 + 14 + 9, 2, None)
    deep = replace(GOOD, folds=8, rows=16, pe=3)
    assert deep.waiting is not None
    assert (deep.waiting.depth, deep.waiting.width) == (8, 2 * 3 * 20)


@pytest.mark.parametrize(("change", "message"), [
    (dict(together=4, packing=Packing("dsp", 8, 9, 1)), "together: wanted one of (2, 3), got 4"),
    (dict(packing=Packing("dsp", 1, 0, 1)), "packing: wanted 4 products to a DSP, got 1"),
    (dict(packing=Packing("dsp", 4, 11, 1)), "field_bits: wanted at least 12 for two products of 4 x 8 bits, got 11"),
    (dict(packing=Packing("dsp", 4, 15, 1)), "field_bits: wanted operands of at most 18 and 27 bits, got 19 and 24"),
    (dict(activation=signed(4), together=3, packing=Packing("dsp", 6, 12, 1)),
     "field_bits: wanted operands of at most 18 and 27 bits, got 17 and 28"),
    (dict(activation=signed(4), together=3, packing=Packing("dsp", 6, 11, 256), simd=512),
     "packing: wanted sums of at most 48 bits, got 50"),
    (dict(rows=2, codebook=Codebook(4, (0, 1))), "codebook: wanted none for products of polynomials, got one"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(GOOD, **change)
