"""The scope in which a mutant is looked at: its own module, or one around it, beside the same without the fault.

Of what is inside, the modules with the most registers may be closed: nothing is known of them then, but that the same
comes out where the same went in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwgen.mutants.netlist import Mutation

BASE = """\
read_rtlil netlist.il
design -save base"""
"""First commands of every script; those of its scopes follow."""
BESIDE = """\
design -load base
hierarchy -top {scope}
{closed}{copies}
copy {scope} gold
flatten gold gate
delete {scope}
memory_collect gold gate"""
Modules = Mapping[str, Mapping[str, Any]]
"""A netlist's, by name, as Yosys writes them as JSON."""


@dataclass(frozen=True)
class Case:
    """A mutation as it is looked at from a scope.

    path : the modules from the mutation's own up to the scope
    closed : modules in it that are closed
    """

    mutation: Mutation
    path: tuple[str, ...]
    closed: tuple[str, ...]

    @property
    def scope(self) -> str:
        return self.path[-1]

    def beside(self) -> str:
        """Yosys' commands that lay both side by side, as modules `gold` and `gate`: each module on the way up to the
        scope has a copy with the copy below in it."""
        names = [f"gate{place}" for place in range(len(self.path) - 1)] + ["gate"]
        copies = []
        for place, (module, copy) in enumerate(zip(self.path, names, strict=True)):
            copies.append(f"copy {_own(module)} {copy}")
            if place == 0:
                copies.append(self.mutation.command().replace(f"-module {_own(module)} ", f"-module {copy} "))
            else:
                copies.append(f"chtype -set {names[place - 1]} {copy}/t:{self.path[place - 1]}")
        closed = [f"setattr -mod -set keep_hierarchy 1 {_own(module)}\n" for module in self.closed]
        return BESIDE.format(scope=_own(self.scope), copies="\n".join(copies), closed="".join(closed))

    def cells(self, *kinds: str) -> str:
        """A selection of the cells of these kinds in both, and of the closed modules."""
        return " ".join(f"{copy}/t:{kind}" for copy in ("gold", "gate") for kind in (*kinds, *self.closed))


def scopes(mutation: Mutation, modules: Modules, bits: Sequence[int], levels: int | None = None) -> Iterator[Case]:
    """Its own module, then the one around it, and so on up; each with so many bits of registers open, in turn.

    levels : modules around its own, at most; None: all there are
    """
    above = around(modules)
    path: tuple[str, ...] = (mutation.module,)
    while True:
        before = None
        for most in bits:
            found = case(mutation, path, modules, most)
            if found != before:  # a wider look sees more
                yield found
            before = found
        if path[-1] not in above or len(path) - 1 == levels:
            return
        path = (*path, above[path[-1]])


def case(mutation: Mutation, path: tuple[str, ...], modules: Modules, most: int) -> Case:
    """The modules in the scope open as far as its registers have at most so many bits."""
    bits = sum(register_bits(module, modules) for module in path)
    inside = {child for module in path for child in children(module, modules)} - set(path)
    held = {child: sum(register_bits(one, modules) for one in (child, *_below(child, modules))) for child in inside}
    closed: list[str] = []
    for child in sorted(held, key=lambda name: (-held[name], name)):
        if bits + sum(held[name] for name in held.keys() - set(closed)) > most:
            closed.append(child)
    return Case(mutation, path, tuple(closed))


def children(module: str, modules: Modules) -> list[str]:
    """The modules in a module, as often as they stand there."""
    return [cell["type"] for cell in modules[module]["cells"].values() if cell["type"] in modules]


def _below(module: str, modules: Modules) -> list[str]:
    """All of them, at any depth."""
    return [one for child in children(module, modules) for one in (child, *_below(child, modules))]


def register_bits(module: str, modules: Modules) -> int:
    """Bits of a module's own registers."""
    cells = modules[module]["cells"].values()
    return sum(len(cell["connections"]["Q"]) for cell in cells if "dff" in cell["type"] and "Q" in cell["connections"])


def around(modules: Modules) -> dict[str, str]:
    """The module around each; of those alone that stand in one other module, which is not the top."""
    found: dict[str, set[str]] = {}
    for name in modules:
        for child in children(name, modules):
            found.setdefault(child, set()).add(name)
    return {name: around for name, (around, *others) in ((n, sorted(a)) for n, a in found.items())
            if not others and around in found}  # fmt: skip


def _own(module: str) -> str:
    return f"\\{module}"
