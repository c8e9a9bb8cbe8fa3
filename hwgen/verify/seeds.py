"""Verifications of one design with several seeds, taken together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hwgen.console import print_json
from hwgen.errors import HwgenError
from hwgen.sim.junit import Suite
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN, not_run, worst
from hwgen.verify.coverage import as_record, merged, total
from hwgen.verify.report import Report, coverage_lines, failure
from hwgen.verify.run import Request

OWN = ("seed", "verdict", "error", "values_compared", "mismatches", "first_mismatch", "psnr_db")
"""Keys of the object of each seed."""
SUMS = ("frames", "directed_frames", "values_compared", "mismatches")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one seed: a report, or the error that stood in its way."""

    request: Request
    report: Report | None
    error: HwgenError | None = None

    @property
    def verdict(self) -> str:
        return NOT_RUN if self.report is None else self.report.verdict

    @property
    def trouble(self) -> str | None:
        """Why nothing is known."""
        return str(self.error) if self.report is None else self.report.error

    @property
    def suite(self) -> Suite:
        """For JUnit."""
        name = f"hwgen.verify.{self.request.name}.seed{self.request.seed}"
        if self.report is None:
            return Suite(name, properties=self.request.properties(), error=str(self.error))
        properties = self.request.properties() | self.report.properties()
        return Suite(name, self.report.streams, self.report.findings, self.report.seconds, properties)

    def moved(self, old: Path, new: Path) -> Outcome:
        """The same of a folder that has moved."""
        return self if self.report is None else replace(self, report=self.report.moved(old, new))

    def to_json(self) -> dict[str, Any]:
        """The object of one seed."""
        found = not_run(str(self.error), "verify") if self.report is None else self.report.to_json()
        return found | {"seed": self.request.seed}


def combined(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """One object of all seeds: sums of frames, values and mismatches; a mean PSNR; `seeds`, what is each one's own."""
    records = [outcome.to_json() for outcome in outcomes]
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    found = next((record for record in records if record["verdict"] == PROVEN), records[0])
    verdict = worst([outcome.verdict for outcome in outcomes])
    errors = [f"seed {outcome.request.seed}: {outcome.trouble}" for outcome in outcomes if outcome.trouble is not None]
    psnr = [record["psnr_db"] for record in records if record["psnr_db"] is not None]
    together = merged([report.coverage for report in reports]) if reports else {}
    own = {
        "verdict": verdict,
        "error": errors[0] if verdict == NOT_RUN else None,
        **{key: sum(record[key] or 0 for record in records) for key in SUMS},
        "first_mismatch": next((record["first_mismatch"] for record in records if record["first_mismatch"]), None),
        "psnr_db": round(float(np.mean(psnr)), 3) if psnr else None,
        "coverage": as_record(together) if reports else None,
        "coverage_total": total(together).record() if reports else None,
    }
    return {key: own.get(key, value) for key, value in found.items() if key != "seed"} | {
        "seeds": [{key: record[key] for key in OWN} for record in records]
    }


def print_outcomes(outcomes: Sequence[Outcome], as_json: bool, folder: Path | None) -> None:
    """Print what came of all seeds: JSON on stdout, or text (what is not proven on stderr)."""
    if as_json:
        print_json(combined(outcomes))
        return
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    proven = [report for report in reports if report.verdict == PROVEN]
    for outcome in outcomes:
        if outcome.verdict == DIFFERS and outcome.report is not None:
            print("\n".join(failure(outcome.report, folder)), file=sys.stderr)
        elif outcome.trouble is not None:
            print(f"error: seed {outcome.request.seed}: {outcome.trouble}", file=sys.stderr)
    if proven:
        values = sum(report.values_compared for report in proven)
        print(f"{proven[0].name}: proven with {len(proven)} of {len(outcomes)} seeds, {values:,} values")
        together = merged([report.coverage for report in proven])
        frames, directed = (sum(getattr(report, key) for report in proven) for key in ("frames", "directed"))
        print("\n".join(coverage_lines(frames, directed, together)))
