"""Drive a MacArray: words in, sums out, against plain Python integers."""

from __future__ import annotations

from operator import mul
from typing import Any

import numpy as np
from amaranth.hdl import Shape

from hwgen.numerics.integer import bounds
from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.mac import MacArray, MacConfig
from hwgen.rtl.packing import W8A8, Packing
from hwgen.rtl.weight_reader import WORD_LATENCY
from hwgen.rtl.weights import bias_correction, pack_weights, weight_limit
from support.streaming import simulate


def run(dut: MacArray, words: list[list[int]], per_fold: int, *, idle: float = 0.0, seed: int = 0) -> list[list[int]]:
    """Issue words (fold after fold) with pauses; `done` must come `latency` cycles after a fold's last, only then.

    While nothing is issued `word` carries garbage: it must not count.
    """
    random = np.random.default_rng(seed)
    width = dut.config.activation.width
    mask = (1 << width) - 1
    sums: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        on_the_way: list[int | None] = [None] * WORD_LATENCY
        due = [False] * dut.config.latency
        sent = surplus = 0
        while surplus < 30:
            assert ctx.get(dut.done) == due[0]
            if due[0]:
                flat = ctx.get(dut.accumulators)
                fold = []
                for p in range(dut.config.sums):
                    value = flat >> p * dut.config.accumulator_bits & (1 << dut.config.accumulator_bits) - 1
                    fold.append(value - (value >> dut.config.accumulator_bits - 1 << dut.config.accumulator_bits))
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


def check_sums(
    weight: np.ndarray, windows: np.ndarray, *, pe: int, simd: int, activation: Shape, bits: int,
    packing: Packing = W8A8, taps: int = 1, idle: float = 0.0, seed: int = 0, spare: int = 0,
    codebook: Codebook | None = None,
) -> None:
    """Windows (pixels, K, K, I) through all folds of a layer (O, I, K, K): every sum, in its exact cycle.

    Lanes beyond the channels carry anything. The accumulator is as wide as the worst case asks, and `spare` more. With
    a codebook the memories hold indices.
    """
    (outputs, inputs, kernel, _), pixels = weight.shape, len(windows)
    folds, groups = -(-outputs // pe), -(-inputs // simd)
    low, high = bounds(activation.width, activation.signed)
    padded = np.random.default_rng(seed).integers(low, high + 1, (pixels, kernel, kernel, groups * simd))
    padded[..., :inputs] = windows
    rows = padded.reshape(pixels, kernel // taps, taps, kernel, groups, simd).transpose(0, 1, 3, 4, 2, 5)
    words = [word for window in rows.reshape(pixels, -1, taps * simd).tolist() for word in folds * window]

    largest = max(-low, high) * int(np.abs(weight).reshape(outputs, -1).sum(axis=1).max())
    layer: dict[str, Any] = dict(simd=simd, bits=bits, packing=packing, activation=activation, taps=taps)
    rows = pack_weights(weight, pe=pe, codebook=codebook, **layer)
    accumulator_bits = largest.bit_length() + 1 + spare
    config = MacConfig(pe, taps * simd, activation, bits, accumulator_bits, len(rows[0]), packing, codebook=codebook)
    dut = config.build(rows)
    sums = run(dut, words, len(words) // pixels // folds, idle=idle, seed=seed)
    got = np.array(sums).reshape(pixels, folds * pe)[:, :outputs] + bias_correction(weight, **layer)
    half = 1 << (dut.config.accumulator_bits - 1)
    flat = weight.transpose(0, 2, 3, 1).reshape(outputs, -1).tolist()
    expected = [[sum(map(mul, w, window)) for w in flat] for window in windows.reshape(pixels, -1).tolist()]
    assert ((got + half) % (2 * half) - half).tolist() == expected


def worst_cases(outputs: int, inputs: int, bits: int, activation: Shape, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (8 * outputs, inputs, 1, 1) and windows (6, 1, 1, inputs) at the ends of their ranges, and at random.

    Fold by fold of `outputs` channels: all weights at either end, signs that alternate from channel to channel or from
    lane to lane, ends and zeros at random, anything at random. The activations likewise.
    """
    random = np.random.default_rng(seed)
    largest = weight_limit(bits)
    low, high = bounds(activation.width, activation.signed)
    channel, lane = np.mgrid[:outputs, :inputs]
    least = -largest if bits > 1 else 1  # weights of 1 bit are never zero
    weights = [
        np.full_like(lane, largest),
        np.full_like(lane, -largest),
        np.where(channel % 2, largest, -largest),
        np.where(channel % 2, -largest, largest),
        np.where(lane % 2, largest, -largest),
        np.where(channel % 3 == 1, 0 if bits > 1 else 1, -largest),
        random.choice([-largest, least + largest if bits > 1 else 1, largest], lane.shape),
        random.integers(-largest, largest + 1, lane.shape) if bits > 1 else random.choice([-1, 1], lane.shape),
    ]
    even = np.arange(inputs) % 2
    windows = [
        np.full(inputs, low),
        np.full(inputs, high),
        np.where(even, low, high),
        np.where(even, high, low),
        random.choice([low, high], inputs),
        random.integers(low, high + 1, inputs),
    ]
    return np.concatenate(weights).reshape(-1, inputs, 1, 1), np.array(windows).reshape(-1, 1, 1, inputs)


def random_layer(
    outputs: int, inputs: int, kernel: int, bits: int, activation: Shape, seed: int, pixels: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (O, I, K, K) and windows (pixels, K, K, I) at random."""
    random = np.random.default_rng(seed)
    largest = weight_limit(bits)
    low, high = bounds(activation.width, activation.signed)
    weight = random.integers(-largest, largest + 1, (outputs, inputs, kernel, kernel))
    return weight, random.integers(low, high + 1, (pixels, kernel, kernel, inputs))
