"""`bench`: the measured tables. Every shipped, trained model is simulated at its full frame, and what came out of the
simulation stands beside what the manifest had predicted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from hwgen import spec as specs
from hwgen.console import console
from hwgen.errors import HwgenError
from hwgen.verify import Request, prove
from hwgen.verify_report import Report

COLUMNS = ("frame", "MMAC", "multipliers", "DSP", "interval", "predicted", "latency", "predicted", "fps",
           "MAC/cycle", "MAC/cycle/DSP", "PSNR dB", "mismatches")


def bench(models: Sequence[str | Path] = (), board: str | Path = "pynq_z2", frames: int = 3) -> int:
    """Simulate models without stalls and print one table.

    Parameters
    ----------
    models : names or paths; empty: every shipped model that is trained
    board : name or path
    frames : back to back, at least 3: the interval is measured between the last two

    Returns
    -------
    int : 0, or 1 where a value differed or a prediction was not met

    Raises
    ------
    HwgenError : bad input, or no shipped model is trained
    """
    chosen = list(models) or [name for name in specs.available() if specs.load(name).graph_path.exists()]
    if not chosen:
        raise HwgenError("--model", "a trained model", "none")
    table = Table(title=f"simulated, {frames} frames without stalls, board {board}")
    table.add_column("model")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    missed = False
    for model in chosen:
        with tempfile.TemporaryDirectory(prefix="hwgen_bench_") as folder:
            report = prove(Request(model, board=board, frames=frames), Path(folder))
        missed |= not report.proven or report.interval is None
        table.add_row(specs.load(model).name, *row(report))
    console().print(table)
    return 1 if missed else 0


def row(report: Report) -> list[str]:
    """A report's cells, in the order of `COLUMNS`."""
    design = report.design
    macs, dsp = design.prediction("macs_per_frame"), design.prediction("dsp")
    rate = None if not report.interval else float(design.manifest["clock_mhz"]) * 1e6 / report.interval
    return [
        f"{design.width}x{design.height}",
        _cell(macs and macs / 1e6, ",.1f"),
        _cell(design.prediction("multipliers"), ",d"),
        _cell(dsp, ",d"),
        _cell(report.interval, ",d"),
        _cell(design.prediction("frame_interval_cycles"), ",d"),
        _cell(report.latency, ",d"),
        _cell(design.prediction("latency_cycles"), ",d"),
        _cell(rate, ".2f"),
        _cell(macs and report.interval and macs / report.interval, ".1f"),
        _cell(report.macs_per_cycle_per_dsp, ".2f"),
        _cell(report.psnr_db, ".2f"),
        f"{report.mismatches:,d}",
    ]


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
