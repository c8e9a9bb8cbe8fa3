"""The list of what is proven, and how each proof is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hwgen.formal.components import SMALL, Small
from hwgen.formal.solver import BOUNDED, PROVEN, REFUTED, Answer
from hwgen.formal.streams import check_counts, check_rules, paths
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN as HOLDS


@dataclass(frozen=True)
class Proof:
    """One proof.

    kind : what is claimed, a key of CLAIMS
    component : the class
    form : its parameters, in words
    run : carries it out
    depth : cycles for which it holds; None: for ever, whatever the state
    quick : whether it is one of those that the tests run
    """

    kind: str
    component: str
    form: str
    run: Callable[[], Answer]
    depth: int | None = None
    quick: bool = True

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.component}, {self.form}"

    @property
    def result(self) -> str:
        """What is to come out, for the document."""
        return "unbounded" if self.depth is None else f"{self.depth} cycles"

    def record(self) -> dict[str, object]:
        """Run it: an object with a verdict, as every command's."""
        answer = self.run()
        wanted = PROVEN if self.depth is None else BOUNDED
        verdict = HOLDS if answer.kind == wanted else DIFFERS if answer.kind == REFUTED else NOT_RUN
        error = None if verdict == HOLDS else f"wanted {wanted}, got {answer.kind} at depth {answer.depth}"
        return {"verdict": verdict, "error": error, "proof": self.name, "seconds": round(answer.seconds, 3),
                "trace": list(answer.trace) if verdict == DIFFERS else []}  # fmt: skip


CLAIMS = {
    "rules": "a beat that waits at an output stays as it is, `valid` and payload, while inputs do the same",
    "paths": "no output's `ready` reaches a stream's `ready`, `valid` or payload without a register",
    "counts": "no beat leaves before the last one of those that it is made of has come in; TLAST is on a frame's last "
              "beat and on no other",
}  # fmt: skip
"""By kind, what is proven of each component in the list."""


def _paths(small: Small) -> Answer:
    found = paths(small.build())
    return Answer(REFUTED if found else PROVEN, 0, trace=tuple({path: 1} for path in found))


def _of_streams() -> list[Proof]:
    found = []
    for name, forms in SMALL.items():
        for small in forms:
            found.append(Proof("rules", name, small.form, partial(_rules, small)))
            found.append(Proof("paths", name, small.form, partial(_paths, small)))
            if small.counts:
                found.append(Proof("counts", name, small.form, partial(_counts, small), small.depth))
    return found


def _rules(small: Small) -> Answer:
    return check_rules(small.build(), small.lemmas)


def _counts(small: Small) -> Answer:
    return check_counts(small.build(), small.counts, small.depth)


PROOFS = tuple(_of_streams())
"""All of them."""
