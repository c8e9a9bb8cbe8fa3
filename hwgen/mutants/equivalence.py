"""Proofs that a mutant is no fault: whatever comes into its module, or into the one around it, all that somebody looks
at of what goes out is, in every state that may be reached from the reset state on, what it would be without the fault.

Yosys lays the module beside its mutant, takes registers and memories out of both, so that their values come in and what
they are given goes out, and writes the logic that is left for an SMT solver (`reachable.py`, `relation.py`). What
cannot be shown (a state that only other modules keep from being reached, a value that nobody looks at further on) is no
proof of the contrary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.reachable import Logic, Reachable, logic as read, reachable
from hwgen.mutants.relation import Relation

TOGETHER = 20
"""Modules laid beside their mutants by one process."""
BITS = 300
"""Of all registers of a module; one with more is not looked at."""
BASE = """\
read_rtlil netlist.il
design -save base"""
PROOF = """\
design -load base
hierarchy -top {scope}
{copies}
copy {scope} gold
flatten gold gate
delete {scope}
memory_collect gold gate
dffunmap gold gate
expose -evert gold/t:$dff gold/t:$mem_v2 gate/t:$dff gate/t:$mem_v2
miter -equiv -make_outputs -flatten gold gate miter
hierarchy -top miter
opt_clean
tee -o loops{number}.txt scc
write_smt2 logic{number}.smt2"""
NO_LOOPS = "Found 0 SCCs."
"""No register was missed."""


@dataclass(frozen=True)
class _Case:
    """A mutation as it is looked at from a scope: its own module, or one around it.

    path : the modules from the mutation's own up to the scope
    """

    mutation: Mutation
    path: tuple[str, ...]

    @property
    def scope(self) -> str:
        return self.path[-1]

    def script(self, number: int) -> str:
        """Yosys' commands that write its logic: each module on the way up has a copy with the copy below in it."""
        names = [f"gate{place}" for place in range(len(self.path) - 1)] + ["gate"]
        copies = []
        for place, (module, copy) in enumerate(zip(self.path, names, strict=True)):
            copies.append(f"copy {_own(module)} {copy}")
            if place == 0:
                copies.append(self.mutation.command().replace(f"-module {_own(module)} ", f"-module {copy} "))
            else:
                copies.append(f"chtype -set {names[place - 1]} {copy}/t:{self.path[place - 1]}")
        return PROOF.format(scope=_own(self.scope), copies="\n".join(copies), number=number)


def equivalent(
    mutations: Mapping[int, Mutation], folder: Path, say: Callable[[str], None] = lambda text: None
) -> list[int]:
    """Numbers of those mutants that are proven to be equivalent to the design that was prepared in `folder`.

    Raises
    ------
    HwgenError : Yosys did not run
    """
    around = _around(json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"])
    left = {number: _Case(mutation, (mutation.module,)) for number, mutation in mutations.items()}
    bounds: dict[str, Reachable] = {}
    proven: list[int] = []
    while left:
        items = list(left.items())
        for start in range(0, len(items), TOGETHER):
            part = dict(items[start : start + TOGETHER])
            for number in _written(part, folder):
                text = (folder / f"logic{number}.smt2").read_text(encoding="utf-8")
                if _harmless(read(text), part[number].scope, bounds):
                    proven.append(number)
            say(f"proofs: {start + len(part)} of {len(items)}, {len(proven)} equivalent")
        left = {
            number: _Case(case.mutation, (*case.path, around[case.scope]))
            for number, case in left.items()
            if number not in proven and case.scope in around
        }
    return proven


def _around(modules: Mapping[str, dict[str, dict[str, dict[str, str]]]]) -> dict[str, str]:
    """The module around each; of those alone that stand in one other module, which is not the top."""
    found: dict[str, set[str]] = {}
    for name, module in modules.items():
        for cell in module["cells"].values():
            if cell["type"] in modules:
                found.setdefault(str(cell["type"]), set()).add(name)
    return {name: around for name, (around, *others) in ((n, sorted(a)) for n, a in found.items())
            if not others and around in found}  # fmt: skip


def _harmless(logic: Logic, scope: str, bounds: dict[str, Reachable]) -> bool:
    """In any state, or else in those that the module may reach; `bounds` has them of modules that were looked at."""
    if sum(logic.now([name]).size() for name in logic.registers()) > BITS:
        return False
    if Relation(logic, Reachable()).harmless():
        return True
    if scope not in bounds:
        bounds[scope] = reachable(logic)
    return Relation(logic, bounds[scope]).harmless()


def _written(cases: Mapping[int, _Case], folder: Path) -> list[int]:
    """Write the logic of all in one process; where that ends with an error, by halves. Numbers of those written."""
    try:
        yosys.run(folder, [BASE, *(case.script(number) for number, case in cases.items())])
    except HwgenError:
        if len(cases) == 1:
            return []
        items, half = list(cases.items()), len(cases) // 2
        return _written(dict(items[:half]), folder) + _written(dict(items[half:]), folder)
    return [number for number in cases if NO_LOOPS in (folder / f"loops{number}.txt").read_text(encoding="utf-8")]


def _own(module: str) -> str:
    return f"\\{module}"
