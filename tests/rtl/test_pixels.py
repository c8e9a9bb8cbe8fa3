# amaranth: UnusedElaboratable=no
"""PixelSerialiser: beats of many values against the values; PixelPacker: the values against the beats."""

from __future__ import annotations

import numpy as np
import pytest
from support.streaming import Run, run_stream, stream_rules

from hwgen.rtl.pixels import PixelPackerConfig, PixelSerialiserConfig


def beats_of(pixels: list[list[int]], bits: int) -> list[int]:
    return [sum(value << channel * bits for channel, value in enumerate(pixel)) for pixel in pixels]


def check(pixels: list[list[int]], bits: int, depth: int = 2, **conditions: float) -> Run:
    channels = len(pixels[0])
    dut = PixelSerialiserConfig(channels, bits, depth).build()
    run = run_stream(dut, beats_of(pixels, bits), len(pixels) * channels, **conditions)
    assert run.outputs == [value for pixel in pixels for value in pixel]
    return run


def test_low_bits_first() -> None:
    run = run_stream(PixelSerialiserConfig(3, 8).build(), [0x030201, 0xFF00FE], 6)
    assert run.outputs == [0x01, 0x02, 0x03, 0xFE, 0x00, 0xFF]


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_idle_and_stall(idle: float, stall: float, depth: int) -> None:
    check(np.random.default_rng(5).integers(0, 256, (15, 3)).tolist(), 8, depth, idle=idle, stall=stall, seed=4)


@pytest.mark.parametrize(("channels", "bits"), [(1, 1), (1, 8), (2, 1), (2, 5), (3, 8), (5, 3)])
def test_latency_and_interval(channels: int, bits: int) -> None:
    """The first value after `latency`, then one in every cycle; a pixel accepted every `channels` cycles."""
    pixels = np.random.default_rng(bits).integers(0, 1 << bits, (9, channels)).tolist()
    run = check(pixels, bits)
    assert PixelSerialiserConfig.latency == 1
    assert run.output_cycles == list(range(1, 1 + 9 * channels))
    # The second pixel waits in an entry of its own while the first one goes out.
    assert run.input_cycles == [0, *(1 + channels * pixel for pixel in range(8))]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_single_entry_takes_a_cycle_more(channels: int) -> None:
    run = check(np.random.default_rng(1).integers(0, 256, (5, channels)).tolist(), 8, depth=1)
    assert run.input_cycles == [pixel * (channels + 1) for pixel in range(5)]
    assert run.output_cycles == [start + 1 + place for start in run.input_cycles for place in range(channels)]


@pytest.mark.parametrize("depth", [1, 2])
def test_latency_of_a_lone_pixel(depth: int) -> None:
    run = check([[1, 2, 3]], 8, depth)
    assert (run.input_cycles, run.output_cycles) == ([0], [1, 2, 3])


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_stream_rules(channels: int, depth: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (30, channels)).tolist()
    assert stream_rules(PixelSerialiserConfig(channels, 8, depth).build(), beats_of(pixels, 8), 30 * channels) > 0


@pytest.mark.parametrize(("channels", "bits", "message"), [
    (0, 8, "channels: wanted at least 1, got 0"),
    (3, 0, "bits: wanted at least 1, got 0"),
    (-1, 0, "channels: wanted at least 1, got -1"),
])  # fmt: skip
def test_errors(channels: int, bits: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        PixelSerialiserConfig(channels, bits)


@pytest.mark.parametrize("depth", [0, 3])
def test_depth_error(depth: int) -> None:
    with pytest.raises(ValueError, match=f"^depth: wanted 1 or 2, got {depth}$"):
        PixelSerialiserConfig(3, 8, depth)


def pack(
    frames: list[list[list[int]]], bits: int = 8, depth: int = PixelPackerConfig.default_depth, **conditions: float
) -> Run:
    """Frames of equal length, one after another; every pixel and every TLAST."""
    count, channels = len(frames[0]), len(frames[0][0])
    dut = PixelPackerConfig(count, channels, bits, depth).build()
    values = [value for frame in frames for pixel in frame for value in pixel]
    run = run_stream(dut, values, len(frames) * count, **conditions)
    expected = [(beat, place == count - 1) for frame in frames for place, beat in enumerate(beats_of(frame, bits))]
    assert [(beat.pixel, beat.last) for beat in run.outputs] == expected
    return run


def some_frames(shape: tuple[int, int, int], bits: int = 8) -> list[list[list[int]]]:
    frames: list[list[list[int]]] = np.random.default_rng(3).integers(0, 1 << bits, shape).tolist()
    return frames


def test_red_in_the_low_bits() -> None:
    run = run_stream(PixelPackerConfig(2).build(), [0x01, 0x02, 0x03, 0xFE, 0x00, 0xFF], 2)
    assert [(beat.pixel, beat.last) for beat in run.outputs] == [(0x030201, 0), (0xFF00FE, 1)]


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
def test_packer_idle_and_stall(idle: float, stall: float) -> None:
    pack(some_frames((3, 7, 3)), idle=idle, stall=stall, seed=5)


@pytest.mark.parametrize(("pixels", "channels", "bits"), [(1, 3, 8), (2, 3, 8), (9, 3, 8), (5, 4, 4), (4, 5, 1)])
def test_packer_latency_and_interval(pixels: int, channels: int, bits: int) -> None:
    """`latency` cycles from a pixel's last value to the pixel; a value accepted in every cycle, across frames."""
    assert PixelPackerConfig.latency == 3
    run = pack(some_frames((3, pixels, channels), bits), bits)
    assert run.input_cycles == list(range(3 * pixels * channels))
    lasts = [channels * pixel + channels - 1 for pixel in range(3 * pixels)]
    assert run.output_cycles == [last + PixelPackerConfig.latency for last in lasts]


@pytest.mark.parametrize(("depth", "channels", "cycles"), [(1, 3, 6), (2, 3, 3), (1, 1, 4), (2, 1, 2), (4, 1, 1)])
def test_packer_depth(depth: int, channels: int, cycles: int) -> None:
    """Cycles per pixel: an entry comes back `latency` + 1 cycles after it was taken; without one no value is taken."""
    run = pack(some_frames((1, 40, channels)), depth=depth)
    assert run.output_cycles[-1] - run.output_cycles[-25] == 24 * cycles


def test_packer_stream_rules() -> None:
    values = np.random.default_rng(1).integers(0, 256, 60).tolist()
    assert stream_rules(PixelPackerConfig(5).build(), values, 20, stall=0.8) > 0


@pytest.mark.parametrize("key", ["pixels", "channels", "bits", "depth"])
def test_packer_errors(key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: wanted at least 1, got 0$"):
        PixelPackerConfig(**(dict(pixels=4) | {key: 0}))
