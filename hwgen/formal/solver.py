"""Bounded model checking and induction over a transition relation."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import bitwuzla

from hwgen.formal.netlist import TOP

SECONDS = 300.0
"""After which a question counts as unanswered."""
SEARCH = 12
"""Cycles behind a reset in which a run is looked for that breaks what could not be proven."""
PROVEN, BOUNDED, REFUTED, UNKNOWN = "proven", "bounded", "refuted", "unknown"


@dataclass(frozen=True)
class Answer:
    """What is known of all assertions of a relation.

    kind : PROVEN, of all runs; BOUNDED, of the first `depth` cycles behind a reset; REFUTED, `trace` shows a run whose
        last cycle breaks one; UNKNOWN, no answer in time
    depth : of induction, of the bounded part, or the cycle that breaks an assertion
    trace : values of the named one-bit and short nets, by name, cycle by cycle
    """

    kind: str
    depth: int
    seconds: float = 0.0
    trace: tuple[dict[str, int], ...] = ()


class Run:
    """Some cycles of a relation in a solver: states s0, s1, ..., each followed by the next.

    Parameters
    ----------
    text : SMT-LIB, as `netlist.relation` writes it
    lemmas : further assertions, as terms with {s} for the state
    """

    def __init__(self, text: str, lemmas: tuple[str, ...] = ()) -> None:
        options = bitwuzla.Options()
        options.set(bitwuzla.Option.PRODUCE_MODELS, True)
        self.parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
        self.parser.parse(text, parse_only=True, parse_file=False)
        self.solver = self.parser.bitwuzla()
        self.text, self.lemmas, self.cycles = text, lemmas, 0
        self.ends = time.monotonic() + SECONDS
        self.solver.configure_terminator(lambda: time.monotonic() > self.ends)

    def add(self) -> int:
        """One more cycle, behind the last one if there is one; its number."""
        number = self.cycles
        self.parser.parse(f"(declare-const s{number} |{TOP}_s|)", parse_only=True, parse_file=False)
        if number:
            self.hold(f"(|{TOP}_t| s{number - 1} s{number})")
        self.cycles += 1
        return number

    def hold(self, term: str) -> None:
        """Look at runs alone in which this is true."""
        self.solver.assert_formula(self.parser.parse_term(term))

    def allowed(self, number: int) -> str:
        """The assumptions in a cycle."""
        return f"(|{TOP}_u| s{number})"

    def right(self, number: int) -> str:
        """All assertions and lemmas in a cycle."""
        lemmas = " ".join(lemma.format(s=f"s{number}") for lemma in self.lemmas)
        return f"(and (|{TOP}_a| s{number}) true {lemmas})"

    def possible(self, term: str) -> bool | None:
        """Whether there is such a run in which this is true too; None where that was not found out in time."""
        found = self.solver.check_sat(self.parser.parse_term(term))
        return None if found == bitwuzla.Result.UNKNOWN else found == bitwuzla.Result.SAT

    def trace(self) -> tuple[dict[str, int], ...]:
        """The nets of the run that was found, cycle by cycle; those with a name of their own."""
        named = re.findall(rf"^\(define-fun \|({TOP}_n ([^|$]+))\| \(\(state \|{TOP}_s\|", self.text, re.MULTILINE)
        return tuple(
            {name: self._value(f"(|{function}| s{number})") for function, name in named}
            for number in range(self.cycles)
        )

    def _value(self, term: str) -> int:
        value = self.solver.get_value(self.parser.parse_term(term)).value(10)
        return int(value) if not isinstance(value, bool) else int(value)


def bounded(
    text: str, depth: int, lemmas: tuple[str, ...] = (), reached: Sequence[str] = (), given: Sequence[str] = ()
) -> Answer:
    """Whether all assertions hold in each of the `depth` cycles behind a reset, whatever was before it, and whatever
    comes in, further resets included.

    reached : nets each of which must be 1 in the last cycle of some such run, so that the claim is not about nothing
    given : terms with {s} for a state, true in every cycle of the runs that are looked at

    Raises
    ------
    ValueError : one of them cannot
    """
    started = time.monotonic()
    run = Run(text, lemmas)
    run.add()
    if f"|{TOP}_n rst|" in text:
        run.hold(f"(|{TOP}_n rst| s0)")
    for cycle in range(1, depth + 1):
        run.add()
        for term in given:
            run.hold(term.format(s=f"s{cycle}"))
        run.hold(run.allowed(cycle))
        wrong = run.possible(f"(not {run.right(cycle)})")
        if wrong is None:
            return Answer(UNKNOWN, cycle, time.monotonic() - started)
        if wrong:
            return Answer(REFUTED, cycle, time.monotonic() - started, run.trace())
        run.hold(run.right(cycle))
    for term in ["true", *(f"(|{TOP}_n {name}| s{depth})" for name in reached)]:
        if not run.possible(term):
            raise ValueError(f"reached: wanted a run of {depth} cycles that ends with it, got none for {term}")
    return Answer(BOUNDED, depth, time.monotonic() - started)


def proven(text: str, depth: int, lemmas: tuple[str, ...] = ()) -> Answer:
    """The same for all cycles, by induction over `depth` cycles: they hold in so many behind a reset, and one cycle
    behind any so many in which they hold, reached or not. Where the second part fails it is REFUTED or BOUNDED, by a
    search of SEARCH cycles."""
    begin = bounded(text, depth, lemmas)
    if begin.kind != BOUNDED:
        return begin
    step = stepwise(text, depth, lemmas)
    seconds = begin.seconds + step.seconds
    if step.kind != REFUTED:
        return replace(step, seconds=seconds)
    found = bounded(text, SEARCH, lemmas)
    return replace(found, seconds=seconds + found.seconds)


def stepwise(text: str, depth: int, lemmas: tuple[str, ...] = ()) -> Answer:
    """Whether they hold one cycle behind any `depth` cycles in which they hold. REFUTED: the run that is shown begins
    in a state that may not be one that is ever reached."""
    started = time.monotonic()
    run = Run(text, lemmas)
    for cycle in range(depth + 1):
        run.add()
        run.hold(run.allowed(cycle))
        if cycle < depth:
            run.hold(run.right(cycle))
    wrong = run.possible(f"(not {run.right(depth)})")
    kind = UNKNOWN if wrong is None else REFUTED if wrong else PROVEN
    return Answer(kind, depth, time.monotonic() - started, run.trace() if wrong else ())
