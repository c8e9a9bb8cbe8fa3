"""Claims of `make formal` asked of mutants: what no simulation reaches is tested by a proof.

A run has a handful of frames that slip, and 32 bits count them: to see the highest one takes 2^31. The proof of kind
"faults" (`hwgen.formal`) is about each of the counts, and here about the emitted module, with a fault in it: on from
any count, the next one is one more for each framer that finds a fault, and 0 in a reset. The proof of kind "together"
is about what an Add takes, also where one of its inputs never has to wait for the other in the design that it is in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import z3

from hwgen.errors import HwgenError
from hwgen.mutants import fifos
from hwgen.mutants.equivalence import written
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.reachable import RESET, UNKNOWN, Logic, find, logic
from hwgen.mutants.scope import Case, Modules, children

COUNT, FAULT = "frame_errors", "frame_error"
"""Ports of the module that counts."""
COUNTED = "one more for each fault that a framer finds"
PAIRED = ("i0__valid", "i0__ready", "i1__valid", "i1__ready")
"""Ports of a module that takes beats of two inputs at once."""
FOUND = re.compile(r"in_\w+\.error")
"""Ports of the framers in it that say of a fault."""


def refuted(mutations: Mapping[int, Mutation], folder: Path) -> list[int]:
    """Numbers of those mutants of the design that was prepared in `folder` of which a claim does not hold: of the
    count, of what is taken together, or of a FIFO (`fifos.py`).

    Raises
    ------
    HwgenError : it does not hold of the module without a fault; Yosys did not run
    """
    modules = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]
    counts, pairs = (
        {number: mutation for number, mutation in mutations.items() if has(modules[mutation.module])}
        for has in (_counts, _pairs)
    )
    return [
        *_broken(counts, modules, folder, _claim, (f"{COUNT} of {{}}", COUNTED)),
        *_broken(pairs, modules, folder, _together, ("{}", "a beat of both inputs or of none")),
        *fifos.refuted(mutations, folder),
    ]


def _broken(
    mutations: Mapping[int, Mutation], modules: Modules, folder: Path, claim: Callable[[Logic, str], Any],
    words: tuple[str, str],
) -> list[int]:  # fmt: skip
    """Numbers of the mutants in whose logic the claim fails in some state; it must hold of the original.

    words : what of module {} has a claim, and what is claimed, for the error where the original breaks it
    """
    closed = {number: tuple(sorted(set(children(one.module, modules)))) for number, one in mutations.items()}
    cases = {number: Case(one, (one.module,), closed[number]) for number, one in mutations.items()}
    found = []
    for number in written(cases, folder):
        of = logic((folder / f"logic{number}.smt2").read_text(encoding="utf-8"))
        if find(z3.Not(claim(of, "gold")), []) is not None:
            where, wanted = words
            raise HwgenError(where.format(cases[number].scope), wanted, "another one")
        model = find(z3.Not(claim(of, "gate")), [])
        if model is not None and model is not UNKNOWN:
            found.append(number)
    return found


def _pairs(module: Mapping[str, Any]) -> bool:
    """True if the module is an Add, which takes beats of two inputs at once."""
    return set(PAIRED) <= set(module["ports"]) and any(cell["type"] == "$add" for cell in module["cells"].values())


def _together(of: Logic, copy: str) -> Any:
    """The formula that is to hold of one of the copies in any state."""
    first, second = (z3.And(of.ports[f"in_i{n}__valid"] == 1, of.ports[f"{copy}_i{n}__ready"] == 1) for n in range(2))
    return first == second


def _counts(module: Mapping[str, Any]) -> bool:
    """Whether a module has the count's register."""
    bits = module["ports"].get(COUNT, {"bits": []})["bits"]
    return any("dff" in cell["type"] and cell["connections"]["Q"] == bits for cell in module["cells"].values())


def _claim(of: Logic, copy: str) -> Any:
    """The formula that is to hold of one of the copies in any state."""
    (register,) = [name for name in of.registers() if name.startswith(COUNT)]
    count, ports = of.now([register]), of.ports
    faults = [z3.ZeroExt(count.size() - 1, value) for name, value in ports.items() if FOUND.fullmatch(name)]
    step = z3.Sum(faults)
    return z3.And(
        of.next([register], copy) == z3.If(ports[RESET] == 1, z3.BitVecVal(0, count.size()), count + step),
        ports[f"{copy}_{COUNT}"] == count,
        (ports[f"{copy}_{FAULT}"] == 1) == (step != 0),
    )
