# amaranth: UnusedElaboratable=no
"""Concat against numpy.concatenate."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support.streaming import PortsRun, pack_beats, run_ports, unpack_beats

from hwgen.rtl.concat import Concat, ConcatConfig


def check(config: ConcatConfig, pixels: int, **run: float) -> PortsRun:
    random = np.random.default_rng(pixels)
    values = [random.integers(0, 1 << config.bits, (pixels, channels)) for channels in config.channels]
    beats = [pack_beats(each, config.lanes, config.bits) for each in values]
    done = run_ports(Concat(config), beats, [pixels * sum(config.beats)], **run)
    found = unpack_beats(done.outputs[0], sum(config.channels), config.lanes, config.bits, False)
    assert found == np.concatenate(values, axis=1).reshape(-1).tolist()
    for beat, value in enumerate(done.outputs[0]):
        index, source = config.source(beat)
        assert value == beats[index][source]
    return done


@pytest.mark.parametrize(("channels", "lanes"), [
    ((1, 1), 1), ((1, 2), 1), ((3, 1), 1), ((2, 3, 5), 1), ((1, 1, 1), 1), ((4, 3, 2, 1), 1), ((1, 1, 1, 1), 1),
    ((2, 6), 2), ((2, 2, 4), 2), ((4, 4), 4), ((8, 4, 12, 4), 4),
])  # fmt: skip
@pytest.mark.parametrize("bits", [1, 2, 8])
def test_channels(channels: tuple[int, ...], lanes: int, bits: int) -> None:
    config = ConcatConfig(channels, bits, lanes)
    check(config, 12)
    check(config, 12, idle=0.3, stall=0.3, seed=1)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("depth", [1, 3])
def test_idle_and_stall(depth: int, idle: float, stall: float) -> None:
    check(ConcatConfig((2, 1, 3), 8, depth=depth), 10, idle=idle, stall=stall, seed=3, probe=True)


def test_latency_and_interval() -> None:
    config = ConcatConfig((2, 1), 8)
    assert config.latency == 2 and config.depth == config.default_depth
    run = check(config, 20)
    assert run.input_cycles == [[n for n in range(60) if n % 3 < 2], [n for n in range(60) if n % 3 == 2]]
    assert run.output_cycles == [list(range(2, 62))]


@pytest.mark.parametrize("depth", range(1, 5))
def test_depth(depth: int) -> None:
    """taken(k) = max(taken(k - 1), left(k - depth)) + 1."""
    run = check(ConcatConfig((1, 1), 8, depth=depth), 20)
    taken = sorted(run.input_cycles[0] + run.input_cycles[1])
    assert taken == [3 * (n // depth) + n % depth if depth < 3 else n for n in range(40)]


@pytest.mark.parametrize(("given", "message"), [
    ({"channels": (3,)}, "channels: wanted those of 2 .. 4 inputs, got 1"),
    ({"channels": (1,) * 5}, "channels: wanted those of 2 .. 4 inputs, got 5"),
    ({"channels": (3, 0)}, "channels: wanted multiples of 1, got 0"),
    ({"channels": (4, 3), "lanes": 2}, "channels: wanted multiples of 2, got 3"),
    ({"bits": 0}, "bits: wanted at least 1, got 0"),
    ({"lanes": 0}, "lanes: wanted at least 1, got 0"),
    ({"depth": 0}, "depth: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ConcatConfig(**{"channels": (2, 2), "bits": 8} | given)
