"""The front, its CSV and its picture."""

from __future__ import annotations

import csv
from pathlib import Path

from hwgen.search.front import front, plot, write_csv
from hwgen.search.trial import Outcome


def outcome(key: str, psnr: float | None, cycles: int | None, **shortfalls: float) -> Outcome:
    return Outcome(key, {}, psnr, cycles, sides={"tx": {"cycles": cycles, "fps": 1.0, "dsp": 3}}, shortfalls=shortfalls)


POINTS = [
    outcome("slow", 30.0, 900), outcome("beaten", 29.0, 950), outcome("same", 30.0, 950), outcome("fast", 28.0, 500),
    outcome("late", 27.0, 500), outcome("left", None, 100), outcome("missed", 29.0, 100, fps=0.1),
    outcome("big", None, None, board=1.0), outcome("met", 29.5, 800, fps=-0.1),
]  # fmt: skip


def test_nothing_on_it_is_beaten() -> None:
    assert [one.key for one in front(POINTS)] == ["fast", "met", "slow"]


def test_none_is_feasible() -> None:
    assert front(POINTS[5:8]) == []


def test_all_points_are_in_the_csv(tmp_path: Path) -> None:
    write_csv(POINTS, tmp_path / "points.csv")
    with (tmp_path / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["point"] for row in rows] == [one.key for one in POINTS]
    assert (rows[0]["psnr_db"], rows[0]["tx_dsp"], rows[5]["psnr_db"]) == ("30.0", "3", "")
    assert rows[6]["feasible"] == "False"


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        plot(POINTS, front(POINTS), "title", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    plot([], [], "nothing", tmp_path / "c.png")
