# amaranth: UnusedElaboratable=no
"""Alamouti against hwgen.numerics.complex.alamouti_encode."""

from __future__ import annotations

import numpy as np
import pytest
from support.streaming import Run, run_stream, stream_rules

from hwgen.numerics.complex import alamouti_encode
from hwgen.numerics.words import pack_symbols
from hwgen.rtl.alamouti import AlamoutiConfig

CORNERS = [-32768, 32767, 0, -1, 1]


def check(
    pairs: int, frames: int, seed: int = 0, depth: int = AlamoutiConfig.default_depth, **conditions: float
) -> Run:
    """Frames one after another: every word and every TLAST."""
    random = np.random.default_rng(seed)
    symbols = random.integers(-(2**15), 2**15, (frames * pairs * 2, 2))
    corners = random.random(symbols.shape) < 0.3
    symbols[corners] = random.choice(CORNERS, int(corners.sum()))
    inputs = [{"iq": word, "last": int(random.integers(2))} for word in pack_symbols(symbols).tolist()]
    run = run_stream(AlamoutiConfig(pairs, depth).build(), inputs, 4 * pairs * frames, seed=seed, **conditions)
    assert [beat.iq for beat in run.outputs] == pack_symbols(alamouti_encode(symbols)).tolist()
    assert [beat.last for beat in run.outputs] == ([0] * (4 * pairs - 1) + [1]) * frames
    return run


@pytest.mark.parametrize("pairs", [1, 2, 3, 8, 13])
def test_latency_and_interval(pairs: int) -> None:
    """Four words in a row `latency` cycles behind a pair; a pair every four cycles, across frames."""
    run = check(pairs, 3)
    assert run.output_cycles[0] == run.input_cycles[1] + AlamoutiConfig.latency
    assert np.diff(run.output_cycles).tolist() == [1] * (4 * 3 * pairs - 1)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("pairs", [1, 5])
def test_idle_and_stall(pairs: int, idle: float, stall: float) -> None:
    check(pairs, 6, idle=idle, stall=stall, seed=3)


@pytest.mark.parametrize(("depth", "cycles"), [(1, 4), (2, 2), (3, 4 / 3), (4, 1), (5, 1)])
def test_depth(depth: int, cycles: float) -> None:
    """Cycles per word."""
    run = check(30, 1, depth=depth)
    assert run.output_cycles[-1] - run.output_cycles[-1 - 60] == 60 * cycles


def test_stream_rules() -> None:
    inputs = [{"iq": word, "last": 0} for word in range(40)]
    assert stream_rules(AlamoutiConfig(5).build(), inputs, 80) > 0


@pytest.mark.parametrize("key", ["pairs", "depth"])
def test_errors(key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: wanted at least 1, got 0$"):
        AlamoutiConfig(**(dict(pairs=2) | {key: 0}))
