# amaranth: UnusedElaboratable=no
"""SpaceToDepth and DepthToSpace against the graph's own, and their cycles against the event model."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support.streaming import Run, run_stream, stream_rules

from hwgen.ir.nodes.depth_to_space import DepthToSpace
from hwgen.ir.nodes.space_to_depth import SpaceToDepth
from hwgen.ir.types import IntType
from hwgen.rtl.depth_to_space import DepthToSpaceConfig
from hwgen.rtl.reorder import ReorderConfig
from hwgen.rtl.space_to_depth import SpaceToDepthConfig

Config = SpaceToDepthConfig | DepthToSpaceConfig
NARROW = [
    SpaceToDepthConfig(1, 4, 2, 8), SpaceToDepthConfig(3, 6, 2, 4), SpaceToDepthConfig(2, 3, 3, 8),
    SpaceToDepthConfig(1, 8, 4, 1), SpaceToDepthConfig(3, 2, 2, 8),
    DepthToSpaceConfig(4, 3, 2, 8), DepthToSpaceConfig(12, 2, 2, 4), DepthToSpaceConfig(18, 2, 3, 8),
    DepthToSpaceConfig(16, 1, 4, 1), DepthToSpaceConfig(4, 1, 2, 8),
]  # fmt: skip


def frames(config: Config, number: int) -> np.ndarray:
    """(frames, rows, columns, channels), the fewest rows."""
    rows = 2 * config.factor if isinstance(config, SpaceToDepthConfig) else 2
    size = number, rows, config.width, config.channels
    return np.random.default_rng(7).integers(0, 1 << config.bits, size)


def expected(config: Config, values: np.ndarray) -> list[int]:
    kind = SpaceToDepth if isinstance(config, SpaceToDepthConfig) else DepthToSpace
    node = kind("node", config.channels, IntType(8, False), 0, config.factor)
    return [int(value) for frame in values for value in node.execute(frame).reshape(-1)]


def check(config: Config, number: int = 2, **run: float) -> Run:
    values = frames(config, number)
    wanted = expected(config, values)
    done = run_stream(config.build(), values.reshape(-1).tolist(), len(wanted), **run)
    assert done.outputs == wanted
    return done


def cycles(config: ReorderConfig, values: int) -> tuple[list[int], list[int]]:
    """When each value is accepted and when it leaves, without pauses at both ends: the event model step by step."""
    band = config.values
    accepted: list[int] = []
    issued: list[int] = []
    while len(issued) < values:
        # As many are accepted as the readings until now have made room for.
        k = len(issued)
        wanted = k // band * band + int(config.needed[k % band])
        while len(accepted) <= min(wanted, values - 1):
            b = len(accepted)
            room = 0
            if b >= config.depth:
                frame, place = divmod(b - config.depth, band)
                room = issued[frame * band + int(np.searchsorted(config.released, place, side="right"))] + 1
            accepted.append(max(accepted[-1] + 1 if b else 0, room))
        left = issued[k - config.fifo_depth] + config.drain + 1 if k >= config.fifo_depth else 0
        issued.append(max(accepted[wanted] + config.arrival, issued[-1] + 1 if k else 0, left))
    return accepted, [cycle + config.drain for cycle in issued]


@pytest.mark.parametrize("config", NARROW, ids=str)
def test_arrays(config: Config) -> None:
    """Released values are never read again; needed grows, and is what outputs so far have read."""
    reorder = config.reorder
    order = reorder.order
    after = np.append(np.minimum.accumulate(order[::-1])[::-1][1:], reorder.values)
    assert (reorder.released <= after).all()
    assert reorder.released[-1] == reorder.values
    assert reorder.needed.tolist() == [max(order[: k + 1]) for k in range(reorder.values)]
    assert config.needed is reorder.needed and config.released is reorder.released


@pytest.mark.parametrize("config", NARROW, ids=str)
@pytest.mark.parametrize("ring", ["least", "between", "full"])
@pytest.mark.parametrize("fifo_depth", [1, 3, 4])
def test_cycles(config: Config, ring: str, fifo_depth: int) -> None:
    least, full = config.least_depth, config.full_rate_depth
    depth = {"least": least, "between": (least + full) // 2, "full": full}[ring]
    kind = type(config)
    sized = kind(config.channels, config.width, config.factor, config.bits, depth, fifo_depth)
    run = check(sized, 3)
    accepted, left = cycles(sized.reorder, len(run.outputs))
    assert run.input_cycles == accepted
    assert run.output_cycles == left


@pytest.mark.parametrize("config", NARROW, ids=str)
def test_full_rate(config: Config) -> None:
    """A value in every cycle at `full_rate_depth`, not with one entry less."""
    run = check(config, 3)
    assert run.input_cycles == list(range(len(run.outputs)))
    assert set(np.diff(run.output_cycles[-config.reorder.values :]).tolist()) == {1}
    if config.full_rate_depth > config.least_depth:
        smaller = type(config)(config.channels, config.width, config.factor, config.bits, config.full_rate_depth - 1)
        assert check(smaller, 3).input_cycles != run.input_cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("config", [NARROW[1], NARROW[6]], ids=str)
def test_idle_and_stall(config: Config, idle: float, stall: float) -> None:
    check(config, 2, idle=idle, stall=stall, seed=3)
    least = type(config)(config.channels, config.width, config.factor, config.bits, config.least_depth)
    check(least, 2, idle=idle, stall=stall, seed=4)


@pytest.mark.parametrize("config", [
    SpaceToDepthConfig(1, 32, 16, 8), SpaceToDepthConfig(3, 20, 5, 8), DepthToSpaceConfig(256, 2, 16, 8),
    DepthToSpaceConfig(75, 3, 5, 8),
], ids=str)  # fmt: skip
def test_wide_factors(config: Config) -> None:
    check(config, 1)
    check(config, 1, idle=0.2, stall=0.2, seed=1)


@pytest.mark.parametrize("config", [NARROW[1], NARROW[6]], ids=str)
def test_stream_rules(config: Config) -> None:
    values = frames(config, 2).reshape(-1).tolist()
    assert stream_rules(config.build(), values, len(values)) > 0


@pytest.mark.parametrize(("kind", "given", "message"), [
    (SpaceToDepthConfig, (0, 4, 2, 8), "channels: wanted at least 1, got 0"),
    (SpaceToDepthConfig, (1, 0, 2, 8), "width: wanted at least 1, got 0"),
    (SpaceToDepthConfig, (1, 4, 1, 8), "factor: wanted 2 .. 16, got 1"),
    (SpaceToDepthConfig, (1, 34, 17, 8), "factor: wanted 2 .. 16, got 17"),
    (SpaceToDepthConfig, (1, 5, 2, 8), "width: wanted a multiple of 2, got 5"),
    (SpaceToDepthConfig, (1, 4, 2, 0), "bits: wanted at least 1, got 0"),
    (SpaceToDepthConfig, (1, 4, 2, 8, 4), "depth: wanted at least 6, got 4"),
    (SpaceToDepthConfig, (1, 4, 2, 8, 8, 0), "fifo_depth: wanted at least 1, got 0"),
    (DepthToSpaceConfig, (6, 4, 2, 8), "channels: wanted a multiple of 4, got 6"),
    (ReorderConfig, (((2, 2), (2, 2)), 0, 8, 9),
     "loops: wanted each value once, from first to last, got ((2, 2), (2, 2))"),
])  # fmt: skip
def test_errors(kind: type, given: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kind(*given)
