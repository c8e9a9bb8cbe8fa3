"""The speed measurement runs both and measures both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import sim_toy

from hwgen.sim.design import Design
from hwgen.sim.speed import speeds


@pytest.mark.parametrize("make", [sim_toy.make, sim_toy.make_receiver])
def test_both_are_measured(make: Callable[[Path], Design], tmp_path: Path) -> None:
    bench, bare = speeds(make(tmp_path), 200_000)
    assert 0 < bench < bare  # the toy is so small that starting Python alone takes longer than its cycles
