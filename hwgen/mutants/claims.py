"""Claims of `make formal` asked of mutants: what no simulation reaches is tested by a proof.

A run has a handful of frames that slip, and 32 bits count them: to see the highest one takes 2^31. The proof of kind
"faults" (`hwgen.formal`) is about each of the counts, and here about the emitted module, with a fault in it: on from
any count, the next one is one more for each framer that finds a fault, and 0 in a reset.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import z3

from hwgen.errors import HwgenError
from hwgen.mutants.equivalence import Case, children, written
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.reachable import RESET, UNKNOWN, Logic, find, logic

COUNT, FAULT = "frame_errors", "frame_error"
"""Ports of the module that counts."""
FOUND = re.compile(r"in_\w+\.error")
"""Ports of the framers in it that say of a fault."""


def refuted(mutations: Mapping[int, Mutation], folder: Path) -> list[int]:
    """Numbers of those mutants of the design that was prepared in `folder` of which the claim does not hold.

    Raises
    ------
    HwgenError : it does not hold of the module without a fault; Yosys did not run
    """
    modules = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]
    cases = {
        number: Case(mutation, (mutation.module,), tuple(sorted(set(children(mutation.module, modules)))))
        for number, mutation in mutations.items() if _counts(modules[mutation.module])
    }  # fmt: skip
    found = []
    for number in written(cases, folder):
        of = logic((folder / f"logic{number}.smt2").read_text(encoding="utf-8"))
        if find(z3.Not(_claim(of, "gold")), []) is not None:
            where = f"{COUNT} of {cases[number].scope}"
            raise HwgenError(where, "one more for each fault that a framer finds", "another one")
        model = find(z3.Not(_claim(of, "gate")), [])
        if model is not None and model is not UNKNOWN:
            found.append(number)
    return found


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
