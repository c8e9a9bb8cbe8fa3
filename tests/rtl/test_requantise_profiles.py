# amaranth: UnusedElaboratable=no
"""The requantiser's tables of profiles: each sum with the numbers of its own, whatever its neighbours have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed
from support.streaming import simulate

from hwgen.numerics import integer as fixedpoint
from hwgen.rtl.requantise import Requantiser, RequantiserConfig


@pytest.mark.parametrize("prelu", [False, True])
@pytest.mark.parametrize(("channels", "profiles", "phases"), [(1, 2, 1), (3, 3, 1), (4, 8, 1), (5, 3, 4), (1, 3, 2)])
def test_every_sum_has_its_own_profile(channels: int, profiles: int, phases: int, prelu: bool) -> None:
    """They may change from sum to sum."""
    random = np.random.default_rng([channels, profiles])
    bias = random.integers(-4000, 4001, (profiles, phases, channels))
    slope = random.integers(-128, 128, (profiles, channels))
    shift = random.integers(0, 6, channels)
    own: dict[str, Any] = dict(bias=bias.reshape(-1).tolist(), shift=shift.tolist(),
                               slope=slope.reshape(-1).tolist() if prelu else None)  # fmt: skip
    fraction = 6 if prelu else 0
    dut = RequantiserConfig.from_integers(
        accumulator_bits=16, output=signed(8), fraction=fraction, phases=phases, profiles=profiles, **own
    ).build(**own)
    sums = random.integers(-9000, 9001, 120)
    channel = np.arange(len(sums)) % channels
    profile, phase = random.integers(0, profiles, len(sums)), random.integers(0, phases, len(sums))
    total, shifts = sums + bias[profile, phase, channel], shift[channel]
    if prelu:
        total, shifts = fixedpoint.prelu(total, slope[profile, channel], fraction), shifts + fraction
    expected = fixedpoint.requantise(total, shifts, 8, True).tolist()
    found: list[int] = []

    async def bench(ctx: Any) -> None:
        for number in range(len(sums) + dut.config.latency):
            if number >= dut.config.latency:
                assert ctx.get(dut.o_valid)
                found.append(ctx.get(dut.o))
            there = number < len(sums)
            ctx.set(dut.valid, there)
            if there:
                ctx.set(dut.accumulator, int(sums[number]))
                ctx.set(dut.profile, int(profile[number]))
                if phases > 1:
                    ctx.set(dut.phase, int(phase[number]))
            await ctx.tick()

    simulate(dut, bench)
    assert found == expected


def test_cost_and_errors() -> None:
    one, eight = (
        RequantiserConfig(16, 24, signed(8), bias_bits=20, slope_bits=8, fraction=6, right=9, profiles=profiles)
        for profiles in (1, 8)
    )
    assert eight.cost("xc7").lut > one.cost("xc7").lut + 20 and eight.cost("xc7").dsp == one.cost("xc7").dsp
    assert eight.latency == one.latency
    with pytest.raises(ValueError, match="profiles: wanted at least 1, got 0"):
        RequantiserConfig(2, 16, signed(8), profiles=0)
    config = RequantiserConfig(2, 16, signed(8), profiles=3)
    with pytest.raises(ValueError, match=r"bias, shift, slope: wanted 6, 2, none, got 2, 2, none"):
        Requantiser(config, bias=[1, 2], shift=[0, 0])
