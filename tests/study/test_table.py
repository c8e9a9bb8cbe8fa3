"""Lines of a table: means and standard deviations over seeds, worked out by hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hwgen.study.plot import draw
from hwgen.study.table import MEASURED, as_csv, lines, printed


def row(
    criterion: str, ratio: float, bits: str, seed: int, psnr: float, cycles: int | None = 100, by: str = "mse"
) -> dict[str, Any]:
    built = {"cycles": cycles, "dsp": cycles, "lut": cycles, "bram36": cycles}
    axes = {"criterion": criterion, "ratio": ratio, "bits": bits, "calibration": by, "seed": seed}
    return axes | {"schedule": "one_shot"} | dict.fromkeys(MEASURED, psnr) | built


ROWS = [
    row("none", 0.0, "w8a8", 1, 30.0),
    row("random", 0.5, "w8a8", 1, 20.0), row("random", 0.5, "w8a8", 2, 23.0, None),
    row("l1", 0.5, "w8a8", 1, 25.0), row("l1", 0.5, "w8a8", 2, 26.0),
    row("l1", 0.25, "w8a8", 1, 28.0, None),
]  # fmt: skip


def test_lines() -> None:
    """Mean 21.5 and standard deviation 3 / sqrt(2); the better criterion first; a design that only one seed has."""
    found = lines(ROWS)
    assert [(line.criterion, line.ratio, line.seeds) for line in found] == [
        ("none", 0.0, 1), ("l1", 0.25, 1), ("l1", 0.5, 2), ("random", 0.5, 2)]  # fmt: skip
    last = found[-1]
    assert last.means["psnr_10_db"] == 21.5
    assert last.spreads["psnr_10_db"] == pytest.approx(3 / 2**0.5)
    assert (last.means["cycles"], last.spreads["cycles"]) == (100, 0.0)
    assert (found[1].means["cycles"], found[1].spreads["cycles"]) == (None, None)


def test_calibrations_are_lines_of_one_block() -> None:
    found = lines([row("none", 0.0, "w4a4", 1, 20.0, by="sigma"), row("none", 0.0, "w4a4", 1, 25.0, by="kl"),
                   row("none", 0.0, "w4a4", 2, 27.0, by="kl")])  # fmt: skip
    assert [(line.calibration, line.means["psnr_10_db"]) for line in found] == [("kl", 26.0), ("sigma", 20.0)]


def test_the_printed_table() -> None:
    console = Console(width=250, file=io.StringIO())
    console.print(printed(lines(ROWS), "title"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "21.50 ±2.12" in text
    assert "25.50 ±0.71" in text
    assert "30.00 " in text and "30.00 ±" not in text, "one seed has no spread"
    assert text.index("25.50 ±") < text.index("21.50 ±")


def test_shares_are_printed_in_full() -> None:
    console = Console(width=250, file=io.StringIO())
    console.print(printed(lines([row("l1", 0.125, "w8a8", 1, 25.0)]), "title"))
    assert " 12.5 % " in console.file.getvalue()  # type: ignore[attr-defined]


def test_csv_has_every_row() -> None:
    read = list(csv.DictReader(io.StringIO(as_csv(ROWS))))
    assert [(one["criterion"], one["seed"], float(one["psnr_10_db"])) for one in read] == [
        (one["criterion"], str(one["seed"]), one["psnr_10_db"]) for one in ROWS]  # fmt: skip
    assert read[2]["cycles"] == ""


def test_the_plot_is_written_and_the_same_again(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw(lines(ROWS), tmp_path / name, "title")
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert content == (tmp_path / "b.png").read_bytes()
