"""Proofs by signals that correspond: a module beside its mutant, in which equal ones are merged until nothing differs.

Yosys lays both side by side under a checker, whose output says that something that goes out is not the same while
somebody looks at it. Registers stay, and so do memories of constants, as the logic that they are: a word that none of
them has, and a state that no counter reaches, is known not to occur. ABC's `scorr` looks for pairs of signals that are
alike in the reset state and, if they all are in one cycle, in the next one too, whatever comes in
(A. Mishchenko et al., Scalable and scalably-verifiable sequential synthesis, ICCAD 2008). If the checker's output is
found to be the same as 0, the mutant is no fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.scope import BASE, Case, Modules, scopes

BITS = 600
"""Most bits of registers that are looked at; the modules with the most are closed until there are no more."""
LEVELS = 1
"""Modules around a mutant's own that are looked at."""
ABC = """\
strash
scorr
scorr -F 4
write_aiger merged{number}.aig
"""
"""Pairs by induction over one cycle; then, of what is left, over 4."""
MITER = """\
{beside}
memory_map -rom-only gold gate
dffunmap gold gate
expose -evert {cells}
miter -equiv -make_outputs -flatten gold gate miter
hierarchy -top miter
opt_clean
setundef -init -zero
setundef -zero
setattr -unset keep w:* c:*
write_rtlil miter{number}.il
write_json miter{number}.json"""
PROOF = """\
read_rtlil miter{number}.il
read_verilog checker{number}.v
hierarchy -top checker
flatten
opt_clean
techmap
opt_clean
abc -dff -script abc{number}.script"""
MEMORY = re.compile(r"(.*\.WR)_(ADDR|DATA)")


def corresponding(mutations: Mapping[int, Mutation], modules: Modules, folder: Path) -> list[int]:
    """Numbers of those mutants that are proven to be equivalent to the design that was prepared in `folder`."""
    found = []
    for number, mutation in mutations.items():
        for case in scopes(mutation, modules, (BITS,), LEVELS):
            if _is_same(number, case, folder):
                found.append(number)
                break
    return found


def _is_same(number: int, case: Case, folder: Path) -> bool:
    """True if the module and its mutant are proven equivalent in this scope; False if Yosys refuses either."""
    merged = folder / f"merged{number}.aig"
    merged.unlink(missing_ok=True)
    try:
        yosys.run(folder, [BASE, MITER.format(beside=case.beside(), cells=case.cells("$mem_v2"), number=number)])
        ports = json.loads((folder / f"miter{number}.json").read_text(encoding="utf-8"))["modules"]["miter"]["ports"]
        (folder / f"checker{number}.v").write_text(checker(ports), encoding="utf-8")
        (folder / f"abc{number}.script").write_text(ABC.format(number=number), encoding="utf-8")
        yosys.run(folder, PROOF.format(number=number).splitlines())
        return is_zero(merged.read_bytes())
    except (HwgenError, OSError):
        return False


def checker(ports: Mapping[str, Mapping[str, Any]]) -> str:
    """Verilog of a module around both, with one output: something that somebody looks at is not the same.

    ports : of the miter, as JSON has them: `in_x` of what comes in, `gold_x` and `gate_x` of what goes out
    """
    widths = {name: len(port["bits"]) for name, port in ports.items() if name != "trigger"}
    inputs = [name for name in widths if name.startswith("in_")]
    others = [name for name in widths if name not in inputs]
    differs = []
    for name in others:
        if name.startswith("gold_") and not name.endswith("CLK"):
            other = f"gate_{name.removeprefix('gold_')}"
            differs.append(f"({_looked_at(name, widths)} & ({_own(name)} != {_own(other)}))")
    if not differs:
        raise HwgenError("a proof of equivalence", "something that goes out", "nothing")
    taken = [f"input [{widths[name] - 1}:0] {_own(name)}" for name in inputs]
    lines = [
        f"module checker({', '.join((*taken, 'output differs'))});",
        *(f"  wire [{widths[name] - 1}:0] {_own(name)};" for name in others),
        f"  miter both({', '.join(f'.{_own(name)}({_own(name)})' for name in (*inputs, *others))});",
        f"  assign differs = {' | '.join(differs)};",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _looked_at(name: str, widths: Mapping[str, int]) -> str:
    """When somebody looks at what goes out: at a payload while it is valid, at a memory's input while it is written."""
    valid = f"{name.removesuffix('payload')}valid"
    if name.endswith("__payload") and valid in widths:
        return _own(valid)
    if found := MEMORY.fullmatch(name):
        return f"(|{_own(f'{found[1]}_EN')})"
    return "1'b1"


def is_zero(aiger: bytes) -> bool:
    """True if an and-inverter graph, in AIGER's binary format, has one output and it is the constant 0."""
    lines = aiger.split(b"\n")
    words = lines[0].split()
    latches, outputs = int(words[3]), int(words[4])
    return outputs == 1 and lines[1 + latches] == b"0"


def _own(name: str) -> str:
    return f"\\{name} "
