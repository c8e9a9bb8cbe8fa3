"""The speed measurement runs both and measures both."""

from __future__ import annotations

from pathlib import Path

import sim_toy

from hwgen.sim.speed import speeds


def test_both_are_measured(tmp_path: Path) -> None:
    bench, bare = speeds(sim_toy.make(tmp_path), 200_000)
    assert 0 < bench < bare  # the toy is so small that starting Python alone takes longer than its cycles
