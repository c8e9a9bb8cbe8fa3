"""The verdicts of all mutants, counted by component."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from hwgen.console import console
from hwgen.mutants.netlist import Mutation

KILLED, PROOF, LATER, EQUIVALENT = "killed", "killed by proof", "killed later", "equivalent"
SURVIVED, NOT_RUN = "survived", "not run"
"""Found by the verification; by a claim of `make formal` that does not hold of it; by longer verifications alone;
proven to be no fault; found by nothing; no simulation of it came to an end, whatever stood in the way."""
VERDICTS = (KILLED, PROOF, LATER, EQUIVALENT, SURVIVED, NOT_RUN)
FOUND = (KILLED, PROOF)
"""Those that count as found."""


@dataclass(frozen=True)
class Result:
    """One mutant's verdict.

    design : in which it was
    by : the kind of the finding that killed it, or why nothing is known; else empty
    """

    design: str
    mutation: Mutation
    verdict: str
    by: str = ""


@dataclass(frozen=True)
class Row:
    """A component's mutants by verdict."""

    component: str
    counts: dict[str, int]

    @property
    def drawn(self) -> int:
        return sum(self.counts.values())

    @property
    def score(self) -> float | None:
        """Killed by verification or proof, of all that are not proven to be equivalent; None where there are none."""
        faults = self.drawn - self.counts[EQUIVALENT]
        return sum(self.counts[verdict] for verdict in FOUND) / faults if faults else None


def rows(results: Iterable[Result]) -> list[Row]:
    """A row for each component, by name, and one for all of them."""
    found: dict[str, dict[str, int]] = {}
    for result in results:
        for name in (result.mutation.component, "all"):
            counts = found.setdefault(name, dict.fromkeys(VERDICTS, 0))
            counts[result.verdict] += 1
    total = found.pop("all", dict.fromkeys(VERDICTS, 0))
    return [*(Row(name, found[name]) for name in sorted(found)), Row("all", total)]


def record(results: list[Result]) -> dict[str, Any]:
    """All of it for JSON: the table, and every mutant that nothing killed."""
    return {
        "components": {row.component: row.counts | {"score": row.score} for row in rows(results)},
        "not_killed": [
            {"design": result.design, "component": result.mutation.component, "mutant": str(result.mutation),
             "module": result.mutation.module, "cell": result.mutation.cell, "port": result.mutation.port,
             "bit": result.mutation.bit, "mode": result.mutation.mode, "verdict": result.verdict, "by": result.by}
            for result in results if result.verdict not in FOUND
        ],
    }  # fmt: skip


def print_score(results: list[Result], title: str) -> None:
    """Print the table, and below it, to be read one by one, what nothing killed."""
    table = Table(title=title)
    table.add_column("component")
    for name in ("mutants", *VERDICTS, "score"):
        table.add_column(name, justify="right")
    found = rows(results)
    for row in found:
        score = "" if row.score is None else f"{row.score:.1%}"
        numbers = [str(row.counts[verdict]) for verdict in VERDICTS]
        table.add_row(row.component, str(row.drawn), *numbers, score, end_section=row is found[-2])
    console().print(table)
    for result in results:
        if result.verdict in (SURVIVED, NOT_RUN):
            said = f" ({result.by})" if result.by else ""
            print(f"{result.verdict}: {result.design}: {result.mutation.component}: {result.mutation}{said}")
