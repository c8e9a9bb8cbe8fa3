"""Build every case, simulate it without and with stalls, and say what is wrong."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwgen import process
from hwgen.board import BOARDS
from hwgen.console import print_json
from hwgen.design_options import DesignOptions, add_options
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job, executor
from hwgen.option_values import Engine
from hwgen.sweep import branches, coded, rows
from hwgen.sweep.case import SIDES, Case
from hwgen.sweep.directed import DIRECTED
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN, STATUS, worst
from hwgen.verify.report import Report
from hwgen.verify.run import Request, run_verification

GENERATORS: dict[str, Callable[[int], Case]] = {"rows": rows.draw, "branches": branches.draw, "codebooks": coded.draw}
"""From a seed to a case, the same for the same seed."""

TURNS = ("branches", "rows", "branches", "codebooks")
"""Random cases take the generators in these turns: half of them have branches."""

CHOSEN = (*DIRECTED, *branches.DIRECTED, *coded.DIRECTED)
"""Cases that every sweep begins with."""

STALL = 0.25


def run(case: Case, folder: Path, engine: Engine | None = None) -> tuple[Report, Report]:
    """Prove a case without and with stalls, in `folder`; with another engine than the default if one is given."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "spec.yaml"
    path.write_text(case.spec())
    options = DesignOptions(path, case.side, board_of(case, folder), case.fps, init=case.seed, engine=engine)
    base = Request(options, frames=3, directed=0, seed=case.seed)
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


def prove(case: Case, engine: Engine | None = None) -> dict[str, Any]:
    """A case's object: verdict, error, complaints, and `refused`, why the board cannot have it, where it cannot."""
    refused = None
    with process.private_folder("hwgen_sweep_") as folder:
        try:
            reports = run(case, folder, engine)
            found, verdict = complaints(*reports), worst([report.verdict for report in reports])
        except HwgenError as trouble:
            found, verdict = [str(trouble)], NOT_RUN
            if trouble.where == "--fps" or (case.limits and "resources" in trouble.where):
                refused, found = str(trouble), []  # a rate or a network beyond the board is no defect
    verdict = DIFFERS if found and verdict == PROVEN else verdict
    error = None if verdict != NOT_RUN else found[0] if found else refused
    return {"verdict": verdict, "error": error, "complaints": found, "refused": refused}


def named(name: str) -> Case:
    """A case by its name, as `python -m hwgen.sweep` prints it: `chosen:11`, `rows:107`.

    Raises
    ------
    HwgenError : there is no such case
    """
    kind, _, seed = name.partition(":")
    if seed.isdecimal() and len(seed) < 10:
        if kind in GENERATORS:
            return GENERATORS[kind](int(seed))
        for case in CHOSEN:
            if kind == "chosen" and case.seed == int(seed):
                return case
    raise HwgenError("--case", f"chosen:SEED of a chosen case, or {', '.join(GENERATORS)} and :SEED", repr(name))


def names(count: int, seed: int, only: str | None) -> list[str]:
    """Names of the cases of a sweep: the chosen ones, unless it is of one generator, and `count` random ones."""
    turns = (only,) if only else TURNS
    chosen = [] if only else [f"chosen:{case.seed}" for case in CHOSEN]
    return [*chosen, *(f"{turns[index % len(turns)]}:{seed + index}" for index in range(count))]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sweep; 0 if every case is proven and predicted, 1 if a design differs, 2 if one could not be run."""
    parser = argparse.ArgumentParser(prog="python -m hwgen.sweep", description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="random cases beside the directed ones (default: 20)")
    parser.add_argument("--seed", type=int, default=100, help="seed of the first random case (default: 100)")
    parser.add_argument("--side", choices=SIDES, help="only cases of this side (default: both)")
    parser.add_argument("--only", choices=GENERATORS, help="random cases of this generator alone, no directed ones")
    add_options(parser, "engine")
    parser.add_argument("--jobs", type=int, default=1, help="cases at a time on this machine (default: 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="run on the Dask cluster whose scheduler is there, or with `local` on one started here")
    parser.add_argument("--case", metavar="NAME", help="one case alone, such as rows:107: prints its object as JSON")
    arguments = parser.parse_args(argv)
    try:
        if arguments.case is not None:
            record = prove(named(arguments.case), arguments.engine)
            print_json(record)
            return STATUS[str(record["verdict"])]
        return _sweep(names(arguments.count, arguments.seed, arguments.only), arguments.side,
                      executor(arguments.scheduler, max(1, arguments.jobs)), arguments.engine)  # fmt: skip
    except HwgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return STATUS[NOT_RUN]


def _sweep(wanted: Sequence[str], side: str | None, pool: Executor, engine: Engine | None = None) -> int:
    """Prove the cases of these names, and of this side if there is one; print a line each and the counts."""
    words = () if engine is None else ("--engine", engine)
    jobs = {
        name: case for name, case in ((name, named(name)) for name in wanted) if side in (None, case.side)
    }  # fmt: skip
    failed = refused = unknown = 0
    with pool:
        for result in pool.as_completed([Job(name, "hwgen.sweep", ("--case", name, *words)) for name in jobs]):
            beyond = result.record.get("refused") is not None
            refused += beyond
            failed += result.verdict == DIFFERS
            unknown += result.verdict == NOT_RUN and not beyond
            verdict = "refused" if beyond else result.verdict
            print(f"{verdict:8} {result.job.name} {jobs[result.job.name]} ({result.seconds:.0f} s)", flush=True)
            for line in result.record.get("complaints") or [result.error] * (result.error is not None):
                print(f"    {line}", flush=True)
    proven = len(jobs) - failed - refused - unknown
    print(f"{proven} proven, {failed} differ, {unknown} not run, {refused} refused")
    return 1 if failed else 2 if unknown or not proven else 0
