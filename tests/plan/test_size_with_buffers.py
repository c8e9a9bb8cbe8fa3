"""Sizing again where buffers take more than was counted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hwgen import board as boards
from hwgen.errors import HwgenError
from hwgen.plan import buffers
from hwgen.rtl.primitives import Cost

BOARD = boards.load("pynq_z2")
LUTS = BOARD.budget("lut")


@dataclass
class Told:
    """A plan with the LUTs that it takes with its buffers; its costs are all that is looked at."""

    lut: int

    @property
    def costs(self) -> dict[str, Cost]:
        return {"one": Cost(lut=self.lut)}

    board = BOARD

    @property
    def graph(self) -> Any:
        return type("Graph", (), {"model": "told"})


def sizes(monkeypatch: pytest.MonkeyPatch, *luts: int, most_kept: float = 10**9) -> list[Mapping[str, float]]:
    """Have sizing give plans with these LUTs one after the other; what it was asked to keep free each time."""
    asked: list[Mapping[str, float]] = []
    left = list(luts)

    class Sizing:
        def __init__(self, designs: Any) -> None:
            assert designs == []

        def plans(self, fps: float | None, kept: Mapping[str, float] | None = None) -> Sequence[Told]:
            asked.append(kept or {})
            if asked[-1].get("lut", 0) > most_kept:
                raise HwgenError("--fps", "less", "more")
            return (Told(left.pop(0)),)

    monkeypatch.setattr(buffers, "Sizing", Sizing)
    monkeypatch.setattr(buffers, "_with_buffers", lambda plan: plan)
    return asked


def planned() -> Any:
    return buffers.size_with_buffers([], BOARD, 8, 8, None, "direct")


def test_what_fits_is_sized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = sizes(monkeypatch, LUTS)
    assert planned() == (Told(LUTS),)
    assert asked == [{}]


def test_what_is_too_much_is_kept_free_and_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = sizes(monkeypatch, LUTS + 10, LUTS + 3, LUTS - 1)
    assert planned() == (Told(LUTS - 1),)
    assert [kept.get("lut", 0) for kept in asked] == [0, 10, 13]
    assert all(amount == 0 for kept in asked for key, amount in kept.items() if key != "lut")


def test_the_error_says_what_buffers_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = f"wanted at least {LUTS + 10} for told with the buffers of its branches; try a lower --fps, got {LUTS}"
    sizes(monkeypatch, LUTS + 10, most_kept=5)
    with pytest.raises(HwgenError, match=wanted):
        planned()
    asked = sizes(monkeypatch, *[LUTS + 10] * buffers.SIZINGS)
    with pytest.raises(HwgenError, match=wanted):
        planned()
    assert len(asked) == buffers.SIZINGS
