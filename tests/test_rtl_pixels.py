# amaranth: UnusedElaboratable=no
"""PixelSerialiser: beats of many values against the values."""

from __future__ import annotations

import numpy as np
import pytest
from streaming import Run, run_stream, stream_rules

from hwgen.rtl.pixels import PixelSerialiser


def beats_of(pixels: list[list[int]], bits: int) -> list[int]:
    return [sum(value << channel * bits for channel, value in enumerate(pixel)) for pixel in pixels]


def check(pixels: list[list[int]], bits: int, places: int = 2, **conditions: float) -> Run:
    channels = len(pixels[0])
    dut = PixelSerialiser(channels, bits, places)
    run = run_stream(dut, beats_of(pixels, bits), len(pixels) * channels, **conditions)
    assert run.outputs == [value for pixel in pixels for value in pixel]
    return run


def test_low_bits_first() -> None:
    run = run_stream(PixelSerialiser(3, 8), [0x030201, 0xFF00FE], 6)
    assert run.outputs == [0x01, 0x02, 0x03, 0xFE, 0x00, 0xFF]


@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float, places: int) -> None:
    check(np.random.default_rng(5).integers(0, 256, (15, 3)).tolist(), 8, places, idle=idle, stall=stall, seed=4)


@pytest.mark.parametrize(("channels", "bits"), [(1, 1), (1, 8), (2, 1), (2, 5), (3, 8), (5, 3)])
def test_latency_and_interval(channels: int, bits: int) -> None:
    """The first value after `latency`, then one in every cycle; a pixel accepted every `channels` cycles."""
    pixels = np.random.default_rng(bits).integers(0, 1 << bits, (9, channels)).tolist()
    run = check(pixels, bits)
    assert PixelSerialiser.latency == 1
    assert run.output_cycles == list(range(1, 1 + 9 * channels))
    # The second pixel waits in a place of its own while the first one goes out.
    assert run.input_cycles == [0, *(1 + channels * pixel for pixel in range(8))]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_single_place_takes_a_cycle_more(channels: int) -> None:
    run = check(np.random.default_rng(1).integers(0, 256, (5, channels)).tolist(), 8, places=1)
    assert run.input_cycles == [pixel * (channels + 1) for pixel in range(5)]
    assert run.output_cycles == [start + 1 + place for start in run.input_cycles for place in range(channels)]


@pytest.mark.parametrize("places", [1, 2])
def test_latency_of_a_lone_pixel(places: int) -> None:
    run = check([[1, 2, 3]], 8, places)
    assert (run.input_cycles, run.output_cycles) == ([0], [1, 2, 3])


@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_stream_rules(channels: int, places: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (30, channels)).tolist()
    assert stream_rules(PixelSerialiser(channels, 8, places), beats_of(pixels, 8), 30 * channels) > 0


@pytest.mark.parametrize(("channels", "bits", "message"), [
    (0, 8, "channels: wanted at least 1, got 0"),
    (3, 0, "bits: wanted at least 1, got 0"),
    (-1, 0, "channels: wanted at least 1, got -1"),
])  # fmt: skip
def test_errors(channels: int, bits: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        PixelSerialiser(channels, bits)


@pytest.mark.parametrize("places", [0, 3])
def test_places_error(places: int) -> None:
    with pytest.raises(ValueError, match=f"^places: wanted 1 or 2, got {places}$"):
        PixelSerialiser(3, 8, places)
