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
from typing import Any

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.reachable import Logic, Reachable, alone, logic as read, reachable
from hwgen.mutants.relation import Relation

TOGETHER = 20
"""Modules laid beside their mutants by one process."""
BITS = (100, 400)
"""Most bits of state that a proof looks at, in turn: the modules with the most are closed until there are no more. Of a
module that has more by itself no bounds are looked for."""
BASE = """\
read_rtlil netlist.il
design -save base"""
PROOF = """\
design -load base
hierarchy -top {scope}
{closed}{copies}
copy {scope} gold
flatten gold gate
delete {scope}
memory_collect gold gate
dffunmap gold gate
expose -evert {cells}
miter -equiv -make_outputs -flatten gold gate miter
hierarchy -top miter
opt_clean
tee -o loops{number}.txt scc
write_smt2 logic{number}.smt2"""
Modules = Mapping[str, Mapping[str, Any]]
"""A netlist's, by name, as Yosys writes them as JSON."""
NO_LOOPS = "Found 0 SCCs."
"""No register was missed."""


@dataclass(frozen=True)
class Case:
    """A mutation as it is looked at from a scope: its own module, or one around it.

    path : the modules from the mutation's own up to the scope
    wide : more registers are looked at than at first
    closed : modules in it of which nothing is known but that the same goes out where the same comes in
    """

    mutation: Mutation
    path: tuple[str, ...]
    closed: tuple[str, ...]
    wide: bool = False

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
        closed = [f"setattr -mod -set keep_hierarchy 1 {_own(module)}\n" for module in self.closed]
        cells = [f"{copy}/t:{kind}" for copy in ("gold", "gate") for kind in ("$dff", "$mem_v2", *self.closed)]
        return PROOF.format(
            scope=_own(self.scope), copies="\n".join(copies), number=number, closed="".join(closed),
            cells=" ".join(cells),
        )  # fmt: skip


def equivalent(
    mutations: Mapping[int, Mutation], folder: Path, say: Callable[[str], None] = lambda text: None
) -> list[int]:
    """Numbers of those mutants that are proven to be equivalent to the design that was prepared in `folder`.

    Raises
    ------
    HwgenError : Yosys did not run
    """
    modules = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]
    around = _around(modules)
    left = {number: _case(mutation, (mutation.module,), modules) for number, mutation in mutations.items()}
    bounds: dict[tuple[str, ...], Reachable] = {}
    proven: list[int] = []
    while left:
        items = list(left.items())
        for start in range(0, len(items), TOGETHER):
            part = dict(items[start : start + TOGETHER])
            for number in written(part, folder):
                text = (folder / f"logic{number}.smt2").read_text(encoding="utf-8")
                case = part[number]
                if _harmless(read(text), (case.scope, *case.closed), bounds):
                    proven.append(number)
            say(f"proofs: {start + len(part)} of {len(items)}, {len(proven)} equivalent")
        left = {
            number: _case(case.mutation, case.path, modules, wide=True)
            if not case.wide
            else _case(case.mutation, (*case.path, around[case.scope]), modules)
            for number, case in left.items()
            if number not in proven and (not case.wide or case.scope in around)
        }
    return proven


def _case(mutation: Mutation, path: tuple[str, ...], modules: Modules, wide: bool = False) -> Case:
    """The modules of the scope open as far as its registers have at most so many bits as `BITS` says."""
    bits = sum(_bits(module, modules) for module in path)
    inside = {child for module in path for child in children(module, modules)} - set(path)
    held = {child: sum(_bits(one, modules) for one in (child, *_below(child, modules))) for child in inside}
    closed: list[str] = []
    for child in sorted(held, key=lambda name: (-held[name], name)):
        if bits + sum(held[name] for name in held.keys() - set(closed)) > BITS[wide]:
            closed.append(child)
    return Case(mutation, path, tuple(closed), wide or not closed)  # with all open, a wider look sees nothing more


def children(module: str, modules: Modules) -> list[str]:
    """The modules in a module, as often as they stand there."""
    return [cell["type"] for cell in modules[module]["cells"].values() if cell["type"] in modules]


def _below(module: str, modules: Modules) -> list[str]:
    """All of them, at any depth."""
    return [one for child in children(module, modules) for one in (child, *_below(child, modules))]


def _bits(module: str, modules: Modules) -> int:
    """Bits of a module's own registers."""
    cells = modules[module]["cells"].values()
    return sum(len(cell["connections"]["Q"]) for cell in cells if "dff" in cell["type"] and "Q" in cell["connections"])


def _around(modules: Modules) -> dict[str, str]:
    """The module around each; of those alone that stand in one other module, which is not the top."""
    found: dict[str, set[str]] = {}
    for name in modules:
        for child in children(name, modules):
            found.setdefault(child, set()).add(name)
    return {name: around for name, (around, *others) in ((n, sorted(a)) for n, a in found.items())
            if not others and around in found}  # fmt: skip


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
        yosys.run(folder, [BASE, *(case.script(number) for number, case in cases.items())])
    except HwgenError:
        if len(cases) == 1:
            return []
        items, half = list(cases.items()), len(cases) // 2
        return written(dict(items[:half]), folder) + written(dict(items[half:]), folder)
    return [number for number in cases if NO_LOOPS in (folder / f"loops{number}.txt").read_text(encoding="utf-8")]


def _own(module: str) -> str:
    return f"\\{module}"
