# amaranth: UnusedElaboratable=no
"""Requantiser against hwgen.numerics.integer and against plain fractions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Shape, Signal, signed, unsigned
from support.streaming import simulate

from hwgen.numerics import integer as fixedpoint
from hwgen.rtl.requantise import Requantiser, RequantiserConfig
from hwgen.rtl.round_saturate import Coarse, add_round_saturate


def run(dut: Requantiser, accumulators: Sequence[int], *, idle: float = 0.0, seed: int = 0) -> list[int]:
    """Feed accumulators, with pauses; every result must come `latency` cycles after its accumulator, and no other."""
    random = np.random.default_rng(seed)
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        due: list[bool] = [False] * dut.config.latency
        sent = 0
        for _ in range(40 * len(accumulators) + dut.config.latency + 30):
            assert ctx.get(dut.o_valid) == due[0]
            if due[0]:
                results.append(ctx.get(dut.o))
            now = sent < len(accumulators) and random.random() >= idle
            ctx.set(dut.valid, now)
            if now:
                ctx.set(dut.accumulator, accumulators[sent])
                sent += 1
            due = [*due[1:], now]
            await ctx.tick()
            if sent == len(accumulators) and not any(due) and random.random() < 0.02:
                return

    simulate(dut, bench)
    assert len(results) == len(accumulators)
    return results


def requantiser(
    bits: int,
    *,
    bias: Sequence[int],
    shift: Sequence[int],
    output: Shape,
    slope: Sequence[int] | None = None,
    is_coarse: Sequence[bool] = (),
    **more: Any,
) -> Requantiser:
    config = RequantiserConfig.from_integers(
        accumulator_bits=bits, bias=bias, shift=shift, slope=slope, output=output, **more
    )
    return Requantiser(config, bias=bias, shift=shift, slope=slope, is_coarse=is_coarse)


def expected(
    accumulators: Sequence[int],
    bias: Sequence[int],
    shift: Sequence[int],
    slope: Sequence[int] | None,
    fraction: int,
    output: Shape,
) -> list[int]:
    """Channel by channel in turn, by the numeric contract."""
    channel = np.arange(len(accumulators)) % len(bias)
    total = np.array(accumulators, dtype=np.int64) + np.array(bias)[channel]
    shifts = np.array(shift)[channel]
    if slope is not None:
        total, shifts = fixedpoint.prelu(total, np.array(slope)[channel], fraction), shifts + fraction
    return fixedpoint.requantise(total, shifts, output.width, output.signed).tolist()


def check(
    accumulators: Sequence[int],
    *,
    bits: int,
    bias: Sequence[int],
    shift: Sequence[int],
    slope: Sequence[int] | None = None,
    fraction: int = 0,
    output: Shape,
    idle: float = 0.0,
) -> list[int]:
    dut = requantiser(bits, bias=bias, shift=shift, slope=slope, fraction=fraction, output=output)
    results = run(dut, accumulators, idle=idle)
    assert results == expected(accumulators, bias, shift, slope, fraction, output)
    return results


@pytest.mark.parametrize(("accumulator", "bias", "shift", "slope", "result"), [
    (2, 0, 2, None, 0),  # 0.5
    (6, 0, 2, None, 2),  # 1.5
    (10, 0, 2, None, 2),  # 2.5
    (-2, 0, 2, None, 0),  # -0.5
    (-6, 0, 2, None, -2),  # -1.5
    (-10, 0, 2, None, -2),  # -2.5
    (9, 1, 2, None, 2),  # the bias comes first
    (11, 0, 2, None, 3),
    (1000, 0, 2, None, 127),
    (-1000, 0, 2, None, -128),
    (508, 0, 2, None, 127),
    (510, 0, 2, None, 127),  # 127.5 would round to 128
    (-514, 0, 2, None, -128),  # -128.5 rounds to -128
    (5, 0, 0, None, 5),
    (5, 0, -3, None, 40),
    (-17, 0, -3, None, -128),
    (-2048, 0, 12, None, 0),  # -0.5, the shift as wide as the accumulator
    (2047, 0, 12, None, 0),
    (-2048, 0, 11, None, -1),
    (-2048, 0, 40, None, 0),
    (-40, 0, 2, 16, -10),  # slope 1 (fraction 4)
    (-40, 0, 2, 8, -5),
    (-40, 0, 2, 2, -1),  # -1.25
    (-40, 0, 2, 0, 0),
    (-40, 0, 2, -16, 10),  # a negative slope turns the sign
    (40, 0, 2, -16, 10),  # and leaves the positive side alone
    (-6, 0, 2, 5, 0),  # -30 / 64: rounded once, behind the product
    (0, -1, 0, 16, -1),
])  # fmt: skip
def test_table(accumulator: int, bias: int, shift: int, slope: int | None, result: int) -> None:
    slopes = None if slope is None else [slope]
    got = check([accumulator], bits=12, bias=[bias], shift=[shift], slope=slopes, fraction=4, output=signed(8))
    assert got == [result]


def test_against_plain_fractions() -> None:
    """Every tie between -80 and 80: nothing but Python's own rounding, which is half to even."""
    for shift in (1, 2, 5):
        accumulators = list(range(-80, 81))
        got = check(accumulators, bits=8, bias=[0], shift=[shift], output=signed(8))
        assert got == [round(Fraction(value, 1 << shift)) for value in accumulators]
        half_up = [(value + (1 << shift - 1)) >> shift for value in accumulators]
        truncated = [value >> shift for value in accumulators]
        assert got != half_up
        assert got != truncated


@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("prelu", [False, True])
def test_idle(idle: float, prelu: bool) -> None:
    """Nothing ever stalls behind it, so pauses come from the source alone."""
    random = np.random.default_rng(3)
    accumulators = random.integers(-5000, 5000, 70).tolist()
    check(accumulators, bits=15, bias=[4, -90, 1000], shift=[5, 6, 4], slope=[20, -3, 64] if prelu else None,
          fraction=6, output=signed(8), idle=idle)  # fmt: skip


@pytest.mark.parametrize(("prelu", "latency"), [(False, 5), (True, 7)])
def test_latency(prelu: bool, latency: int) -> None:
    slope = [1] if prelu else None
    dut = requantiser(9, bias=[0], shift=[0], slope=slope, output=signed(8))
    assert dut.config.latency == latency  # `run` checks it in the simulation
    assert run(dut, [7, -100]) == [7, -100]


@pytest.mark.parametrize("output", [Shape(bits, kind) for bits in (1, 2, 3, 7, 8, 16) for kind in (False, True)])
def test_output_types_saturate_at_both_ends(output: Shape) -> None:
    accumulators = [-(2**19), -3000, -9, -3, -2, -1, 0, 1, 2, 3, 9, 3000, 2**19 - 1]
    got = check(accumulators, bits=20, bias=[0], shift=[1], output=output)
    assert (min(got), max(got)) == fixedpoint.bounds(output.width, output.signed)


@pytest.mark.parametrize("shift", [[0], [-16], [40], [-5, 0, 7], [40, -16], [3, 3, 3], [0, 0], [-1, -4]])
@pytest.mark.parametrize("prelu", [False, True])
def test_shifts(shift: list[int], prelu: bool) -> None:
    """Zero, negative, wider than the accumulator, and all of them in one layer."""
    random = np.random.default_rng(len(shift))
    accumulators = np.concatenate([random.integers(-2048, 2048, 20), random.integers(-3, 4, 20)]).tolist()
    slope = random.integers(-128, 128, len(shift)).tolist() if prelu else None
    check(accumulators, bits=13, bias=[0] * len(shift), shift=shift, slope=slope, fraction=7, output=signed(8))


def test_random() -> None:
    random = np.random.default_rng(17)
    for case in range(25):
        bits = int(random.integers(2, 31))
        channels = int(random.integers(1, 6))
        low, high = fixedpoint.bounds(bits, True)
        bias = random.integers(low // 2, high // 2 + 1, channels)
        accumulators = random.integers(low // 2, high // 2 + 1, 40)
        shift = random.integers(-3, bits + 3, channels)
        fraction = int(random.integers(0, 9))
        slope = random.integers(-256, 256, channels).tolist() if case % 2 else None
        output = Shape(int(random.integers(1, 17)), bool(random.integers(0, 2)))
        check(accumulators.tolist(), bits=bits, bias=bias.tolist(), shift=shift.tolist(), slope=slope,
              fraction=fraction, output=output)  # fmt: skip


@pytest.mark.parametrize("slope", [[-128], [127], [-1], [0], [1], [-32768], [32767], [0, -1, 5]])
@pytest.mark.parametrize("fraction", [0, 6, 15])
def test_slopes(slope: list[int], fraction: int) -> None:
    accumulators = [-(2**15), 2**15 - 1, -1, 0, 1, -7, 7, -255, 255]
    channels = len(slope)
    check(accumulators, bits=17, bias=[0] * channels, shift=[4] * channels, slope=slope, fraction=fraction,
          output=signed(8))  # fmt: skip


def test_widest_bias() -> None:
    check([0, 0, -5, 5], bits=33, bias=[-(2**31), 2**31 - 1], shift=[24, 24], output=signed(8))


@pytest.mark.parametrize(("width", "shift"), [(1, 0), (1, 1), (1, 5), (2, 1), (2, 3), (4, 3), (4, 4), (5, 9)])
@pytest.mark.parametrize("output", [signed(1), unsigned(1), signed(4), unsigned(4)])
def test_add_round_saturate_takes_every_value(width: int, shift: int, output: Shape) -> None:
    m = Module()
    value = Signal(signed(width))
    result = add_round_saturate(m, value, shift, output, "result")
    low, high = fixedpoint.bounds(width, True)

    async def bench(ctx: Any) -> None:
        for number in range(low, high + 1):
            ctx.set(value, number)
            await ctx.tick().repeat(2)
            assert ctx.get(result) == fixedpoint.requantise(number, shift, output.width, output.signed), number

    simulate(m, bench)


@pytest.mark.parametrize(("width", "shift"), [(4, 0), (7, 2), (8, 0), (9, 5)])
@pytest.mark.parametrize("output", [signed(5), unsigned(5), signed(8), unsigned(4)])
@pytest.mark.parametrize("coarse", [Coarse(1, 0), Coarse(3, 1), Coarse(2, 2), Coarse(4, 0)])
def test_a_coarse_grid_takes_every_value(width: int, shift: int, output: Shape, coarse: Coarse) -> None:
    """Chosen value by value, or always."""
    m = Module()
    value, choice = Signal(signed(width)), Signal()
    results = [
        add_round_saturate(m, value, shift, output, "result", coarse, choice),
        add_round_saturate(m, value, shift, output, "always", coarse),
    ]
    low, high = fixedpoint.bounds(width, True)

    async def bench(ctx: Any) -> None:
        for number in range(low, high + 1):
            plain = fixedpoint.requantise(number, shift, output.width, output.signed)
            other = int(fixedpoint.requantise(number, shift, coarse.bits, output.signed)) << coarse.left
            for chosen in (0, 1):
                ctx.set(value, number)
                ctx.set(choice, chosen)
                await ctx.tick().repeat(2)
                assert ctx.get(results[0]) == (other if chosen else plain), number
                assert ctx.get(results[1]) == other, number

    simulate(m, bench)


@pytest.mark.parametrize("is_coarse", [[False, True, False], [True, True, True], [False, False, False]])
@pytest.mark.parametrize("slope", [None, [30, -50, 64]])
def test_coarse_channels(is_coarse: list[bool], slope: list[int] | None) -> None:
    """Those channels that are on a coarser grid, at the plain latency, with pauses."""
    random = np.random.default_rng(4)
    accumulators = random.integers(-(2**11), 2**11, 90)
    shift, bias = [3, 5, 4], [5, -9, 40]
    dut = requantiser(13, bias=bias, shift=shift, slope=slope, fraction=6, output=signed(8), coarse=(5, 2),
                      is_coarse=is_coarse)  # fmt: skip
    assert dut.config.latency == (5 if slope is None else 7)
    plain = expected(accumulators.tolist(), bias, shift, slope, 6, signed(8))
    other = expected(accumulators.tolist(), bias, shift, slope, 6, signed(5))
    wanted = [b << 2 if is_coarse[n % 3] else a for n, (a, b) in enumerate(zip(plain, other, strict=True))]
    assert run(dut, accumulators.tolist(), idle=0.3) == wanted


def test_phases_have_biases_of_their_own() -> None:
    """Three channels, each pixel of another phase."""
    biases = [[0, 1000, -700], [30, -40, 5], [-1000, 9, 77], [4, 4, 4]]
    dut = requantiser(12, bias=sum(biases, []), shift=[2, 3, 4], output=signed(9), phases=4)
    random = np.random.default_rng(5)
    accumulators, phases = random.integers(-900, 900, (20, 3)), random.integers(0, 4, 20)
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        for place in range(60 + dut.config.latency):
            if place < 60:
                ctx.set(dut.phase, int(phases[place // 3]))
                ctx.set(dut.accumulator, int(accumulators[place // 3, place % 3]))
            ctx.set(dut.valid, place < 60)
            await ctx.tick()
            if ctx.get(dut.o_valid):
                results.append(ctx.get(dut.o))

    simulate(dut, bench)
    totals = accumulators + np.array(biases)[phases]
    assert results == fixedpoint.requantise(totals, np.array([2, 3, 4]), 9, True).reshape(-1).tolist()


@pytest.mark.parametrize("coarse", [(0, 1), (3, -1), (7, 2), (9, 0)])
def test_coarse_error(coarse: tuple[int, int]) -> None:
    wanted = f"coarse: wanted at most the output's 8 bits, got {coarse[0]} shifted by {coarse[1]}"
    with pytest.raises(ValueError, match=f"^{wanted}$"):
        requantiser(8, bias=[0], shift=[0], output=signed(8), coarse=coarse)
    with pytest.raises(ValueError, match="^is_coarse: wanted one for each of 2 channels, got 1$"):
        requantiser(8, bias=[0] * 2, shift=[0] * 2, output=signed(8), coarse=(4, 1), is_coarse=[True])


@pytest.mark.parametrize(("bias", "shift", "slope", "message"), [
    ([1, 2], [1], None, "bias, shift, slope: wanted 1, 1, none, got 2, 1, none"),
    ([1], [1, 2], None, "bias, shift, slope: wanted 1, 1, none, got 1, 2, none"),
    ([1], [1], [2], "bias, shift, slope: wanted 1, 1, none, got 1, 1, 1"),
])  # fmt: skip
def test_errors(bias: list[int], shift: list[int], slope: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Requantiser(RequantiserConfig(1, 8, signed(8)), bias=bias, shift=shift, slope=slope)


@pytest.mark.parametrize("slope", [None, [3, 4]])
def test_slope_error(slope: list[int] | None) -> None:
    wanted = f"bias, shift, slope: wanted 1, 1, 1, got 1, 1, {'none' if slope is None else 2}"
    with pytest.raises(ValueError, match=f"^{wanted}$"):
        Requantiser(RequantiserConfig(1, 8, signed(8), slope_bits=4), bias=[1], shift=[2], slope=slope)


@pytest.mark.parametrize(("change", "message"), [
    (dict(channels=0), "channels: wanted at least 1, got 0"),
    (dict(accumulator_bits=0), "accumulator_bits: wanted at least 1, got 0"),
    (dict(phases=0), "phases: wanted at least 1, got 0"),
    (dict(ceiling=0), "ceiling: wanted 1 .. 255, got 0"),
    (dict(ceiling=256), "ceiling: wanted 1 .. 255, got 256"),
    (dict(ceiling=3, coarse=(4, 1)), "ceiling: wanted none beside a coarse grid, got 3"),
])  # fmt: skip
def test_config_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(RequantiserConfig(1, 8, unsigned(8)), **change)


@pytest.mark.parametrize("slope", [None, [30, -50, 64]])
@pytest.mark.parametrize(("output", "ceiling"), [
    (unsigned(8), 1), (unsigned(8), 96), (unsigned(8), 254), (unsigned(8), 255), (unsigned(3), 6), (unsigned(1), 1),
    (signed(8), 100),
])  # fmt: skip
def test_ceiling(output: Shape, ceiling: int, slope: list[int] | None) -> None:
    """The smaller one of the ceiling and the plain result, at the plain latency, with pauses: at every value around
    the ceiling and the output's ends."""
    shift, bias = [3, 3, 2], [5, -9, 40]
    edges = [(code << 3) + around for code in (0, ceiling, 1 << output.width) for around in range(-30, 31)]
    accumulators = [value for value in edges for _ in range(3)] + [-(2**14), 2**14 - 1, 2**13]
    dut = requantiser(16, bias=bias, shift=shift, slope=slope, fraction=6, output=output, ceiling=ceiling)
    plain = expected(accumulators, bias, shift, slope, 6, output)
    assert run(dut, accumulators, idle=0.2) == [min(value, ceiling) for value in plain]
    assert max(plain) > ceiling or ceiling == 255 or output.width == 1
