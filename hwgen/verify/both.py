"""`verify --side both`: a transmitter and its receiver that share a board, each proven by itself, and one verdict."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwgen import process
from hwgen.console import print_json
from hwgen.design_options import BOTH, of_both_sides
from hwgen.emit.both import emit_both
from hwgen.errors import HwgenError
from hwgen.outputs import check_file
from hwgen.sim import junit as junit_xml
from hwgen.verdict import DIFFERS, STATUS, worst
from hwgen.verify.command import check_design, outcome_of, work_folder
from hwgen.verify.report import print_report
from hwgen.verify.run import Request, need_tools
from hwgen.verify.seeds import Outcome


def verify_both(
    request: Request, out: Path | None = None, json: bool = False, junit: Path | None = None, cache: Path | None = None
) -> int:
    """Emit both sides of a model for one board, or take such a folder, and verify one after the other.

    Parameters
    ----------
    request : of either side; `design` is the folder of the pair
    out, json, junit, cache : as of `hwgen.verify.command.verify`; the JSON object has one for either side

    Returns
    -------
    int : 0 both are proven; 1 one of them differs from its model; 2 not known

    Raises
    ------
    HwgenError : bad input, or trouble of the machine before either side was looked at
    """
    if junit is not None:
        check_file("--junit", junit)
    sides = of_both_sides(request.options)
    outcomes: dict[str, Outcome] = {}
    try:
        need_tools()
        with work_folder(out, request) as folder:
            pair = request.design
            if pair is None:
                pair = emit_both(request.options, folder / "design", quiet=True).folder
            requests = {
                side: replace(request, options=options, design=pair / side, repeated_by=_command(request))
                for side, options in sides.items()
            }
            for side, one in requests.items():  # both before either is simulated: no refusal may hide a difference
                _check_side(pair, side)
                if request.design is not None:
                    check_design(one)
            for side, one in requests.items():
                outcomes[side] = outcome_of(one, None, folder / side, cache)
            differs = any(outcome.verdict == DIFFERS for outcome in outcomes.values())
            if out is None and differs:
                process.keep(folder)
    except HwgenError as error:
        if junit is not None:
            junit_xml.write(junit, [Outcome(request, None, error).suite])
        raise
    kept = folder if out is None else out
    outcomes = {side: outcome.moved(folder, kept) for side, outcome in outcomes.items()}
    verdict = worst([outcome.verdict for outcome in outcomes.values()])
    if junit is not None:
        junit_xml.write(junit, [outcome.suite for outcome in outcomes.values()])
    if json:
        print_json(_record(verdict, outcomes))
    else:
        for side, outcome in outcomes.items():
            if outcome.report is None:
                print(f"error: {side}: {outcome.trouble}", file=sys.stderr)
            else:
                print_report(outcome.report, as_json=False, folder=kept / side if differs or out is not None else None)
    return STATUS[verdict]


def _record(verdict: str, outcomes: dict[str, Outcome]) -> dict[str, Any]:
    trouble = [f"{side}: {outcome.trouble}" for side, outcome in outcomes.items() if outcome.trouble is not None]
    sides = {side: outcome.to_json() for side, outcome in outcomes.items()}
    return {"verdict": verdict, "error": trouble[0] if trouble else None, **sides}


def _check_side(pair: Path, side: str) -> None:
    if not (pair / side / "manifest.json").is_file():
        wanted = "a folder of `hwgen emit --side both`, with tx and rx in it"
        raise HwgenError("--design", wanted, f"{pair}, without {side}")


def _command(request: Request) -> str:
    """The command line that repeats the pair's verification: either side's folder may be gone by then."""
    words = shlex.split(request.command())
    words[words.index("--side") + 1] = BOTH
    return shlex.join(words)
