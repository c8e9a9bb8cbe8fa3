"""Links whose ends are the integer graph."""

from __future__ import annotations

import pytest
from support.fake_link import FakeEnd

from hwgen.design_options import DesignOptions
from hwgen.link import measure as measuring
from hwgen.reference.link import load_link


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeEnd]:
    """Ends that are simulated by the integer graph; filled when a link is measured."""
    made: dict[str, FakeEnd] = {}
    wrong: dict[str, tuple[int, int, int]] = {}

    def emit_end(options: DesignOptions, *rest: object) -> FakeEnd:
        side = options.side
        made[side] = FakeEnd(load_link(options), side)
        made[side].wrong = wrong.get(side)
        return made[side]

    monkeypatch.setattr(measuring, "emit_end", emit_end)
    made["wrong"] = wrong  # type: ignore[assignment]
    return made
