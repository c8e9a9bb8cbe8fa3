"""Designs of these tests are small: g++ takes longer with their simulation than the simulation itself."""

from __future__ import annotations

import pytest

from hwgen.sim import runner


@pytest.fixture(autouse=True)
def quick_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runner.CXXFLAGS, "-O0")
