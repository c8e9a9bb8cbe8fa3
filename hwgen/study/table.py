"""A study's rows as tables: one line for each criterion, share and width, its seeds together."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

GROUPED = ("criterion", "schedule", "ratio", "bits", "calibration")
MEASURED = ("psnr_1_db", "psnr_10_db", "psnr_19_db", "ssim_10_db", "float_psnr_10_db", "parameters", "macs",
            "weight_bits", "cycles", "dsp", "lut", "bram36")  # fmt: skip
"""Figures of a row that lines have, in the order of the tables."""


@dataclass(frozen=True)
class Line:
    """The rows of one criterion, schedule, share, width and calibration.

    Parameters
    ----------
    means, spreads : of each figure of `MEASURED` over the seeds, and its standard deviation (n - 1; 0 of one seed);
        None where no row has one
    """

    criterion: str
    schedule: str
    ratio: float
    bits: str
    calibration: str
    seeds: int
    means: Mapping[str, float | None]
    spreads: Mapping[str, float | None]


def lines(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Lines by share, ascending; then by width, in the order of the rows; then by PSNR at 10 dB, the best first."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in GROUPED), []).append(row)
    found = []
    for (criterion, schedule, ratio, bits, calibration), some in groups.items():
        means: dict[str, float | None] = {}
        spreads: dict[str, float | None] = {}
        for name in MEASURED:
            values = [row[name] for row in some if row[name] is not None]  # one seed's design stands for all
            means[name] = statistics.fmean(values) if values else None
            spreads[name] = (statistics.stdev(values) if len(values) > 1 else 0.0) if values else None
        found.append(Line(criterion, schedule, ratio, bits, calibration, len(some), means, spreads))
    blocks = {block: i for i, block in enumerate(dict.fromkeys((line.ratio, line.bits) for line in found))}
    return sorted(found, key=lambda line: (line.ratio, blocks[line.ratio, line.bits], -(line.means["psnr_10_db"] or 0)))


def printed(found: Sequence[Line], title: str) -> Table:
    """For the terminal: PSNR and SSIM with their spreads, then sizes and the circuit's figures."""
    table = Table(title=title)
    for column in ("criterion", "schedule", "pruned", "bits", "calibration"):
        table.add_column(column)
    for column in ("seeds", "PSNR 1 dB", "10 dB", "19 dB", "SSIM 10 dB", "float 10 dB", "parameters", "MACs",
                   "weight bits", "cycles", "DSP", "LUT", "BRAM36"):  # fmt: skip
        table.add_column(column, justify="right")
    last = None
    for line in found:
        if last not in (None, (line.ratio, line.bits)):
            table.add_section()
        last = line.ratio, line.bits
        cells = [with_spread(line, name, digits) for name, digits in
                 (("psnr_1_db", 2), ("psnr_10_db", 2), ("psnr_19_db", 2), ("ssim_10_db", 4), ("float_psnr_10_db", 2))]
        cells += [whole(line.means[name]) for name in MEASURED[5:-1]]
        block = line.means["bram36"]
        table.add_row(line.criterion, line.schedule, f"{100 * line.ratio:g} %", line.bits, line.calibration,
                      str(line.seeds), *cells,
                      "-" if block is None else f"{block:g}")  # fmt: skip
    return table


def with_spread(line: Line, name: str, digits: int) -> str:
    """A figure with its standard deviation, where there are several seeds."""
    mean, spread = line.means[name], line.spreads[name]
    if mean is None or spread is None:
        return "-"
    return f"{mean:.{digits}f}" + (f" ±{spread:.{digits}f}" if line.seeds > 1 else "")


def whole(value: float | None) -> str:
    """A count; "-" where a design does not fit."""
    return "-" if value is None else f"{value:,.0f}"


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """All rows, seed by seed."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
