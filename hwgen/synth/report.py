"""What `synth` found, as a table for people and as one JSON object for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from hwgen.board import Board
from hwgen.console import console
from hwgen.synth.paths import Path
from hwgen.synth.statistics import Statistics

KINDS = {"dsp": "DSP", "bram36": "BRAM36", "lut": "LUT", "ff": "FF"}
"""Resources by their names in a manifest, and their headings."""
EXACT = ("dsp", "bram36")
"""Predicted exactly, for every component."""
TOLERANCE = 0.1
"""Of the design's predicted LUTs and flip-flops, relative to what synthesis finds."""


@dataclass(frozen=True)
class Part:
    """A component: what the manifest predicts (nothing, of parts that are no layer), what synthesis found, and its
    deepest path; None where nothing leads from one register to another."""

    name: str
    predicted: dict[str, float]
    statistics: Statistics
    path: Path | None

    def found(self, kind: str) -> float:
        return float(getattr(self.statistics, kind))


@dataclass(frozen=True)
class Report:
    """The outcome of `synth`; tool: its name and version; yardstick: the deepest path of an 8-bit requantiser by
    itself."""

    design: str
    board: Board
    tool: str
    parts: tuple[Part, ...]
    yardstick: Path

    def total(self, kind: str) -> float:
        """What synthesis found in all parts."""
        return sum(part.found(kind) for part in self.parts)

    def predicted(self, kind: str) -> float:
        return sum(part.predicted.get(kind, 0) for part in self.parts)

    def error(self, kind: str) -> float | None:
        """Predicted by found, minus 1, over the parts that have a prediction."""
        found = sum(part.found(kind) for part in self.parts if kind in part.predicted)
        return self.predicted(kind) / found - 1 if found else None

    @property
    def differences(self) -> list[str]:
        """Predictions that are not met, one line each."""
        lines = [
            f"{part.name}: {KINDS[kind]}: predicted {part.predicted[kind]:g}, synthesised {part.found(kind):g}"
            for part in self.parts
            for kind in EXACT
            if kind in part.predicted and part.predicted[kind] != part.found(kind)
        ]
        for kind in KINDS.keys() - set(EXACT):
            error = self.error(kind)
            if error is not None and abs(error) > TOLERANCE:
                lines.append(
                    f"total: {KINDS[kind]}: predicted {self.predicted(kind):,g}, synthesised {self.total(kind):,g},"
                    f" more than {TOLERANCE:.0%} apart"
                )
        return lines

    def to_json(self) -> dict[str, Any]:
        """The object that ``synth --json`` prints; what does not apply is None."""
        return {
            "design": self.design,
            "board": self.board.name,
            "part": self.board.part,
            "tool": self.tool,
            "components": [
                {
                    "name": part.name,
                    "predicted": {kind: part.predicted.get(kind) for kind in KINDS},
                    "synthesised": asdict(part.statistics),
                    "deepest_path": None if part.path is None else asdict(part.path),
                }
                for part in self.parts
            ],
            "predicted": {kind: self.predicted(kind) for kind in KINDS},
            "synthesised": {kind: self.total(kind) for kind in KINDS},
            "share": {kind: round(self.total(kind) / getattr(self.board.resources, kind), 4) for kind in KINDS},
            "yardstick": asdict(self.yardstick),
            "differences": self.differences,
        }


def print_report(report: Report, as_json: bool) -> None:
    """Print a report on stdout: JSON alone, or the table, the paths and what differs."""
    if as_json:
        print(json.dumps(report.to_json()))
        return
    output = console()
    output.print(_table(report))
    output.print("\nDeepest path from register to register, an estimate before placement (docs/synthesis.md):")
    named = [(part.name, part.path) for part in report.parts if part.path is not None]
    named.sort(key=lambda item: -item[1].ns)
    for name, path in [*named, ("an 8-bit requantiser by itself", report.yardstick)]:
        output.print(f"  {name}: {_path(path)}, {path.start} -> {path.end}", soft_wrap=True, markup=False)
    for line in report.differences:
        output.print(line, soft_wrap=True, markup=False)


def _table(report: Report) -> Table:
    table = Table(title=f"{report.design} on {report.board.name}: predicted / synthesised")
    table.add_column("component")
    for heading in KINDS.values():
        table.add_column(heading, justify="right")
    table.add_column("deepest path", justify="right")
    for part in report.parts:
        cells = [_cell(part.predicted.get(kind), part.found(kind)) for kind in KINDS]
        table.add_row(part.name, *cells, "" if part.path is None else _path(part.path))
    table.add_section()
    paths = [part.path for part in report.parts if part.path is not None]
    table.add_row("total", *_totals(report), _path(max(paths, key=lambda path: path.ns)) if paths else "")
    shares = (report.total(kind) / getattr(report.board.resources, kind) for kind in KINDS)
    table.add_row("of the part", *(f"{share:.1%}" for share in shares), "")
    return table


def _totals(report: Report) -> Iterator[str]:
    for kind in KINDS:
        error = report.error(kind)
        predicted = report.predicted(kind) if error is not None else None
        yield _cell(predicted, report.total(kind), error)


def _cell(predicted: float | None, found: float, error: float | None = None) -> str:
    """``1,204 / 1,310 (-8.1 %)``; without a prediction ``- / 1,310``."""
    if predicted is None:
        return f"- / {found:,g}"
    if error is None and found:
        error = predicted / found - 1
    return f"{predicted:,g} / {found:,g}" + (f" ({100 * error:+.1f} %)" if error else "")


def _path(path: Path) -> str:
    carries = f", {path.carries} carry" if path.carries else ""
    return f"{path.ns:.2f} ns ({path.luts} LUT{carries})"
