"""Estimates of what forks hold: the branch that others wait for holds nothing, a quick one what comes meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen import board
from hwgen.lower.fork import ForkLowering
from hwgen.plan.design import Design
from hwgen.random_init.graph import random_graph
from hwgen.spec.model import load

SPEC = """
format_version: 1
description: blocks and, beside them, two windows before smaller blocks
frame: {width: 64, height: 64}
encoder:
  - {name: linear, kernel: 16, stride: 16, channels: 8, activation: none}
  - {name: quarter, kind: space_to_depth, factor: 4, inputs: [pixels]}
  - {kernel: 3, channels: 4}
  - {kernel: 3, channels: 4}
  - {name: details, kernel: 4, stride: 4, channels: 8, activation: none}
  - {kind: add, inputs: [linear, details]}
"""


def test_the_slowest_branch_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    graph = random_graph(load(tmp_path / "spec.yaml"), 1, "tx")
    lowerings = Design(graph, board.load("pynq_z2"), 64, 64).lowerings
    fork = lowerings["pixels_fork"]
    assert isinstance(fork, ForkLowering)
    lag = {name: one.lag for name, one in lowerings.items()}
    slow = sum(lag[name] for name in ("quarter", "conv2", "conv3", "details_patches", "details"))
    quick = lag["linear_patches"] + lag["linear"]
    assert slow > quick > 0
    assert list(fork.held) == [pytest.approx(slow - quick), 0.0]
