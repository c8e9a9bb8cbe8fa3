"""`bench sim`: how fast `hwgen verify` simulates, beside a bare C++ loop around the same design, and where a
verification's time goes."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from hwgen import cache as caches, process
from hwgen.console import console, print_json
from hwgen.design_options import DesignOptions
from hwgen.sim import design as designs
from hwgen.sim.speed import speeds
from hwgen.verify.report import Report, print_report
from hwgen.verify.run import Request, need_tools, run_verification


@dataclass(frozen=True)
class Speed:
    """Cycles per second of CPU time: of the bench that `verify` runs, and of the bare loop."""

    bench: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.bench / self.bare


def bench(options: DesignOptions, frames: int = 3, cycles: int = 1_000_000, as_json: bool = False) -> int:
    """Verify a design with a simulator built anew, then measure the simulator, and print both.

    Parameters
    ----------
    frames : of the verification
    cycles : of each run that measures speed
    as_json : print one JSON object and nothing else

    Returns
    -------
    int : 0, or 1 where the verification found something, which is printed instead

    Raises
    ------
    HwgenError : bad input
    """
    need_tools()
    with process.private_folder("hwgen_bench_") as folder:
        cache = _fresh_cache(folder)
        report, phases = timed(Request(options, frames=frames, directed=0), folder, cache)
        if not report.proven:
            print_report(report, as_json=False, folder=None)
            return 1
        speed = Speed(*speeds(designs.load(folder / "design"), cycles, cache))
    if as_json:
        print_json({
            "design": report.name,
            "frame": f"{report.design.width}x{report.design.height}",
            "multipliers": report.design.prediction("multipliers"),
            "frames": frames,
            "values_compared": report.values_compared,
            "seconds": phases,
            "bench_cycles_per_second": speed.bench,
            "bare_cycles_per_second": speed.bare,
            "ratio": speed.ratio,
        })  # fmt: skip
    else:
        _print(report, phases, speed)
    return 0


def timed(request: Request, folder: Path, cache: Path) -> tuple[Report, dict[str, float]]:
    """A verification, and the seconds that its phases took: emit, model, build, simulation, rest, all."""
    started: dict[str, float] = {}

    def say(text: str) -> None:
        started[text.split()[0]] = time.perf_counter()

    report = run_verification(request, folder, say, cache)
    phases = {
        "emit": started["running"] - started["emitting"],
        "model": started["simulating"] - started["running"],
        "build": report.build_seconds,
        "simulation": report.simulation_seconds,
    }
    return report, phases | {"rest": report.seconds - sum(phases.values()), "all": report.seconds}


def _fresh_cache(folder: Path) -> Path:
    """A cache without simulators, but with Verilator's run-time library where one was built before."""
    cache = folder / "cache"
    cache.mkdir()
    for library in caches.folder("sim").glob("library_*"):
        shutil.copytree(library, cache / "sim" / library.name)
    return cache


def _print(report: Report, phases: dict[str, float], speed: Speed) -> None:
    design = report.design
    lanes = design.prediction("multipliers")
    about = f"{report.name}, {lanes} multipliers, {report.frames} frames of {design.width}x{design.height}"
    spent = Table(title=f"verify, {about}")
    spent.add_column("phase")
    spent.add_column("seconds", justify="right")
    spent.add_column("share", justify="right")
    labels = {
        "emit": "size and emit",
        "model": "PyTorch model and integer graph",
        "build": "build the simulator",
        "simulation": "simulate",
        "rest": "compare, images, PSNR",
        "all": "all",
    }
    for key, label in labels.items():
        spent.add_row(label, f"{phases[key]:.1f}", f"{phases[key] / phases['all']:.0%}", end_section=key == "rest")
    console().print(spent)
    run = Table(title="simulation, kcycles/s of CPU time")
    for column in ("verify's bench", "bare C++ loop", "ratio"):
        run.add_column(column, justify="right")
    run.add_row(f"{speed.bench / 1e3:,.0f}", f"{speed.bare / 1e3:,.0f}", f"{speed.ratio:.2f}")
    console().print(run)
