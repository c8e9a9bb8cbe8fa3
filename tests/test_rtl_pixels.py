# amaranth: UnusedElaboratable=no
"""PixelSerialiser: beats of many values against the values."""

from __future__ import annotations

import numpy as np
import pytest
from streaming import Run, run_stream, stream_rules

from hwgen.rtl.pixels import PixelSerialiser


def beats_of(pixels: list[list[int]], bits: int) -> list[int]:
    return [sum(value << channel * bits for channel, value in enumerate(pixel)) for pixel in pixels]


def check(pixels: list[list[int]], bits: int, **conditions: float) -> Run:
    channels = len(pixels[0])
    run = run_stream(PixelSerialiser(channels, bits), beats_of(pixels, bits), len(pixels) * channels, **conditions)
    assert run.outputs == [value for pixel in pixels for value in pixel]
    return run


def test_low_bits_first() -> None:
    run = run_stream(PixelSerialiser(3, 8), [0x030201, 0xFF00FE], 6)
    assert run.outputs == [0x01, 0x02, 0x03, 0xFE, 0x00, 0xFF]


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float) -> None:
    check(np.random.default_rng(5).integers(0, 256, (15, 3)).tolist(), 8, idle=idle, stall=stall, seed=4)


@pytest.mark.parametrize(("channels", "bits"), [(1, 1), (1, 8), (2, 1), (2, 5), (3, 8), (5, 3)])
def test_latency_and_interval(channels: int, bits: int) -> None:
    """The first value after `latency`, then one in every cycle; a pixel accepted every `channels` cycles."""
    pixels = np.random.default_rng(bits).integers(0, 1 << bits, (9, channels)).tolist()
    run = check(pixels, bits)
    assert PixelSerialiser.latency == 1
    assert run.output_cycles == list(range(1, 1 + 9 * channels))
    # The second pixel waits in a place of its own while the first one goes out.
    assert run.input_cycles == [0, *(1 + channels * pixel for pixel in range(8))]


def test_latency_of_a_lone_pixel() -> None:
    run = check([[1, 2, 3]], 8)
    assert (run.input_cycles, run.output_cycles) == ([0], [1, 2, 3])


@pytest.mark.parametrize("channels", [1, 3])
def test_stream_rules(channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (30, channels)).tolist()
    assert stream_rules(PixelSerialiser(channels, 8), beats_of(pixels, 8), 30 * channels) > 0


@pytest.mark.parametrize(("channels", "bits", "message"), [
    (0, 8, "channels: wanted at least 1, got 0"),
    (3, 0, "bits: wanted at least 1, got 0"),
    (-1, 0, "channels: wanted at least 1, got -1"),
])  # fmt: skip
def test_errors(channels: int, bits: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        PixelSerialiser(channels, bits)
