# amaranth: UnusedElaboratable=no
"""Pooling against the graph's own nodes, and its cycles against the event model."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.streaming import Run, pack_beats, run_stream, stream_rules, unpack_beats

from hwgen.numerics.integer import bounds, requantise
from hwgen.rtl.pooling import PoolingConfig


def frames(config: PoolingConfig, rows: int) -> np.ndarray:
    """(rows, columns, channels): of several frames below each other, as rows follow one another in the stream."""
    low, high = bounds(config.input.width, config.input.signed)
    return np.random.default_rng(rows).integers(low, high + 1, (rows, config.width, config.channels))


def expected(config: PoolingConfig, values: np.ndarray) -> list[int]:
    """Block by block in plain loops."""
    found = []
    kernel = config.kernel
    for y, x in itertools.product(range(0, len(values), kernel), range(0, config.width, kernel)):
        for channel in range(config.channels):
            block = [int(each) for each in values[y : y + kernel, x : x + kernel, channel].reshape(-1)]
            if config.shift is None:
                found.append(max(block))
            else:
                found.append(int(requantise(sum(block), config.shift, config.output.width, config.output.signed)))
    return found


def check(config: PoolingConfig, bands: int = 3, values: np.ndarray | None = None, **run: float) -> Run:
    values = frames(config, bands * config.kernel) if values is None else values
    beats = pack_beats(values, config.lanes, config.input.width)
    done = run_stream(config.build(), beats, bands * config.cells, **run)
    output = config.output
    assert unpack_beats(done.outputs, config.channels, config.lanes, output.width, output.signed) == expected(
        config, values
    )
    return done


SMALL = {"channels": 1, "width": 4, "kernel": 2, "input": signed(8), "shift": 2, "output": signed(8)}
SIZES = [(1, 4, 2, 1), (1, 2, 2, 1), (3, 2, 2, 1), (2, 3, 3, 1), (5, 8, 2, 2), (2, 8, 4, 2), (4, 4, 2, 4), (7, 6, 3, 4)]


@pytest.mark.parametrize(("channels", "width", "kernel", "lanes"), SIZES)
@pytest.mark.parametrize("shape", [signed(1), unsigned(1), signed(8), unsigned(8)])
@pytest.mark.parametrize("average", [False, True])
def test_sizes(channels: int, width: int, kernel: int, lanes: int, shape: Shape, average: bool) -> None:
    """Every way by which what is held comes back: a register, the memory, both."""
    config = PoolingConfig(channels, width, kernel, shape, 2 if average else None, shape, lanes)
    check(config)
    check(config, idle=0.3, stall=0.3, seed=2)


@pytest.mark.parametrize(("block", "shift", "output", "result"), [
    ([1, 0, 0, 0], 2, signed(8), 0),
    ([1, 1, 0, 0], 2, signed(8), 0),  # 0.5: tie to even
    ([3, 3, 0, 0], 2, signed(8), 2),  # 1.5
    ([5, 5, 0, 0], 2, signed(8), 2),  # 2.5: half up would say 3
    ([-3, -3, 0, 0], 2, signed(8), -2),
    ([-128] * 4, 2, signed(8), -128),
    ([127] * 4, 0, signed(8), 127),
    ([-128] * 4, 0, signed(8), -128),
    ([127] * 4, 2, unsigned(8), 127),
    ([-1, -2, -3, -4], None, signed(8), -1),
    ([-128, 127, 0, 1], None, signed(8), 127),
    ([-128] * 4, None, signed(8), -128),
])  # fmt: skip
def test_table(block: list[int], shift: int | None, output: Shape, result: int) -> None:
    config = PoolingConfig(1, 2, 2, signed(8), shift, output)
    run = check(config, 1, np.array(block).reshape(2, 2, 1))
    assert unpack_beats(run.outputs, 1, 1, output.width, output.signed) == [result]


@pytest.mark.parametrize("shift", [None, 8])
def test_the_largest_kernel(shift: int | None) -> None:
    for shape in (signed(8), unsigned(8)):
        config = PoolingConfig(2, 32, 16, shape, shift, shape)
        check(config, 2)
        for bound in bounds(shape.width, shape.signed):
            check(config, 1, np.full((16, 32, 2), bound))


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("shift", [None, 2])
@pytest.mark.parametrize("depth", [1, None])
def test_idle_and_stall(shift: int | None, depth: int | None, idle: float, stall: float) -> None:
    check(PoolingConfig(3, 4, 2, signed(8), shift, signed(8), 2, depth), idle=idle, stall=stall, seed=5)


@pytest.mark.parametrize(("channels", "width", "kernel", "lanes"), SIZES)
@pytest.mark.parametrize("shift", [None, 1])
@pytest.mark.parametrize("depth", [1, 2, 5, None])
def test_cycles(channels: int, width: int, kernel: int, lanes: int, shift: int | None, depth: int | None) -> None:
    """Exactly the event model: one beat in every cycle but where the FIFO is too shallow."""
    config = PoolingConfig(channels, width, kernel, signed(8), shift, signed(8), lanes, depth)
    assert config.latency == (4 if shift is None else 6) and config.default_depth == config.latency + 1
    run = check(config)
    band = kernel * width * config.beats
    needed = [turn * band + int(beat) for turn in range(3) for beat in config.needed]
    accepted: list[int] = []
    left: list[int] = []
    for beat in range(3 * band):
        room = 0
        if config.fifo_depth <= len(left) < len(needed) and beat == needed[len(left)]:
            room = left[len(left) - config.fifo_depth] + 1
        accepted.append(max(accepted[-1] + 1 if accepted else 0, room))
        if len(left) < len(needed) and beat == needed[len(left)]:
            left.append(accepted[-1] + config.latency)
    assert run.input_cycles == accepted and run.output_cycles == left
    if depth is None:
        assert accepted == list(range(3 * band))


@pytest.mark.parametrize("shift", [None, 2])
def test_stream_rules(shift: int | None) -> None:
    config = PoolingConfig(3, 4, 2, signed(8), shift, signed(8), depth=1)
    beats = pack_beats(frames(config, 8), 1, 8)
    assert stream_rules(config.build(), beats, 4 * config.cells, stall=0.8) > 0


@pytest.mark.parametrize(("given", "message"), [
    ({"channels": 0}, "channels: wanted at least 1, got 0"),
    ({"lanes": 0}, "lanes: wanted at least 1, got 0"),
    ({"depth": 0}, "depth: wanted at least 1, got 0"),
    ({"kernel": 1}, "kernel: wanted 2 .. 16, got 1"),
    ({"kernel": 17}, "kernel: wanted 2 .. 16, got 17"),
    ({"width": 5}, "width: wanted a multiple of 2, got 5"),
    ({"width": 0}, "width: wanted a multiple of 2, got 0"),
    ({"shift": -1}, "shift: wanted at least 0, got -1"),
    ({"shift": None, "output": signed(4)}, "output: wanted signed(8), as the input, got signed(4)"),
])  # fmt: skip
def test_errors(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PoolingConfig(**SMALL | given)
