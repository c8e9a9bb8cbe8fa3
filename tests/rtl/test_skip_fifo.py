# amaranth: UnusedElaboratable=no
"""SkipFifo: its beats in order, exactly `depth` of them held, exact cycles by the event model."""

from __future__ import annotations

import numpy as np
import pytest
from support.streaming import run_ports, run_stream

from hwgen.rtl.skip_fifo import SkipFifo, SkipFifoConfig


def beats(number: int, width: int = 8) -> list[int]:
    return np.random.default_rng(number).integers(0, 1 << width, number).tolist()


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 17])
def test_idle_and_stall(depth: int, idle: float, stall: float) -> None:
    values = beats(60)
    run = run_ports(SkipFifo(SkipFifoConfig(8, depth)), [values], [60], idle=idle, stall=stall, seed=depth, probe=True)
    assert run.outputs == [values]


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (1, 64), (8, 65), (9, 512), (16, 600), (36, 1025)])
def test_memories_of_all_kinds(width: int, depth: int) -> None:
    """Filled to the brim twice over, in LUTs and in block RAM of one band and of several."""
    values = beats(2 * depth + 9, width)
    run = run_ports(SkipFifo(SkipFifoConfig(width, depth)), [values], [len(values)], start=[depth + 20], stall=0.1)
    assert run.outputs == [values]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 16, 100])
def test_holds_exactly_its_depth(depth: int) -> None:
    """It accepts so many while nothing leaves, and the next beat one cycle after the first has left."""
    run = run_ports(SkipFifo(SkipFifoConfig(8, depth)), [beats(depth + 5)], [depth + 5], start=[150])
    assert run.input_cycles[0][:depth] == list(range(depth))
    assert run.input_cycles[0][depth] == 151 and run.output_cycles[0][0] == 150


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 40, 70])
def test_cycles(depth: int) -> None:
    """accepted(b) = max(accepted(b - 1), left(b - depth)) + 1, left(k) = accepted(k) + latency."""
    run = run_stream(SkipFifo(SkipFifoConfig(8, depth)), beats(50), 50)
    accepted: list[int] = []
    for beat in range(50):
        room = accepted[beat - depth] + SkipFifoConfig.latency + 1 if beat >= depth else 0
        accepted.append(max(accepted[-1] + 1 if accepted else 0, room))
    assert run.input_cycles == accepted
    assert run.output_cycles == [cycle + 2 for cycle in accepted]
    assert (accepted[-1] == 49) == (depth >= SkipFifoConfig.full_rate)


@pytest.mark.parametrize(("width", "depth", "message"), [
    (0, 4, "width: wanted at least 1, got 0"),
    (8, 0, "depth: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(width: int, depth: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        SkipFifoConfig(width, depth)
