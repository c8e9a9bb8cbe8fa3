"""`hwgen verify`: one verification or one for each of several seeds, and what is printed and left of them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hwgen import process
from hwgen.console import progress
from hwgen.emit.folder import below, foreign_to_emit, names, plain_file, replaced_folder
from hwgen.errors import HwgenError
from hwgen.ir.graph import SIDES
from hwgen.outputs import check_file, replaced_file
from hwgen.sim import design as designs, junit as junit_xml
from hwgen.verdict import DIFFERS, PROVEN, STATUS, worst
from hwgen.verify.ip import verify_ip
from hwgen.verify.ip_script import as_ip
from hwgen.verify.report import print_report
from hwgen.verify.run import Request, need_tools, run_verification
from hwgen.verify.seeds import Outcome, print_outcomes
from hwgen.verify.trust import check_sources

OWN = re.compile(
    r"(seeds/\d+/|tx/|rx/)?(run|waveform)/(\w+\.(bin|rec|vcd|log|xml)|(run|result)\.json|(streams|links)\.txt)",
    re.ASCII,
)
"""Files below --out, but for those of the design."""
OWN_FOLDER = re.compile(r"(seeds|seeds/\d+|(seeds/\d+/|tx/|rx/)?(run|waveform))", re.ASCII)
"""Folders below it that a run which came to nothing leaves empty."""


def verify(
    request: Request,
    out: Path | None = None,
    json: bool = False,
    junit: Path | None = None,
    cache: Path | None = None,
    seeds: Sequence[int] = (),
    jobs: int = 1,
    waveform: Path | None = None,
) -> int:
    """Emit a model, or take an emitted folder, simulate it and print what was found.

    Parameters
    ----------
    out : where the design and the simulation are kept, replaced as a whole; None takes a temporary folder, kept only
        where the design differs
    json : print one JSON object on stdout and nothing else there
    junit : file to write as JUnit XML
    cache : folder of all caches; None takes the user's
    seeds : verify with each of them; none take the request's own
    jobs : simulations at a time, where there are several seeds
    waveform : .vcd file to write, around what differs first or else around the end of the first frame

    Returns
    -------
    int : 0 proven; 1 the design differs from its model; 2 nothing is known

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    if waveform is not None and (waveform.suffix != ".vcd" or len(seeds) > 1):
        raise HwgenError("--waveform", "a .vcd file, and one seed", f"{waveform}, {max(1, len(seeds))} seeds")
    for option, file in (("--junit", junit), ("--waveform", waveform)):
        if file is not None:  # a difference must not be lost for want of a place
            check_file(option, file)
    request = replace(request, record=waveform is not None, seed=seeds[0] if seeds else request.seed)
    several = len(seeds) > 1
    outcomes: list[Outcome] = []
    try:
        need_tools()
        check_design(request)
        with work_folder(out, request) as folder:
            if several:
                outcomes = _prove(request, seeds, jobs, folder, cache)
            else:
                carry_out = run_verification if request.ip is None else verify_ip
                outcomes = [Outcome(request, carry_out(request, folder, progress, cache))]
            reports = [outcome.report for outcome in outcomes if outcome.report is not None]
            differs = any(report.verdict == DIFFERS for report in reports)
            if out is None and differs:
                process.keep(folder)
            if waveform is not None and reports[0].waveform is not None:
                outcomes = [Outcome(request, replace(reports[0], waveform=_moved(reports[0].waveform, waveform)))]
            elif waveform is not None:
                waveform.unlink(missing_ok=True)  # an earlier run's would be taken for this one's
                print(f"note: no waveform could be recorded in {waveform}", file=sys.stderr)
    except HwgenError as error:
        if junit is not None:
            junit_xml.write(junit, [Outcome(request, None, error).suite])
        raise
    kept = folder if out is None else out
    outcomes = [outcome.moved(folder, kept) for outcome in outcomes]
    if junit is not None:  # before anything is printed: with --json that is one object, whatever goes wrong
        junit_xml.write(junit, [outcome.suite for outcome in outcomes])
    if several:
        print_outcomes(outcomes, json, kept if differs or out is not None else None)
    else:
        assert outcomes[0].report is not None
        print_report(outcomes[0].report, as_json=json, folder=kept if differs or out is not None else None)
    return STATUS[worst([outcome.verdict for outcome in outcomes])]


def check_design(request: Request) -> None:
    """Refuse a folder with Verilog that reaches out of the simulation, unless the request trusts it.

    Raises
    ------
    HwgenError : it does, or is no design folder
    """
    if request.design is not None and not request.trust:
        design = designs.load(request.design)
        check_sources(design if request.ip is None else as_ip(design))


@contextmanager
def work_folder(out: Path | None, request: Request) -> Iterator[Path]:
    """Where the work is done: a temporary folder, or one that takes the place of `out` when all is done."""
    if out is None:
        with process.private_folder("hwgen_verify_") as folder:
            yield folder
        return
    if request.design is not None and request.design.resolve().is_relative_to(out.resolve()):
        raise HwgenError("--out", "a folder that does not hold --design, as all in it is replaced", str(out))
    with replaced_folder(out, foreign_to_verify, "verify") as folder:
        yield folder


def foreign_to_verify(folder: Path) -> list[str]:
    """Names below a folder of what `verify --out` did not write: all, where no run's settings show that it did."""
    ran = any(plain_file(folder / side / "run" / "run.json") for side in ("", *SIDES))
    if not ran:
        return names(folder)
    design = folder / "design"
    inside = {f"design/{name}" for name in foreign_to_emit(design)} if design.is_dir() else set()

    def own(name: str, path: Path) -> bool:
        if name.startswith("design/"):
            return name not in inside
        kind = OWN if plain_file(path) else OWN_FOLDER if path.is_dir() and not path.is_symlink() else None
        return kind is not None and kind.fullmatch(name) is not None

    return [name for name, path in below(folder) if not own(name, path)]


def _moved(file: Path, target: Path) -> Path:
    with replaced_file(target) as part:
        shutil.copyfile(file, part)
    return target


def _prove(request: Request, seeds: Sequence[int], jobs: int, folder: Path, cache: Path | None) -> list[Outcome]:
    """Verify with every seed. The first one emits the design and builds the simulator that all the others use."""
    first = outcome_of(replace(request, seed=seeds[0]), None, folder, cache)
    design = request.design or folder / "design"
    if first.error is not None and not (design / "manifest.json").is_file():
        raise first.error
    progress(f"simulating with {len(seeds) - 1} more seeds")
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            others = pool.map(
                lambda seed: outcome_of(
                    replace(request, seed=seed), design, folder / "seeds" / str(seed), cache
                ), seeds[1:],
            )  # fmt: skip
            return [first, *others]
        except BaseException:
            process.stop_all()  # the threads that wait for them come to their end
            pool.shutdown(cancel_futures=True)
            raise


def outcome_of(request: Request, design: Path | None, folder: Path, cache: Path | None) -> Outcome:
    """The outcome of one seed, on the design that another has emitted where there is one."""
    try:
        report = run_verification(replace(request, design=design or request.design), folder, cache=cache)
    except HwgenError as error:
        return Outcome(request, None, error)
    except OSError as error:  # of this seed alone: the others may have found a difference
        return Outcome(request, None, HwgenError.of(error))
    if report.verdict == PROVEN and design is not None:
        process.remove(folder)
    return Outcome(request, replace(report, command=request.command()))
