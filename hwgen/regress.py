"""`hwgen regress`: many verifications, of models x sides x seeds, as one verdict.

Every verification is a job of its own, `hwgen verify --json`. The first seed of a design goes before its other ones: it
builds the simulator that they find in the cache.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen.console import console, print_json
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job, Result
from hwgen.sim import junit as junit_xml
from hwgen.sim.check import Finding
from hwgen.sim.junit import Suite
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN, STATUS, worst


@dataclass(frozen=True)
class Regression:
    """What is verified: every model, side and seed with every other.

    Parameters
    ----------
    models : names, folders or paths of specifications
    sides : tx, rx or both
    seeds : of stalls, fading and noise
    words : further options of `hwgen verify`, for all of them

    Raises
    ------
    HwgenError : no model, side or seed
    """

    models: tuple[str, ...]
    sides: tuple[str, ...]
    seeds: tuple[int, ...]
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("models", "sides", "seeds"):
            if not getattr(self, name):
                raise HwgenError(f"--{name.removesuffix('s')}", "at least one", "none")

    def jobs(self) -> list[Job]:
        """A job for every model and side with its first seed, which the other seeds follow."""
        found = []
        for model in self.models:
            for side in self.sides:
                first, *others = (self._job(model, side, seed) for seed in self.seeds)
                found.append(Job(first.name, first.module, first.words, tuple(others)))
        return found

    def _job(self, model: str, side: str, seed: int) -> Job:
        path = Path(model)
        given = str(path.resolve()) if path.exists() else model
        words = ("verify", "--model", given, "--side", side, "--seed", str(seed), *self.words, "--json")
        return Job(f"{model} {side} seed {seed}", "hwgen", words)


def regress(regression: Regression, executor: Executor, json: bool = False, junit: Path | None = None) -> int:
    """Run all verifications and print what came of them: a line each as they end, then a table, or one JSON object.

    Parameters
    ----------
    json : print one JSON object on stdout and nothing else there
    junit : file to write as JUnit XML, a suite for each verification

    Returns
    -------
    int : 0 all proven; 1 a design differs from its model; 2 of one nothing is known, and none differs

    Raises
    ------
    HwgenError : the file cannot be written
    """
    jobs = regression.jobs()
    order = {job.name: index for index, job in enumerate(one for head in jobs for one in (head, *head.then))}
    found: list[Result] = []

    def say(done: int, count: int, result: Result) -> None:
        print(f"{done}/{count} {result.verdict:8} {result.job.name} ({result.seconds:.0f} s)",
              file=sys.stderr if json else sys.stdout, flush=True)  # fmt: skip
        if (text := trouble(result)) is not None:
            print(f"    {text}", file=sys.stderr, flush=True)

    with executor:
        found += executor.as_completed(jobs, say)
    found.sort(key=lambda result: order[result.job.name])
    if junit is not None:
        junit_xml.write(junit, [suite(result) for result in found])
    verdict = worst([result.verdict for result in found])
    if json:
        print_json({"verdict": verdict, **counts(found), "runs": [_record(result) for result in found]})
    else:
        console().print(_table(regression, found))
        print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts(found).items()))
    return STATUS[verdict]


def trouble(result: Result) -> str | None:
    """What is wrong, in a line; None where all is proven."""
    first = result.record.get("first_mismatch")
    return first["message"] if first else result.error


def counts(results: Sequence[Result]) -> dict[str, int]:
    """How many of each verdict."""
    return {verdict.replace(" ", "_"): sum(result.verdict == verdict for result in results)
            for verdict in (PROVEN, DIFFERS, NOT_RUN)}  # fmt: skip


def suite(result: Result) -> Suite:
    """A result for JUnit: a case for every stream and kind of check, and what `verify --json` says as properties."""
    record = result.record
    name = f"hwgen.regress.{result.job.name.replace(' ', '.')}"
    plain = {key: value for key, value in record.items() if not isinstance(value, (dict, list))}
    if result.verdict == NOT_RUN:
        return Suite(name, seconds=result.seconds, properties=plain, error=str(result.error))
    streams, findings = [*(record.get("coverage") or {}), "output"], []
    if (first := record.get("first_mismatch")) is not None:
        own = {field.name for field in fields(Finding)}
        findings = [Finding(**{key: value for key, value in first.items() if key in own})]
        plain["reproduce"] = first.get("reproduce")
    return Suite(name, list(dict.fromkeys(streams)), findings, result.seconds, plain)


def _record(result: Result) -> dict[str, Any]:
    return {"run": result.job.name, "seconds": round(result.seconds, 3), **result.record}


def _table(regression: Regression, results: Sequence[Result]) -> Table:
    """A row for every model and side: how many seeds of each verdict, values, and the first trouble."""
    table = Table()
    for column in ("model", "side", "seeds", PROVEN, DIFFERS, NOT_RUN, "values", "seconds", "first trouble"):
        table.add_column(column, justify="left" if column in ("model", "side", "first trouble") else "right")
    left = iter(results)
    for model in regression.models:
        for side in regression.sides:
            own = [next(left) for _ in regression.seeds]
            troubles = [text for text in map(trouble, own) if text is not None]
            values = sum(result.record.get("values_compared") or 0 for result in own)
            table.add_row(model, side, str(len(own)), *(str(count) for count in counts(own).values()), f"{values:,}",
                          f"{sum(result.seconds for result in own):.0f}", *troubles[:1])  # fmt: skip
    return table
