"""The front of a search: the points that no other one beats, as table, CSV and picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwgen.outputs import replaced_file
from hwgen.search.trial import Outcome

RESOURCES = ("dsp", "lut", "bram36")


def front(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Feasible points of which none is at least as good in PSNR and cycles and better in one, by cycles; each once."""
    best: list[Outcome] = []
    for one in sorted((one for one in outcomes if one.feasible), key=lambda one: (one.cycles, -(one.psnr or 0.0))):
        if not best or (one.psnr or 0.0) > (best[-1].psnr or 0.0):
            best.append(one)
    return best


def row(outcome: Outcome) -> dict[str, Any]:
    """A point as a flat record."""
    found: dict[str, Any] = {
        "point": outcome.key, "psnr_db": outcome.psnr, "untrained_db": outcome.untrained, "cycles": outcome.cycles,
        "macs": outcome.macs, "weight_bits": outcome.weight_bits, "feasible": outcome.feasible,
        "stopped": outcome.stopped,
    }  # fmt: skip
    for side, used in outcome.sides.items():
        found |= {f"{side}_{key}": used.get(key) for key in ("cycles", "fps", *RESOURCES)}
    return found


def write_csv(outcomes: Sequence[Outcome], path: Path) -> None:
    """All points, a row each."""
    rows = [row(one) for one in outcomes]
    columns = list(dict.fromkeys(key for one in rows for key in one))
    with replaced_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def plot(outcomes: Sequence[Outcome], best: Sequence[Outcome], title: str, path: Path) -> None:
    """PSNR against cycles: all points that were trained to the end, and the front as a line.

    Raises
    ------
    ModuleNotFoundError
        There is no matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for some, style, color, label in ((outcomes, "o", "0.6", "tried"), (best, "o-", "C0", "front")):
        found = [(one.cycles, one.psnr) for one in some if one.psnr is not None and one.cycles is not None]
        axes.plot([cycles for cycles, _ in found], [psnr for _, psnr in found], style, color=color, label=label)
    for one in best:
        place = float(one.cycles or 0), one.psnr or 0.0
        axes.annotate(one.key, place, textcoords="offset points", xytext=(4, -9), fontsize=7)
    axes.set(xlabel="cycles of a frame, slowest side", ylabel="PSNR in dB", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    with replaced_file(path) as part:
        figure.savefig(part, format="png", dpi=150, metadata={"Software": None})
