"""The results of `synth`, as a table for people and as one JSON object for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from hwgen.board import Board
from hwgen.console import console, print_json
from hwgen.device import RESOURCES, shown
from hwgen.synth.paths import Path, Timing, reset_ns
from hwgen.synth.statistics import Statistics
from hwgen.synth.wires import SLOW

EXACT = ("dsp", "bram36", "uram")
"""Predicted exactly, for every component."""
KINDS = {key: RESOURCES[key] for key in sorted(RESOURCES, key=lambda key: key not in EXACT)}
"""Resources by their names in a manifest, and their headings: the exact ones first."""
TOLERANCE = 0.1
"""Tolerance of the design's predicted LUTs and flip-flops, relative to what synthesis finds."""


@dataclass(frozen=True)
class Part:
    """A component: what the manifest predicts, by the names in `KINDS`; what synthesis found; its paths."""

    name: str
    predicted: dict[str, float]
    statistics: Statistics
    timing: Timing

    def found(self, kind: str) -> float:
        return float(getattr(self.statistics, kind))


@dataclass(frozen=True)
class Report:
    """The outcome of `synth`.

    tool: its name and version; timing: of the whole design, whose paths may lead from one part into the next;
    yardstick: of an 8-bit requantiser by itself.
    """

    design: str
    board: Board
    tool: str
    parts: tuple[Part, ...]
    timing: Timing
    yardstick: Timing

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
                    "timing": asdict(part.timing),
                }
                for part in self.parts
            ],
            "predicted": {kind: self.predicted(kind) for kind in KINDS},
            "synthesised": {kind: self.total(kind) for kind in KINDS},
            "share": {kind: None if share is None else round(share, 4) for kind, share in shares.items()},
            "timing": asdict(self.timing),
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
    output.print(
        "\nWorst paths from register to register, an estimate before placement (docs/synthesis.md): with all wires at"
        "\ntheir 90 % point, (at their median); LUTs and carry cells on the way; the widest net's fan-out",
        soft_wrap=True,
    )
    named = [(part.name, part.timing) for part in report.parts]
    named.sort(key=lambda item: -_ns(item[1])[1])
    for name, timing in [("whole design", report.timing), *named, ("an 8-bit requantiser by itself", report.yardstick)]:
        if timing.median is not None:
            median, slow = _ns(timing)
            reset = f"; reset: fan-out {timing.reset:,}, {reset_ns(timing.reset, SLOW):.2f} ns" if timing.reset else ""
            line = f"  {name}: 90 % {_speed(slow)}, median {_speed(median)}{reset}"
            output.print(line, soft_wrap=True, markup=False)
        for path in timing.worst:
            output.print(f"    {_path(path)}, {path.start} -> {path.end}", soft_wrap=True, markup=False)
    for line in report.differences:
        output.print(f"differs: {line}", soft_wrap=True, markup=False)


def _table(report: Report) -> Table:
    table = Table(title=f"{report.design} on {report.board.name}: predicted / synthesised")
    table.add_column("component")
    kinds = report.kinds
    for heading in kinds.values():
        table.add_column(heading, justify="right")
    table.add_column("longest path, median / 90 %", justify="right")
    for part in report.parts:
        cells = [_cell(part.predicted[kind], part.found(kind)) for kind in kinds]
        table.add_row(part.name, *cells, _both(part.timing))
    table.add_section()
    totals = (_cell(report.predicted(kind), report.total(kind)) for kind in kinds)
    table.add_row("total", *totals, _both(report.timing))
    shares = map(report.share, kinds)
    table.add_row("of the part", *("-" if share is None else f"{share:.1%}" for share in shares), "")
    return table


def _cell(predicted: float, found: float) -> str:
    """``1,204 / 1,310 (-8.1 %)``."""
    error = f" ({100 * (predicted / found - 1):+.1f} %)" if found and predicted != found else ""
    return f"{predicted:,g} / {found:,g}{error}"


def _ns(timing: Timing) -> tuple[float, float]:
    """The longest path with all wires at their median, and with all at their 90 % point; 0 where there is none."""
    median = 0.0 if timing.median is None else timing.median.median_ns
    return median, max((path.slow_ns for path in timing.worst), default=0.0)


def _both(timing: Timing) -> str:
    """``4.59 / 7.02 ns``."""
    median, slow = _ns(timing)
    return f"{median:.2f} / {slow:.2f} ns" if slow else ""


def _speed(ns: float) -> str:
    """``5.00 ns (200 MHz)``."""
    return f"{ns:.2f} ns ({1000 / ns:.0f} MHz)"


def _path(path: Path) -> str:
    """``6.20 ns (4.01), 3 LUT, 2 carry, fan-out 17``."""
    carries = f", {path.carries} carry" if path.carries else ""
    return f"{path.slow_ns:.2f} ns ({path.median_ns:.2f}), {path.luts} LUT{carries}, fan-out {path.fan_out}"
