"""Yosys at work for mutants: the netlist that they are drawn from, and the Verilog that holds many of them.

As `mcy` does it: the emitted Verilog as operators, multiplexers and registers, cleaned of what leads nowhere; each
fault behind a comparison of one control signal, so that one simulator holds all of them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwgen import process
from hwgen.errors import HwgenError
from hwgen.mutants.netlist import Mutation
from hwgen.synth.yosys import PROGRAM, environment

CONTROL = "hwgen_mutant"
"""The signal that selects a fault by its number, from 1; with 0 the design is as it was. `+hwgen_mutant=N` sets it."""
CONTROL_BITS = 16
MOST = 2**CONTROL_BITS - 1
"""Faults in one design."""
PREPARE = (
    "read_verilog design.v",
    "hierarchy -top {top}",
    "proc",
    "opt_expr -keepdc",
    "opt_clean",
    "opt -keepdc",
    "wreduce -keepdc",
    "opt_clean",
    "autoname",
    "write_rtlil netlist.il",
    "write_json netlist.json",
)
SELECT = """reg [{high}:0] {control};
  initial if (!$value$plusargs("{control}=%d", {control})) {control} = 0;"""


def prepare(verilog: str, top: str, folder: Path) -> dict[str, Any]:
    """The netlist of a design, as JSON; in `folder` stays netlist.il, which `mutated` and proofs begin with.

    Raises
    ------
    HwgenError : Yosys does not accept the Verilog
    """
    (folder / "design.v").write_text(verilog, encoding="utf-8")
    run(folder, [line.format(top=top) for line in PREPARE])
    netlist: dict[str, Any] = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
    return netlist


def mutated(mutations: Sequence[Mutation], top: str, folder: Path) -> str:
    """Verilog of the prepared design with all these faults, none of them active unless it is selected.

    Raises
    ------
    HwgenError : more faults than the control signal counts; Yosys did not make it
    """
    if not 0 < len(mutations) <= MOST:
        raise HwgenError("mutants of one design", f"1 to {MOST}", str(len(mutations)))
    lines = ["read_rtlil netlist.il"]
    for number, mutation in enumerate(mutations, start=1):
        lines.append(mutation.command(f"-ctrl {CONTROL} {CONTROL_BITS} {number} "))
    lines += [f"delete -port {top}/{CONTROL}", "write_verilog -noattr -norename mutated.v"]
    run(folder, lines)
    text = (folder / "mutated.v").read_text(encoding="utf-8")
    select = SELECT.format(high=CONTROL_BITS - 1, control=CONTROL)
    begin = re.search(rf"^module \\?{re.escape(top)}\s*\(", text, re.MULTILINE)
    assert begin, "the top"
    head, body = text[: begin.start()], text[begin.start() :]
    body, count = re.subn(rf"wire \[{CONTROL_BITS - 1}:0\] {CONTROL};", lambda _: select, body, count=1)
    assert count == 1, "the control signal"
    return head + body


def run(folder: Path, lines: Sequence[str]) -> str:
    """Run a script in a folder; what Yosys printed.

    Raises
    ------
    HwgenError : it ended with an error
    """
    (folder / "script.ys").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, "-q", "script.ys"]
    ended = process.run(command, folder, environment(folder))
    if ended.status:
        said = [line for line in (ended.output + ended.errors).splitlines() if "ERROR" in line]
        raise HwgenError("Yosys on mutants", "exit status 0", f"{ended.how}: {'; '.join(said) or 'no message'}")
    return ended.output + ended.errors
