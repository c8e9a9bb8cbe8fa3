"""Designs that several tests look at, emitted once."""

from __future__ import annotations

import pytest
from support.emission import emit_tiny

from hwgen import emit as package
from hwgen.emit import Emitted


@pytest.fixture(scope="session")
def design(tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    return emit_tiny(tmp_path_factory.mktemp("emit") / "design")


VARIANTS: dict[str, dict[str, str]] = {
    "tx": {},
    "rx": {"side": "rx"},
    "tx svd": {"channel": "mimo2x2"},
    "rx rayleigh": {"side": "rx", "channel": "rayleigh"},
}


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    """Either side, without and with coefficients for its channel."""
    return emit_tiny(tmp_path_factory.mktemp("emit") / "design", **VARIANTS[request.param])


@pytest.fixture
def no_verilog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verilog takes most of the time of an emission, and tests of the folder need none."""
    monkeypatch.setattr(package, "verilog", lambda plan, top: f"module {top}; endmodule\n")
