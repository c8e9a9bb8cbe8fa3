# amaranth: UnusedElaboratable=no
"""Fork: every beat to every consumer, however far they are apart."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support.streaming import run_ports

from hwgen.rtl.primitives import Cost
from hwgen.rtl.skip_fifo import SkipFifoConfig
from hwgen.rtl.streams import Fork, ForkConfig

VALUES = np.random.default_rng(3).integers(0, 256, 70).tolist()


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("depths", [(1, 1), (3, 5), (2, 9, 4)])
def test_idle_and_stall(depths: tuple[int, ...], idle: float, stall: float) -> None:
    wanted = [len(VALUES)] * len(depths)
    run = run_ports(Fork(ForkConfig(8, depths)), [VALUES], wanted, idle=idle, stall=stall, seed=4, probe=True)
    assert run.outputs == [VALUES] * len(depths)


def test_latency_and_interval() -> None:
    run = run_ports(Fork(ForkConfig(8, (3, 7))), [VALUES], [70, 70])
    assert run.input_cycles == [list(range(70))]
    assert run.output_cycles == [[cycle + ForkConfig.latency for cycle in range(70)]] * 2


def test_the_fullest_branch_decides() -> None:
    """The first branch leaves at once, the second waits: what is accepted is what the second holds."""
    run = run_ports(Fork(ForkConfig(8, (3, 11))), [VALUES], [70, 70], start=[0, 40])
    assert run.input_cycles[0][:11] == list(range(11)) and run.input_cycles[0][11] == 41
    assert run.output_cycles[0][:12] == [*range(2, 13), 43]


def test_cost() -> None:
    branches = SkipFifoConfig(8, 3).cost("xc7") + SkipFifoConfig(8, 700).cost("xc7")
    assert ForkConfig(8, (3, 700)).cost("xc7") == branches + Cost(2)


@pytest.mark.parametrize(("width", "depths", "message"), [
    (8, (4,), "depths: wanted at least 2, got 1"),
    (8, (4, 0), "depth: wanted at least 1, got 0"),
    (0, (4, 4), "width: wanted at least 1, got 0"),
])  # fmt: skip
def test_errors(width: int, depths: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ForkConfig(width, depths)
