# amaranth: UnusedElaboratable=no
"""A gain of every profile and channel against hwgen.numerics.integer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.profiles import WithProfiles
from support.streaming import Run, run_stream, stream_rules

from hwgen.numerics import integer as fixedpoint
from hwgen.rtl.channel_gain import ChannelGainConfig

FACTORS = ((3, 40961, 65535), (1, 2, 70), (12345, 9, 32768))


def check(
    config: ChannelGainConfig, values: list[int], profiles: list[int], **conditions: float
) -> Run:
    """Frames one after another, each in its profile."""
    frame = config.pixels * config.channels
    place = np.arange(len(values))
    own = np.array(config.factors)[np.array(profiles)[place // frame], place % config.channels]
    kind = config.output
    expected = fixedpoint.requantise(np.array(values) * own, config.shift, kind.width, kind.signed).tolist()
    dut: Any = config.build()
    done = run_stream(dut if config.profiles == 1 else WithProfiles(dut, profiles), values, len(values), **conditions)
    assert done.outputs == expected
    return done


def drawn(shape: Shape, count: int) -> list[int]:
    low, high = fixedpoint.bounds(shape.width, shape.signed)
    found: list[int] = np.random.default_rng(count).integers(low, high + 1, count).tolist()
    return found


@pytest.mark.parametrize(("input", "factors", "shift", "output"), [
    (signed(8), FACTORS, 7, signed(16)),
    (signed(16), FACTORS, 12, signed(8)),
    (unsigned(5), FACTORS[:2], 0, signed(16)),
    (signed(8), ((5,), (7,), (0,)), -3, signed(16)),
    (signed(8), ((3, 5),), 2, signed(9)),
    (signed(8), ((3,),), 2, signed(9)),
])  # fmt: skip
def test_equals_the_contract(
    input: Shape, factors: tuple[tuple[int, ...], ...], shift: int, output: Shape
) -> None:
    config = ChannelGainConfig(input, factors, shift, output, pixels=4)
    frames = [number % len(factors) for number in (2, 0, 1, 1, 2)]
    check(config, drawn(input, 5 * 4 * config.channels), frames)


def test_latency_and_interval() -> None:
    config = ChannelGainConfig(signed(8), FACTORS, 4, signed(16), pixels=3)
    run = check(config, drawn(signed(8), 45), [0, 2, 1, 0, 1])
    assert run.input_cycles == list(range(45))
    assert run.output_cycles == [cycle + config.latency for cycle in range(45)]


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float) -> None:
    config = ChannelGainConfig(signed(8), FACTORS, 4, signed(16), pixels=2)
    check(config, drawn(signed(8), 36), [1, 0, 2, 1, 2, 0], idle=idle, stall=stall, seed=4)


def test_stream_rules() -> None:
    config = ChannelGainConfig(signed(8), FACTORS, 4, signed(16), pixels=2)
    assert stream_rules(WithProfiles(config.build(), [1, 0, 2]), drawn(signed(8), 18), 18, stall=0.6) > 0


def test_cost() -> None:
    config = ChannelGainConfig(signed(8), FACTORS, 4, signed(16), pixels=2)
    assert config.cost("xc7").dsp == 1 and config.memory.form == "logic"
    assert ChannelGainConfig(signed(8), FACTORS, -12, signed(16), pixels=2).cost("xc7").dsp == 2
    large = tuple(tuple(range(1, 257)) for _ in range(8))
    config = ChannelGainConfig(signed(8), large, 4, signed(16), pixels=2)
    assert config.memory.form == "block" and config.cost("xc7").bram36 == 0.5


@pytest.mark.parametrize(("changes", "message"), [
    ({"factors": ((1, 2), (3,))}, r"factors: wanted some, of as many channels in every profile, got \[1, 2\]"),
    ({"factors": ()}, r"factors: wanted some, of as many channels in every profile, got \[\]"),
    ({"factors": ((1, -2),)}, "factors: wanted at least 0, got -2"),
    ({"depth": 0}, "depth: wanted at least 1, got 0"),
    ({"pixels": 0}, "pixels: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = dict(input=signed(8), factors=FACTORS, shift=1, output=signed(8), pixels=2)
    with pytest.raises(ValueError, match=message):
        ChannelGainConfig(**(arguments | changes))
