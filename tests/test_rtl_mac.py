# amaranth: UnusedElaboratable=no
"""MacArray against sums of products in plain NumPy; the weight rows against their definition."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from streaming import simulate

from hwgen.fixedpoint import bounds
from hwgen.rtl.mac import MacArray
from hwgen.rtl.packing import LUT, W8A8, Packing
from hwgen.rtl.weights import missing_of, pack_weights, weight_limit


def run(dut: MacArray, words: list[list[int]], per_fold: int, *, idle: float = 0.0, seed: int = 0) -> list[list[int]]:
    """Issue words (fold after fold) with pauses; `done` must come `latency` cycles after a fold's last, only then.

    While nothing is issued `word` carries garbage: it must not count.
    """
    random = np.random.default_rng(seed)
    width = dut.activation.width
    mask = (1 << width) - 1
    sums: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        on_the_way: list[int | None] = [None, None]
        due = [False] * dut.latency
        sent = surplus = 0
        while surplus < 30:
            assert ctx.get(dut.done) == due[0]
            if due[0]:
                flat = ctx.get(dut.accumulators)
                fold = []
                for p in range(dut.pe):
                    value = flat >> p * dut.accumulator_bits & (1 << dut.accumulator_bits) - 1
                    fold.append(value - (value >> dut.accumulator_bits - 1 << dut.accumulator_bits))
                sums.append(fold)
            arriving = on_the_way.pop(0)
            now = sent < len(words) and random.random() >= idle
            if arriving is None:
                arriving = int.from_bytes(random.bytes(len(dut.word) // 8 + 1), "little") & (1 << len(dut.word)) - 1
            ctx.set(dut.word, arriving)
            ctx.set(dut.issue, now)
            ctx.set(dut.first, sent % per_fold == 0 if now else int(random.integers(0, 2)))
            ctx.set(dut.last, sent % per_fold == per_fold - 1 if now else int(random.integers(0, 2)))
            if now:
                on_the_way.append(sum((value & mask) << j * width for j, value in enumerate(words[sent])))
                sent += 1
            else:
                on_the_way.append(None)
            due = [*due[1:], bool(now and sent % per_fold == 0)]
            surplus += sent == len(words) and not any(due)
            await ctx.tick()

    simulate(dut, bench)
    return sums


def check(*, outputs: int, inputs: int, kernel: int = 1, pe: int, simd: int, activation: Shape, bits: int,
          packing: Packing = W8A8, pixels: int = 2, idle: float = 0.0, seed: int = 0, extreme: bool = False,
          spare: int = 0) -> None:
    """Windows of random activations through all folds, against one matrix product per window."""
    random = np.random.default_rng(seed)
    low, high = bounds(activation.width, activation.signed)
    largest = weight_limit(bits)
    if extreme:
        weight = np.full((outputs, inputs, kernel, kernel), -largest if seed % 2 else largest, dtype=np.int64)
        windows = np.full((pixels, kernel, kernel, inputs), low if seed < 2 else high)
    else:
        weight = random.integers(-largest, largest + 1, (outputs, inputs, kernel, kernel))
        windows = random.integers(low, high + 1, (pixels, kernel, kernel, inputs))
    if bits == 1:
        weight |= 1
    bound = max(-low, high) * int(np.abs(weight).reshape(outputs, -1).sum(axis=1).max())
    folds, groups = -(-outputs // pe), -(-inputs // simd)
    rows = pack_weights(weight, pe=pe, simd=simd, bits=bits, packing=packing, activation=activation)
    accumulator_bits = bound.bit_length() + 1 + spare
    dut = MacArray(pe=pe, simd=simd, activation=activation, weights=rows, weight_bits=bits, packing=packing,
                   accumulator_bits=accumulator_bits)  # fmt: skip
    words = []
    for window in windows:
        padded = random.integers(low, high + 1, (kernel, kernel, groups * simd))  # beyond the channels: anything
        padded[:, :, :inputs] = window
        words += folds * padded.reshape(-1, simd).tolist()
    sums = run(dut, words, kernel * kernel * groups, idle=idle, seed=seed)
    got = np.array(sums).reshape(pixels, folds * pe)[:, :outputs]
    missing = missing_of(weight, simd=simd, bits=bits, packing=packing, activation=activation)
    half = 1 << (accumulator_bits - 1)
    assert np.array_equal((got + missing + half) % (2 * half) - half, np.einsum("pijc,ocij->po", windows, weight))


def test_one_product() -> None:
    dut = MacArray(pe=1, simd=1, activation=signed(8), weights=[[0b1101]], weight_bits=4, accumulator_bits=12)
    assert run(dut, [[5], [-128], [0]], 1) == [[-15], [384], [0]]


@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle(idle: float) -> None:
    check(outputs=5, inputs=7, kernel=3, pe=2, simd=3, activation=signed(8), bits=8, idle=idle, seed=5)


@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (1, 6), (5, 1), (5, 6), (2, 4), (3, 5), (4, 3), (5, 2)])
def test_foldings(pe: int, simd: int) -> None:
    check(outputs=5, inputs=6, kernel=3, pe=pe, simd=simd, activation=signed(5), bits=5, seed=pe + 10 * simd)


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("activation", [signed(2), unsigned(2), signed(8), unsigned(8), unsigned(1)])
def test_widths(bits: int, activation: Shape) -> None:
    check(outputs=3, inputs=4, pe=2, simd=3, activation=activation, bits=bits, seed=bits, pixels=4)


@pytest.mark.parametrize("activation", [signed(8), unsigned(8), signed(3), unsigned(3)])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_extremes_fill_the_accumulator(activation: Shape, seed: int) -> None:
    """All weights and activations at their ends: an accumulator one bit narrower would wrap."""
    check(outputs=2, inputs=5, kernel=3, pe=2, simd=5, activation=activation, bits=8, seed=seed, extreme=True)


def test_an_accumulator_too_narrow_is_found() -> None:
    with pytest.raises(AssertionError):
        check(outputs=2, inputs=4, pe=2, simd=4, activation=signed(8), bits=8, extreme=True, spare=-1)


LATENCIES = [(1, 5), (2, 6), (3, 7), (4, 8), (5, 8), (6, 8), (7, 9), (9, 9), (11, 10), (12, 10), (16, 10), (17, 11)]


@pytest.mark.parametrize(("simd", "latency"), LATENCIES)
def test_latency(simd: int, latency: int) -> None:
    """`run` checks the cycle of every `done`."""
    assert MacArray.latency_of(W8A8, simd, 8) == latency
    check(outputs=3, inputs=simd, pe=3, simd=simd, activation=signed(8), bits=8, seed=simd)


@pytest.mark.parametrize("activation", [signed(1), unsigned(1), signed(3), unsigned(3), signed(8), unsigned(8)])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("simd", [1, 2, 3, 4, 5, 7, 8, 13])
def test_lut_form(bits: int, simd: int, activation: Shape) -> None:
    for extreme in (False, True):
        check(outputs=3, inputs=simd if bits == 1 else simd + 1, kernel=2, pe=2, simd=simd, activation=activation,
              bits=bits, packing=LUT, seed=simd + extreme, extreme=extreme)  # fmt: skip


@pytest.mark.parametrize(("pe", "simd", "dsp"), [(1, 1, 1), (2, 1, 1), (3, 1, 2), (1, 5, 5), (2, 5, 5), (7, 3, 12)])
def test_dsp(pe: int, simd: int, dsp: int) -> None:
    assert MacArray.dsp_of(W8A8, pe, simd) == dsp


@pytest.mark.parametrize(("change", "message"), [
    (dict(pe=0), "pe: wanted at least 1, got 0"),
    (dict(simd=-1), "simd: wanted at least 1, got -1"),
    (dict(accumulator_bits=0), "accumulator_bits: wanted at least 1, got 0"),
    (dict(weight_bits=1), "weight_bits: wanted at least 2, got 1"),
    (dict(weights=[]), "weights: wanted 1 memories of equal depth for simd 1, got depths []"),
    (dict(weights=[[]]), "weights: wanted 1 memories of equal depth for simd 1, got depths [0]"),
    (dict(simd=2, weights=[[0, 0], [0]]), "weights: wanted 2 memories of equal depth for simd 2, got depths [2, 1]"),
    (dict(activation=signed(11)), "field_bits: wanted at least 18 for 8 x 11 bits, got 17"),
    (dict(packing=Packing("dsp", 1, 0, 4), activation=signed(19)), "activation: wanted at most 18 bits, got 19"),
    (dict(packing=Packing("dsp", 3, 17, 4)), "packing: wanted sums of at most 48 bits, got 50"),
    (dict(weights_in="flash"), "weights_in: wanted block or logic, got 'flash'"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = dict(pe=1, simd=1, activation=signed(8), weights=[[0]], weight_bits=8, accumulator_bits=16)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MacArray(**(good | change))
