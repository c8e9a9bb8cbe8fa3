"""The results of `synth`, as a table for people and as one JSON object for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from hwgen.board import Board
from hwgen.console import console, print_json
from hwgen.device import RESOURCES, shown
from hwgen.synth.paths import Path
from hwgen.synth.statistics import Statistics

EXACT = ("dsp", "bram36", "uram")
"""Predicted exactly, for every component."""
KINDS = {key: RESOURCES[key] for key in sorted(RESOURCES, key=lambda key: key not in EXACT)}
"""Resources by their names in a manifest, and their headings: the exact ones first."""
TOLERANCE = 0.1
"""Tolerance of the design's predicted LUTs and flip-flops, relative to what synthesis finds."""


@dataclass(frozen=True)
class Part:
    """A component: what the manifest predicts, by the names in `KINDS`; what synthesis found; its deepest path, None
    where nothing leads from one register to another."""

    name: str
    predicted: dict[str, float]
    statistics: Statistics
    path: Path | None

    def found(self, kind: str) -> float:
        return float(getattr(self.statistics, kind))


@dataclass(frozen=True)
class Report:
    """The outcome of `synth`.

    tool: its name and version; path: the deepest of the whole design, which may lead from one part into the next;
    yardstick: the deepest of an 8-bit requantiser by itself.
    """

    design: str
    board: Board
    tool: str
    parts: tuple[Part, ...]
    path: Path
    yardstick: Path

    def total(self, kind: str) -> float:
        """Amount that synthesis found in all parts."""
        return sum(part.found(kind) for part in self.parts)

    def sum(self, count: str) -> int:
        """Sum of an integer in the statistics over all parts."""
        return sum(getattr(part.statistics, count) for part in self.parts)

    def predicted(self, kind: str) -> float:
        """Amount that the manifest predicts for all parts."""
        return sum(part.predicted[kind] for part in self.parts)

    def share(self, kind: str) -> float | None:
        """Share of the board's amount that synthesis found; None where the board has none."""
        has: int = getattr(self.board.resources, kind)
        return self.total(kind) / has if has else None

    @property
    def kinds(self) -> dict[str, str]:
        """Resources that the table shows: a rare one only where it is predicted or found."""
        headings = shown({kind: self.predicted(kind) + self.total(kind) for kind in KINDS})
        return {kind: headings[kind] for kind in KINDS if kind in headings}

    @property
    def differences(self) -> list[str]:
        """Predictions that are not met, one line each."""
        lines = [
            f"{part.name}: {KINDS[kind]}: predicted {part.predicted[kind]:g}, synthesised {part.found(kind):g}"
            for part in self.parts
            for kind in EXACT
            if part.predicted[kind] != part.found(kind)
        ]
        lines += [
            f"total: {KINDS[kind]}: predicted {self.predicted(kind):,g}, synthesised {self.total(kind):,g},"
            f" more than {TOLERANCE:.0%} apart"
            for kind in KINDS
            if kind not in EXACT and abs(self.predicted(kind) - self.total(kind)) > TOLERANCE * self.total(kind)
        ]
        return lines

    def to_json(self) -> dict[str, Any]:
        """The object that ``synth --json`` prints; what does not apply is None."""
        shares = {kind: self.share(kind) for kind in KINDS}
        return {
            "design": self.design,
            "board": self.board.name,
            "part": self.board.part,
            "tool": self.tool,
            "components": [
                {
                    "name": part.name,
                    "predicted": {kind: part.predicted[kind] for kind in KINDS},
                    "synthesised": asdict(part.statistics),
                    "deepest_path": None if part.path is None else asdict(part.path),
                }
                for part in self.parts
            ],
            "predicted": {kind: self.predicted(kind) for kind in KINDS},
            "synthesised": {kind: self.total(kind) for kind in KINDS},
            "share": {kind: None if share is None else round(share, 4) for kind, share in shares.items()},
            "deepest_path": asdict(self.path),
            "yardstick": asdict(self.yardstick),
            "differences": self.differences,
        }


def print_report(report: Report, as_json: bool) -> None:
    """Print a report on stdout: JSON alone, or the table, the paths and what differs."""
    if as_json:
        print_json(report.to_json())
        return
    output = console()
    output.print(_table(report))
    output.print(
        f"{report.sum('dsp_mreg')} DSPs with a register behind the multiplier, {report.sum('dsp_preg')} behind the"
        f" adder, {report.sum('dsp_pcin')} fed by a cascade; {report.sum('memory_lut'):,} LUTs are distributed RAM,"
        f" {report.sum('srl_lut'):,} shift registers",
        soft_wrap=True,
    )
    output.print("\nDeepest path from register to register, an estimate before placement (docs/synthesis.md):")
    named = [(part.name, part.path) for part in report.parts if part.path is not None]
    named.sort(key=lambda item: -item[1].ns)
    all_named = [("whole design", report.path), *named, ("an 8-bit requantiser by itself", report.yardstick)]
    for name, path in all_named:
        output.print(f"  {name}: {_path(path)}, {path.start} -> {path.end}", soft_wrap=True, markup=False)
    for line in report.differences:
        output.print(f"differs: {line}", soft_wrap=True, markup=False)


def _table(report: Report) -> Table:
    table = Table(title=f"{report.design} on {report.board.name}: predicted / synthesised")
    table.add_column("component")
    kinds = report.kinds
    for heading in kinds.values():
        table.add_column(heading, justify="right")
    table.add_column("deepest path", justify="right")
    for part in report.parts:
        cells = [_cell(part.predicted[kind], part.found(kind)) for kind in kinds]
        table.add_row(part.name, *cells, "" if part.path is None else _path(part.path))
    table.add_section()
    totals = (_cell(report.predicted(kind), report.total(kind)) for kind in kinds)
    table.add_row("total", *totals, _path(report.path))
    shares = map(report.share, kinds)
    table.add_row("of the part", *("-" if share is None else f"{share:.1%}" for share in shares), "")
    return table


def _cell(predicted: float, found: float) -> str:
    """``1,204 / 1,310 (-8.1 %)``."""
    error = f" ({100 * (predicted / found - 1):+.1f} %)" if found and predicted != found else ""
    return f"{predicted:,g} / {found:,g}{error}"


def _path(path: Path) -> str:
    carries = f", {path.carries} carry" if path.carries else ""
    return f"{path.ns:.2f} ns ({path.luts} LUT{carries})"
