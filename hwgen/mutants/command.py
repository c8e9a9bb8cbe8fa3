"""`hwgen bench mutants`: the mutation score of `hwgen verify`, by component."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hwgen import process
from hwgen.console import print_json
from hwgen.errors import HwgenError
from hwgen.mutants import claims, store, subjects as all_subjects
from hwgen.mutants.bench import LONGER, TESTS, Bench, Netlist, Trial, netlist
from hwgen.mutants.equivalence import equivalent
from hwgen.mutants.netlist import Mutation, draw
from hwgen.mutants.score import EQUIVALENT, KILLED, LATER, NOT_RUN, PROOF, SURVIVED, Result, print_score, record
from hwgen.mutants.subjects import Subject
from hwgen.sim import runner
from hwgen.verify.run import need_tools

EVERY = 100
"""Mutants after which a line is printed."""


def bench(
    model: str | Path | None = None,
    components: Sequence[str] = (),
    count: int = 100,
    seed: int = 1,
    jobs: int = 1,
    as_json: bool = False,
) -> int:
    """Draw mutants, verify each of them, and print how many were found.

    Parameters
    ----------
    model : draw from both its sides alone; None takes tiny, and small designs with the components that it lacks
    components : draw of these alone; none take all
    count : of each component of each design
    jobs : simulations at a time
    as_json : print one JSON object on stdout, and nothing else there

    Returns
    -------
    int : 0

    Raises
    ------
    HwgenError : bad input, no such component, or trouble of the machine
    """
    need_tools()
    results: list[Result] = []
    with process.private_folder("hwgen_mutants_") as folder:
        chosen = all_subjects.of_model(model or all_subjects.MODEL)
        if model is None:
            chosen += all_subjects.of_components(folder)
        seen: set[str] = set()
        for subject in chosen:
            source = netlist(subject.options, folder / subject.name)
            drawn = _drawn(subject, source, seen, components, count, seed)
            seen |= source.cells.keys()
            if drawn:
                results += _results(subject, source, drawn, jobs, folder / subject.name)
        if missing := sorted(set(components) - seen):
            raise HwgenError("--component", f"one of {', '.join(sorted(seen))}", missing[0])
    if as_json:
        tests, longer = ([str(trial) for trial in trials] for trials in (TESTS, LONGER))
        print_json({"seed": seed, "count": count, "tests": tests, "longer": longer, **record(results)})
    else:
        print_score(results, f"mutants, {count} of each component, seed {seed}")
    return 0


def _drawn(
    subject: Subject, source: Netlist, seen: set[str], components: Sequence[str], count: int, seed: int
) -> list[Mutation]:
    """The mutants of a design: of all its components, or of those that no earlier one had."""
    return [
        mutation
        for component, cells in sorted(source.cells.items())
        if (component in components or not components) and (subject.whole or component not in seen)
        for mutation in draw(cells, count, f"{seed} {subject.name} {component}")
    ]


def _results(subject: Subject, source: Netlist, drawn: list[Mutation], jobs: int, folder: Path) -> list[Result]:
    """Verify all mutants of a design; then those that are left for longer; then prove that they are none."""
    name = subject.name
    _say(f"{name}: building a simulator with {len(drawn)} mutants")
    built = Bench(source, drawn)
    facts = built.key, *map(str, (*TESTS, *LONGER))
    key = store.key(*facts)
    verdicts = store.load(key)
    if verdicts is None:
        simulated = store.key(*facts, proofs=False)
        verdicts = store.load(simulated)
        if verdicts is None:
            verdicts = _simulated(built, jobs, folder, name)
            store.save(simulated, verdicts)
        verdicts = _proven(built, verdicts, folder, name)
        store.save(key, verdicts)
    return [Result(name, mutation, *verdict) for mutation, verdict in zip(drawn, verdicts, strict=True)]


def _simulated(built: Bench, jobs: int, folder: Path, name: str) -> store.Verdicts:
    """The verdicts of simulation alone."""
    found = _round(built, list(range(1, len(built.mutations) + 1)), TESTS, jobs, folder, name)
    left = [number for number, (verdict, _) in found.items() if verdict == SURVIVED]
    _say(f"{name}: {len(left)} of {len(found)} mutants left, verified for longer")
    for number, (verdict, by) in _round(built, left, LONGER, jobs, folder, name).items():
        found[number] = (LATER if verdict == KILLED else verdict), by
    return list(found.values())


def _proven(built: Bench, verdicts: store.Verdicts, folder: Path, name: str) -> store.Verdicts:
    """The same, with those that a proof finds, and with those that survived and are proven to be no fault."""
    found = dict(enumerate(verdicts, start=1))
    unseen = [number for number, (verdict, _) in found.items() if verdict in (SURVIVED, LATER)]
    for number in claims.refuted({number: built.mutations[number - 1] for number in unseen}, folder):
        found[number] = PROOF, ""
    left = [number for number, (verdict, _) in found.items() if verdict == SURVIVED]
    _say(f"{name}: {len(left)} left, proofs of equivalence")
    for number in equivalent({number: built.mutations[number - 1] for number in left}, folder, _say):
        found[number] = EQUIVALENT, ""
    return list(found.values())


def _round(
    built: Bench, numbers: Sequence[int], trials: tuple[Trial, ...], jobs: int, folder: Path, name: str
) -> dict[int, tuple[str, str]]:
    """Verdict of each mutant in these trials, and what it is by."""
    if not numbers:
        return {}
    built.prove(trials, folder / "run")

    def judge(number: int) -> tuple[str, str]:
        own = folder / f"run_{threading.get_ident()}"
        try:
            finding = built.finding(number, trials, own)
        except (runner.SimulationError, OSError) as error:  # of the machine: says nothing about the mutant
            return NOT_RUN, str(error)
        return (SURVIVED, "") if finding is None else (KILLED, finding.kind)

    return dict(zip(numbers, _parallel(judge, numbers, jobs, name), strict=True))


def _parallel(
    judge: Callable[[int], tuple[str, str]], numbers: Sequence[int], jobs: int, name: str
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            for verdict in pool.map(judge, numbers):
                found.append(verdict)
                if len(found) % EVERY == 0:
                    _say(f"{name}: {len(found)} of {len(numbers)} mutants")
        except BaseException:
            process.stop_all()  # the threads that wait for them come to their end
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _say(text: str) -> None:
    """A line for who waits, on stderr."""
    print(text, file=sys.stderr, flush=True)
