"""Yosys on a component: its transition relation in SMT-LIB, and which ports reach which without a register."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Signal

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.synth.yosys import PROGRAM, environment

TOP = "top"
FLATTEN = (
    # Undefined are all registers and memories at first, whatever Amaranth says: a reset alone makes them known.
    "read_rtlil design.il; hierarchy -top top; proc -noopt; flatten; setattr -unset init w:*; {contents}"
    "memory_collect; memory_map; "
)
RELATION = (
    # No pass that takes an undefined first value for one that may be chosen (opt_dff) is used.
    "{flatten} chformal -lower; async2sync; setundef -undriven -anyseq; opt_expr; opt_merge; opt_clean{purge}; "
    "dffunmap; opt_clean{purge}; write_smt2 -wires -stbv out"
)
GATES = "{flatten} opt_clean; write_json out"
FORGET = "delete t:$meminit*; "
"""What a memory holds at first may be anything."""


def relation(component: Any, ports: Sequence[Signal], forget: bool = True, purge: bool = True) -> str:
    """The transition relation of a component with assertions, as SMT-LIB functions of states and pairs of states.

    Parameters
    ----------
    ports : signals that the component does not drive: they may take any value in any cycle
    forget : whether memories hold anything at first, or what they are to hold (the content of ROMs)
    purge : whether names of nets that nothing needs may go, and their logic with them
    """
    script = RELATION.format(flatten=_flatten(forget), purge=" -purge" if purge else "")
    return _yosys(component, ports, script)


def _flatten(forget: bool) -> str:
    return FLATTEN.format(contents=FORGET if forget else "")


def _yosys(component: Any, ports: Sequence[Signal], script: str) -> str:
    """What a script writes to the file `out`."""
    with process.private_folder("hwgen_formal_") as folder:
        (folder / "design.il").write_text(rtlil.convert(component, name=TOP, ports=list(ports), emit_src=False))
        ended = process.run([sys.executable, "-c", PROGRAM, "-q", "-p", script], folder, environment(folder))
        if ended.status:
            lines = [line for line in (ended.output + ended.errors).splitlines() if "ERROR" in line]
            raise HwgenError("Yosys", "a netlist that it accepts", "; ".join(lines) or ended.how)
        return Path(folder, "out").read_text(encoding="utf-8")


def reached(component: Any, ports: Sequence[Signal], sources: Iterable[str]) -> dict[str, set[str]]:
    """For each named input port, the ports that a change of it reaches in the same cycle, through gates alone."""
    module = json.loads(_yosys(component, ports, GATES.format(flatten=_flatten(True))))["modules"][TOP]
    behind: dict[int, set[int]] = defaultdict(set)
    for cell in module["cells"].values():
        if cell["type"].lstrip("$").startswith(("dff", "sdff", "adff", "aldff")):
            if not cell["type"].startswith(("$dff", "$sdff")):
                raise HwgenError("Yosys", "registers with a synchronous reset alone", cell["type"])
            continue
        directions = cell["port_directions"]
        outputs = {bit for name, bits in cell["connections"].items() if directions[name] == "output" for bit in bits}
        for name, bits in cell["connections"].items():
            if directions[name] == "input":
                for bit in bits:
                    behind[bit] |= outputs
    found = {}
    for source in sources:
        pending, seen = list(module["ports"][source]["bits"]), set[int]()
        while pending:
            bit = pending.pop()
            if bit not in seen:
                seen.add(bit)
                pending += behind[bit]
        found[source] = {
            name for name, port in module["ports"].items() if port["direction"] == "output" and seen & set(port["bits"])
        }
    return found
