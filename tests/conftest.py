"""Settings of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Designs of tests are small: g++ takes longer with their simulation than the simulation itself.

    Tests that simulate for long take the variable away; so may who starts pytest.
    """
    os.environ.setdefault("HWGEN_CXXFLAGS", "-O0")


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For OBJCACHE of Verilator's makefile: compiles its library once for all tests and workers of a run."""
    from support.folder_simulation import compiler

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "objects"
    folder.mkdir(exist_ok=True)
    return compiler(folder)
