"""Build every case, simulate it without and with stalls, and say what is wrong."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hwgen import process
from hwgen.board import BOARDS
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.sweep import branches, coded, rows
from hwgen.sweep.case import SIDES, Case
from hwgen.sweep.directed import DIRECTED
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN, worst
from hwgen.verify.report import Report
from hwgen.verify.run import Request, run_verification

GENERATORS: dict[str, Callable[[int], Case]] = {"rows": rows.draw, "branches": branches.draw, "codebooks": coded.draw}
"""From a seed to a case, the same for the same seed."""

TURNS = ("branches", "rows", "branches", "codebooks")
"""Random cases take the generators in these turns: half of them have branches."""

CHOSEN = (*DIRECTED, *branches.DIRECTED, *coded.DIRECTED)
"""Cases that every sweep begins with."""

STALL = 0.25


def run(case: Case, folder: Path) -> tuple[Report, Report]:
    """Prove a case without and with stalls, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "spec.yaml"
    path.write_text(case.spec())
    options = DesignOptions(path, case.side, board_of(case, folder), case.fps, init=case.seed)
    base = Request(options, frames=3, seed=case.seed)
    still = run_verification(base, folder / "still")
    again = replace(base, stall=STALL, design=still.design.folder)
    return still, run_verification(again, folder / "stalled")


def board_of(case: Case, folder: Path) -> str | Path:
    """The case's board: a name, or in the folder a file of one with other resources."""
    if not case.limits:
        return case.board
    text = (BOARDS / f"{case.board}.yaml").read_text(encoding="utf-8")
    for key, amount in case.limits:
        text = re.sub(rf"\b{key}: \d+", f"{key}: {amount}", text)
    path = folder / "small_board.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def complaints(still: Report, stalled: Report) -> list[str]:
    """Faults of a case, one line each; empty if it is proven."""
    found = [report.first.message for report in (still, stalled) if report.first is not None]
    if still.proven and (still.interval is None or still.latency is None):
        found.append("interval or latency were not measured")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sweep; 0 if every case is proven and predicted, 1 if a design differs, 2 if one could not be run."""
    parser = argparse.ArgumentParser(prog="python -m hwgen.sweep", description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="random cases beside the directed ones (default: 20)")
    parser.add_argument("--seed", type=int, default=100, help="seed of the first random case (default: 100)")
    parser.add_argument("--side", choices=SIDES, help="only cases of this side (default: both)")
    parser.add_argument("--only", choices=GENERATORS, help="random cases of this generator alone, no directed ones")
    arguments = parser.parse_args(argv)
    failed = refused = unknown = 0
    turns = (arguments.only,) if arguments.only else TURNS
    drawn = (GENERATORS[turns[index % len(turns)]](arguments.seed + index) for index in range(arguments.count))
    cases = [*(() if arguments.only else CHOSEN), *drawn]
    cases = [case for case in cases if arguments.side in (None, case.side)]
    for case in cases:
        started = time.perf_counter()
        with process.private_folder("hwgen_sweep_") as folder:
            try:
                reports = run(case, folder)
                found, verdict = complaints(*reports), worst([report.verdict for report in reports])
            except HwgenError as error:
                if error.where == "--fps" or (case.limits and "resources" in error.where):
                    # A rate or a network beyond the board is no defect.
                    refused += 1
                    print(f"refused  {case}: {error}", flush=True)
                    continue
                found, verdict = [str(error)], NOT_RUN
        verdict = DIFFERS if found and verdict == PROVEN else verdict
        failed += verdict == DIFFERS
        unknown += verdict == NOT_RUN
        print(f"{verdict:8} {case} ({time.perf_counter() - started:.0f} s)", flush=True)
        for line in found:
            print(f"    {line}", flush=True)
    proven = len(cases) - failed - refused - unknown
    print(f"{proven} proven, {failed} differ, {unknown} not run, {refused} refused")
    return 1 if failed else 2 if unknown or not proven else 0
