"""Proofs that a mutant is no fault: whatever comes into its module, or into the one around it, all that somebody looks
at of what goes out is, in every state that may be reached from the reset state on, what it would be without the fault.

First pairs of signals that are always alike are looked for (`correspondence.py`). Of what is left Yosys takes registers
and memories out of both, so that their values come in and what they are given goes out, and writes the logic between
for an SMT solver (`reachable.py`, `relation.py`). What cannot be shown (a state that only other modules keep from being
reached, a value that nobody looks at further on) is no proof of the contrary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.correspondence import corresponding
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.reachable import Logic, Reachable, alone, logic as read, reachable
from hwgen.mutants.relation import Relation
from hwgen.mutants.scope import BASE, Case, scopes

TOGETHER = 20
"""Modules laid beside their mutants by one process."""
BITS = (100, 200)
"""Most bits of state that a proof looks at, in turn: the modules with the most are closed until there are no more. Of a
module that has more by itself no bounds are looked for."""
PROOF = """\
{beside}
dffunmap gold gate
expose -evert {cells}
miter -equiv -make_outputs -flatten gold gate miter
hierarchy -top miter
opt_clean
tee -o loops{number}.txt scc
write_smt2 logic{number}.smt2"""
NO_LOOPS = "Found 0 SCCs."
"""No register was missed."""


def equivalent(
    mutations: Mapping[int, Mutation], folder: Path, say: Callable[[str], None] = lambda text: None
) -> list[int]:
    """Numbers of those mutants that are proven to be equivalent to the design that was prepared in `folder`.

    Raises
    ------
    HwgenError : Yosys did not run
    """
    modules = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]
    proven = corresponding(mutations, modules, folder)
    say(f"proofs: {len(proven)} of {len(mutations)} by signals that correspond")
    waiting = {number: scopes(one, modules, BITS) for number, one in mutations.items() if number not in proven}
    bounds: dict[tuple[str, ...], Reachable] = {}
    while left := {number: found for number, more in waiting.items() if (found := next(more, None)) is not None}:
        items = list(left.items())
        for start in range(0, len(items), TOGETHER):
            part = dict(items[start : start + TOGETHER])
            for number in written(part, folder):
                text = (folder / f"logic{number}.smt2").read_text(encoding="utf-8")
                if _harmless(read(text), (part[number].scope, *part[number].closed), bounds):
                    proven.append(number)
            say(f"proofs: {start + len(part)} of {len(items)}, {len(proven)} equivalent")
        waiting = {number: waiting[number] for number in left if number not in proven}
    return proven


def _harmless(logic: Logic, scope: tuple[str, ...], bounds: dict[tuple[str, ...], Reachable]) -> bool:
    """In any state, or else in those that the module may reach; `bounds` has them of modules that were looked at."""
    if Relation(logic, Reachable()).harmless() or Relation(logic, alone(logic)).harmless():
        return True
    if sum(logic.now([name]).size() for name in logic.registers()) > BITS[-1]:
        return False
    if scope not in bounds:
        bounds[scope] = reachable(logic)
    return Relation(logic, bounds[scope]).harmless()


def written(cases: Mapping[int, Case], folder: Path) -> list[int]:
    """Write the logic of all in one process; where that ends with an error, by halves. Numbers of those written."""
    try:
        yosys.run(folder, [BASE, *(_script(number, case) for number, case in cases.items())])
    except HwgenError:
        if len(cases) == 1:
            return []
        items, half = list(cases.items()), len(cases) // 2
        return written(dict(items[:half]), folder) + written(dict(items[half:]), folder)
    return [number for number in cases if NO_LOOPS in (folder / f"loops{number}.txt").read_text(encoding="utf-8")]


def _script(number: int, case: Case) -> str:
    """Yosys' commands that write a case's logic."""
    return PROOF.format(beside=case.beside(), cells=case.cells("$dff", "$mem_v2"), number=number)
