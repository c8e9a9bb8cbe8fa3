# amaranth: UnusedElaboratable=no
"""Pooling over windows that overlap against plain loops, and its cycles against the event model."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.naive import naive_requantise
from support.streaming import Run, pack_beats, run_stream, stream_rules, unpack_beats

from hwgen.numerics.integer import bounds
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.window_pooling import WindowPoolingConfig

S8, U8 = signed(8), unsigned(8)


def pooling(
    channels: int = 3, size: tuple[int, int] = (6, 4), kernel: int = 3, stride: int = 2, padding: int = 1,
    lanes: int = 1, taps: int = 1, shape: Shape = S8, pixels: int | None = None, **given: Any,
) -> WindowPoolingConfig:  # fmt: skip
    """size : (columns, rows) of the input"""
    window = WindowConfig(
        channels=channels, width=size[0], height=size[1], kernel=kernel, stride=stride, padding=padding, simd=lanes,
        folds=1, bits=shape.width, signed=shape.signed, taps=taps, lanes=lanes, pixels=pixels,
    )  # fmt: skip
    return WindowPoolingConfig(window, **{"shift": None, "output": shape} | given)


def frames(config: WindowPoolingConfig, count: int) -> np.ndarray:
    """(frames, rows, columns, channels)"""
    low, high = bounds(config.input.width, config.input.signed)
    window = config.window
    return np.random.default_rng(count).integers(
        low, high + 1, (count, window.height, window.width, window.channels)
    )


def expected(config: WindowPoolingConfig, values: np.ndarray) -> list[int]:
    """Window by window in plain loops; what lies outside the frame adds nothing and is no largest value."""
    window = config.window
    low, high = bounds(config.output.width, config.output.signed)
    found = []
    for frame in values.tolist():
        for y, x in itertools.product(range(window.out_height), range(window.out_width)):
            rows = range(y * window.stride - window.padding_height, y * window.stride - window.padding_height
                         + window.kernel_height)  # fmt: skip
            columns = range(x * window.stride - window.padding_width, x * window.stride - window.padding_width
                            + window.kernel_width)  # fmt: skip
            inside = [frame[i][j] for i in rows for j in columns if 0 <= i < window.height and 0 <= j < window.width]
            for channel in range(window.channels):
                own = [pixel[channel] for pixel in inside]
                if config.shift is None:
                    found.append(max(own))
                else:
                    found.append(naive_requantise(sum(own) * config.multiplier, config.shift, low, high))
    return found


def check(config: WindowPoolingConfig, count: int = 2, values: np.ndarray | None = None, **run: float) -> Run:
    values = frames(config, count) if values is None else values
    beats = pack_beats(values, config.lanes, config.input.width)
    window, output = config.window, config.output
    pixels = len(values) * window.out_height * window.out_width
    done = run_stream(config.build(), beats, pixels * config.beats_out, **run)
    found = unpack_beats(done.outputs, window.channels, config.lanes, output.width, output.signed)
    assert found == expected(config, values)
    return done


def predicted(config: WindowPoolingConfig, accepted: list[int], count: int) -> list[int]:
    """The cycle of every output beat that meets no stall, from those in which its beats were accepted."""
    window, cycles, free = config.window, [], 0
    size = window.width * window.height
    for frame, row, column in itertools.product(range(count), range(window.out_height), range(window.out_width)):
        last = accepted[(frame * size + window.needed(row, column)) * window.beats - 1]
        start = max(free, last + config.arrival_latency)
        free = start + window.words
        first = free - 1 + config.drain_latency
        cycles += range(first, first + config.beats_out)
    return cycles


MAX = {"shift": None}
AVERAGE = {"shift": 3, "output": signed(7)}
NINTH = {"shift": 12, "multiplier": 455}
"""The average of nine signed values."""
SIZES: list[dict[str, Any]] = [
    {},
    {"channels": 1},
    {"channels": 1, "size": (5, 5), "taps": 3},
    {"channels": 2, "stride": 1},
    {"channels": 3, "lanes": 3, "size": (7, 5)},
    {"channels": 5, "lanes": 2, "taps": 3},
    {"channels": 4, "lanes": 2, "kernel": 2, "stride": 1, "padding": 0},
    {"channels": 4, "lanes": 4, "kernel": 2, "stride": 1, "padding": 1, "size": (4, 3), "taps": 2},
    {"channels": 70, "size": (4, 1), "lanes": 1},  # what is held lies in a block RAM
    {"channels": 3, "kernel": 5, "stride": 2, "padding": 2, "taps": 5, "size": (6, 6)},
    {"channels": 2, "kernel": 4, "stride": 3, "padding": 2, "size": (7, 8)},
    {"channels": 2, "size": (2, 2)},  # one window
    {"channels": 2, "size": (1, 3), "stride": 1},
]


@pytest.mark.parametrize("kind", [MAX, AVERAGE, NINTH], ids=["max", "average", "ninth"])
@pytest.mark.parametrize("shape", [S8, U8], ids=["signed", "unsigned"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_sizes(size: dict[str, Any], shape: Shape, kind: dict[str, Any]) -> None:
    """Every value, each in its predicted cycle, from sources with and without pauses."""
    config = pooling(shape=shape, **size, **kind)
    for idle in (0.0, 0.3):
        run = check(config, idle=idle, seed=3)
        assert run.output_cycles == predicted(config, run.input_cycles, 2)


def test_latency() -> None:
    for kind, cycles in ((MAX, 0), (AVERAGE, 2), (NINTH, 4)):
        assert pooling(**kind).drain_latency == 7 + cycles
        assert pooling(taps=3, **kind).drain_latency == 9 + cycles
        assert pooling(**kind).arrival_latency == 1


@pytest.mark.parametrize(("window", "kind", "result"), [
    ([0] * 8 + [4], NINTH, 0),  # 4/9
    ([0] * 8 + [5], NINTH, 1),
    ([127] * 9, NINTH, 127),
    ([-128] * 9, NINTH, -128),
    ([-5] + [0] * 8, NINTH, -1),
    ([4] + [0] * 8, AVERAGE, 0),  # 1/2: tie to even
    ([6, 6] + [0] * 7, AVERAGE, 2),  # 3/2
    ([127] * 9, AVERAGE, 63),
    ([-128] * 9, AVERAGE, -64),
    ([-1, -2, -3, -4, -5, -6, -7, -8, -9], MAX, -1),
    ([-128] * 9, MAX, -128),
    ([-128] * 8 + [127], MAX, 127),
])  # fmt: skip
@pytest.mark.parametrize("taps", [1, 3])
def test_table(window: list[int], kind: dict[str, Any], result: int, taps: int) -> None:
    config = pooling(1, (3, 3), 3, 3, 0, taps=taps, **kind)
    run = check(config, values=np.array(window).reshape(1, 3, 3, 1))
    assert unpack_beats(run.outputs, 1, 1, config.output.width, config.output.signed) == [result]


def test_the_border_is_no_largest_value() -> None:
    """Nor does it bring a sum any further from 0."""
    for taps in (1, 3):
        values = np.full((1, 4, 4, 2), -128)
        check(pooling(2, (4, 4), taps=taps), values=values)
        check(pooling(2, (4, 4), taps=taps, **NINTH), values=values)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("kind", [MAX, AVERAGE, NINTH], ids=["max", "average", "ninth"])
@pytest.mark.parametrize("shallow", [False, True])
def test_idle_and_stall(kind: dict[str, Any], shallow: bool, idle: float, stall: float) -> None:
    config = pooling(5, lanes=2, taps=3, **kind, **({"depth": 3} if shallow else {}))
    check(config, idle=idle, stall=stall, seed=5)


@pytest.mark.parametrize("depth", [3, 4, 6])
@pytest.mark.parametrize("stride", [1, 2])
def test_shallow_buffers(depth: int, stride: int) -> None:
    """The least line buffer and FIFO still give every value."""
    config = pooling(3, stride=stride, depth=depth, pixels=pooling(3, stride=stride).window.span)
    check(config)
    check(config, idle=0.4, stall=0.4, seed=2)


def test_the_fifo_is_as_deep_as_it_must_be() -> None:
    """With a beat less the last result comes later, from a source that is always in time."""
    config = pooling(2, (6, 3), kernel=2, stride=1, padding=0, taps=2)
    assert check(config, 3).output_cycles[-1] < check(replace(config, depth=config.fifo_depth - 1), 3).output_cycles[-1]


@pytest.mark.parametrize("kind", [MAX, NINTH], ids=["max", "average"])
def test_stream_rules(kind: dict[str, Any]) -> None:
    config = pooling(**kind)
    beats = pack_beats(frames(config, 3), 1, 8)
    pixels = 3 * config.window.out_height * config.window.out_width
    assert stream_rules(config.build(), beats, pixels * config.beats_out, stall=0.9) > 0


S4 = signed(4)
NINTH_UNSIGNED = {"shift": 15, "multiplier": 3641}
"""The average of nine unsigned values."""
FIFTH = {"shift": 17, "multiplier": 5243}
"""The average of 25 unsigned values."""
MEASURED: list[tuple[WindowPoolingConfig, int, int, int, float]] = [
    (pooling(16, (32, 32)), 292, 303, 0, 0.5),
    (pooling(16, (32, 32), taps=3, shape=U8), 250, 269, 0, 2),
    (pooling(1, (32, 32), stride=1, shape=U8), 190, 224, 0, 0.5),
    (pooling(16, (32, 32), lanes=4), 339, 379, 0, 0.5),
    (pooling(16, (32, 32), lanes=4, taps=3, shape=U8), 457, 552, 0, 2),
    (pooling(8, (16, 16), 4, lanes=2, shift=4), 273, 341, 0, 0.5),
    (pooling(16, (32, 32), **NINTH), 302, 331, 1, 0.5),
    (pooling(16, (32, 32), lanes=4, taps=3, shape=U8, **NINTH_UNSIGNED), 436, 673, 4, 2),
    (pooling(100, (8, 8), 5, padding=2, shape=S4, **FIFTH), 355, 328, 1, 1.5),
    (pooling(3, (64, 64), 2, 1, 0, lanes=3, taps=2, shape=U8), 357, 399, 0, 0),
    (pooling(12, (24, 16), 5, padding=2, lanes=2, taps=5, shape=U8, **FIFTH), 377, 551, 2, 3),
]


@pytest.mark.parametrize(("config", "lut", "ff", "dsp", "bram36"), MEASURED, ids=str)
def test_cost(config: WindowPoolingConfig, lut: int, ff: int, dsp: int, bram36: float) -> None:
    """As synthesised: DSP and block RAM exactly; most of what LUTs and flip-flops differ by is the window's."""
    cost = config.cost("xc7")
    assert (cost.dsp, cost.bram36) == (dsp, bram36)
    assert abs(cost.lut / lut - 1) <= 0.13
    assert abs(cost.ff / ff - 1) <= 0.08


@pytest.mark.parametrize(("given", "message"), [
    ({"shift": -1}, "shift: wanted at least 0, got -1"),
    ({"multiplier": 0, "shift": 1}, "multiplier: wanted at least 1, and 1 for the largest value, got 0"),
    ({"multiplier": 3}, "multiplier: wanted at least 1, and 1 for the largest value, got 3"),
    ({"output": signed(4)}, "output: wanted signed(8), as the input, got signed(4)"),
    ({"depth": 2}, "depth: wanted at least a pixel's 3 beats, got 2"),
])  # fmt: skip
def test_errors(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        pooling(**given)


@pytest.mark.parametrize("given", [{"folds": 2}, {"simd": 2}, {"transposed": True, "stride": 1}])
def test_windows_that_are_refused(given: dict[str, Any]) -> None:
    own = dict(channels=4, width=6, height=4, kernel=3, stride=2, padding=1, simd=1, folds=1)
    with pytest.raises(ValueError, match=r"^window: wanted one fold, as many values per beat as per word, got "):
        WindowPoolingConfig(WindowConfig(**own | given), None, S8)  # type: ignore[arg-type]
