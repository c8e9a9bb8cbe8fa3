# amaranth: UnusedElaboratable=no
"""PowerNormaliser against power_normalise: values, latency, interval, back-pressure, every kind of frame."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.streaming import Run, run_stream, stream_rules

from hwgen.numerics.complex import power_gain, power_normalise
from hwgen.numerics.integer import bounds
from hwgen.rtl.power import PowerNormaliserConfig

ONE = 65536
BYTE = signed(8)


def check(
    frames: np.ndarray, power: int, input: Shape = BYTE, change: dict[str, int] | None = None, **run: Any
) -> Run:
    """Frames (F, values) one after another."""
    wanted = np.concatenate([power_normalise(frame, power) for frame in frames]).tolist()
    config = PowerNormaliserConfig(input=input, values=frames.shape[1], power=power, **(change or {}))
    done = run_stream(config.build(), frames.reshape(-1).tolist(), len(wanted), **run)
    assert done.outputs == wanted
    return done


def byte_config(values: int) -> PowerNormaliserConfig:
    return PowerNormaliserConfig(input=BYTE, values=values, power=ONE)


def frames(count: int, values: int, input: Shape = BYTE, seed: int = 0) -> np.ndarray:
    """Frames of very different energies: full range, few bits, nearly nothing, nothing, and the most there can be."""
    random = np.random.default_rng(seed)
    low, high = bounds(input.width, input.signed)
    found = []
    for frame in range(count):
        kind = frame % 6
        limit = (high, max(high >> 3, 1), 1, high, high, max(high >> 5, 1))[kind]
        x = random.integers(max(low, -limit - 1), limit + 1, values)
        if kind == 3:
            x[:] = 0
            x[random.integers(values)] = random.integers(low, high + 1)
        if kind == 4:
            x[:] = low if input.signed else high
        if kind == 5 and frame % 4 == 1:
            x[:] = 0
        found.append(x)
    return np.array(found)


@pytest.mark.parametrize("values", [1, 2, 3, 17, 60, 200])
@pytest.mark.parametrize("power", [ONE, ONE // 2, 3, 12345678 % 2**20])
def test_values(values: int, power: int) -> None:
    check(frames(6, values, seed=values + power), power)


@pytest.mark.parametrize("input", [signed(2), signed(4), signed(6), unsigned(8), unsigned(3), signed(16)], ids=str)
def test_types(input: Shape) -> None:
    check(frames(12, 40, input), ONE, input)


@pytest.mark.parametrize(("first", "second", "exact"), [(60, 30, 32767.96875), (68, 34, 32767.5)])
def test_a_value_that_only_rounding_takes_beyond_the_largest(first: int, second: int, exact: float) -> None:
    """It is 2**15 rounded, and 2**15 - 1 limited; found by trying all such frames of two values that are not 0."""
    frame, power = np.zeros(40, dtype=np.int64), 4 * ONE
    frame[:2] = first, second
    gain, shift = power_gain(int((frame * frame).sum()), 20, power)
    assert first * gain / 2**shift == exact and power_normalise(frame, power)[0] == 32767
    check(np.array([frame, -frame, frame]), power, idle=0.2, stall=0.2)


def test_random() -> None:
    random = np.random.default_rng(3)
    for trial in range(15):
        input = Shape(int(random.integers(2, 9)), True)
        values, power = int(random.integers(1, 90)), int(random.integers(1, 1 << random.integers(1, 21)))
        check(frames(6, values, input, trial), power, input, idle=0.2, stall=0.2, seed=trial)


@pytest.mark.parametrize("values", [1, 5, 40, 63, 70, 150])
def test_latency_and_interval(values: int) -> None:
    """`latency` from a frame's last value to its first result, then one per cycle; frames every `frame_cycles`."""
    run = check(frames(4, values), ONE)
    config = byte_config(values)
    latency, interval = config.latency, config.frame_cycles
    firsts, lasts = run.output_cycles[::values], run.output_cycles[values - 1 :: values]
    assert firsts[0] == run.input_cycles[values - 1] + latency
    assert [last - first for first, last in zip(firsts, lasts, strict=True)] == [values - 1] * 4
    assert np.diff(firsts).tolist() == [interval] * 3
    if values >= config.gain_cycles:
        assert run.input_cycles == list(range(4 * values))


@pytest.mark.parametrize("values", [64, 100])
def test_latency_is_the_same_for_every_energy(values: int) -> None:
    for power in (1, ONE, 1 << 20):
        run = check(frames(6, values), power)
        latency = byte_config(values).latency
        assert run.output_cycles[::values] == [cycle + latency for cycle in run.input_cycles[values - 1 :: values]]


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("values", [1, 7, 80])
def test_idle_and_stall(values: int, idle: float, stall: float) -> None:
    check(frames(6, values, seed=5), ONE, idle=idle, stall=stall, seed=8)


@pytest.mark.parametrize("values", [1, 2, 30, 100])
@pytest.mark.parametrize("more", [0, 1, 13])
def test_a_buffer_of_a_frame_is_enough(values: int, more: int) -> None:
    check(frames(5, values), ONE, change=dict(buffer_depth=values + more))
    check(frames(5, values), ONE, change=dict(buffer_depth=values + more), idle=0.2, stall=0.5)


def test_buffer_depth() -> None:
    """With the default depth a value is taken in every cycle, with one less it is not."""
    depth = byte_config(90).default_buffer_depth
    assert depth == 90 + byte_config(90).gain_cycles
    assert check(frames(4, 90), ONE, change=dict(buffer_depth=depth)).input_cycles == list(range(360))
    assert check(frames(4, 90), ONE, change=dict(buffer_depth=depth - 1)).input_cycles != list(range(360))


@pytest.mark.parametrize("depth", range(1, PowerNormaliserConfig.default_depth + 2))
def test_depth(depth: int) -> None:
    run = check(frames(1, 90), ONE, change=dict(depth=depth))
    lag = max(depth, PowerNormaliserConfig.default_depth)
    first = run.output_cycles[0]
    assert run.output_cycles == [first + lag * (n // depth) + n % depth for n in range(90)]


def test_stream_rules() -> None:
    dut = byte_config(20).build()
    assert stream_rules(dut, list(range(-50, 50)), 100) > 0


@pytest.mark.parametrize(("change", "message"), [
    (dict(values=0), "values: wanted at least 1, got 0"),
    (dict(power=0), "power: wanted at least 1, got 0"),
    (dict(depth=0), "depth: wanted at least 1, got 0"),
    (dict(buffer_depth=7), "buffer_depth: wanted at least a frame of 8, got 7"),
    (dict(input=signed(17)), "input: wanted at most 16 bits, got 17"),
    (dict(values=1 << 20, power=1 << 40), "symbols x power: wanted at most 56 bits, got 60"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PowerNormaliserConfig(**(dict(input=signed(8), values=8, power=ONE) | change))
