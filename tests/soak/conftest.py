"""Soaks simulate for long: their designs are compiled as they are for users."""

from __future__ import annotations

import pytest

from hwgen.sim import runner


@pytest.fixture(autouse=True)
def fast_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(runner.CXXFLAGS, raising=False)
