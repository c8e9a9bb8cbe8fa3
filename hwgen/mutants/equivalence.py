"""Proofs that a mutant is no fault: whatever state its module is in and whatever comes in, all that goes out and the
next state are what they would be without it.

That is a question about logic without time, for Yosys' SAT solver. What it cannot show (a state that is never reached,
a value that nobody looks at) is no proof of the contrary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.netlist import Mutation

SECONDS = 20
"""For one proof."""
TOGETHER = 20
"""Proofs in one process."""
BUFFER = "module \\$dff (CLK, D, Q); parameter WIDTH = 1; parameter CLK_POLARITY = 1; input CLK; " \
    "input [WIDTH-1:0] D; output [WIDTH-1:0] Q; assign Q = D; endmodule\n"  # fmt: skip
"""A register as its input: behind it every path is cut, so that the state is an input and the next state an output."""
BASE = """\
read_rtlil netlist.il
design -save base"""
PROOF = """\
design -load base
hierarchy -top {module}
copy {module} gold
copy {module} gate
{mutate}
flatten gold gate
delete {module}
memory_map gold gate
dffunmap gold gate
opt_clean gold gate
expose -cut t:$dff %co1:+$dff[Q] w:* %i
techmap -map buffer.v
tee -a proofs.txt log proof {number}
tee -a proofs.txt scc
miter -equiv -make_assert -flatten gold gate miter
hierarchy -top miter
opt -full
tee -a proofs.txt sat -prove-asserts -timeout {seconds} miter"""
WANTED = "Found 0 SCCs.", "SAT proof finished - no model found: SUCCESS!"
"""No register was missed, and the proof."""


def equivalent(
    mutations: Mapping[int, Mutation], folder: Path, say: Callable[[str], None] = lambda text: None
) -> list[int]:
    """Numbers of those mutants that are proven to be equivalent to the design that was prepared in `folder`.

    Raises
    ------
    HwgenError : Yosys did not run
    """
    (folder / "buffer.v").write_text(BUFFER, encoding="utf-8")
    numbers = [number for number, mutation in mutations.items() if not _register_output(mutation)]
    proven: list[int] = []
    for start in range(0, len(numbers), TOGETHER):
        part = numbers[start : start + TOGETHER]
        proven += _proven({number: mutations[number] for number in part}, folder)
        say(f"proofs: {start + len(part)} of {len(numbers)}, {len(proven)} equivalent")
    return proven


def _register_output(mutation: Mutation) -> bool:
    """Whether the fault lies between a register and the place where paths are cut: that is not compared."""
    return "dff" in mutation.kind and mutation.port == "Q"


def _proven(mutations: Mapping[int, Mutation], folder: Path) -> list[int]:
    """Try all in one process; where that ends with an error, by halves."""
    output = folder / "proofs.txt"
    output.unlink(missing_ok=True)
    try:
        yosys.run(folder, [BASE, *(_proof(number, mutation) for number, mutation in mutations.items())])
    except HwgenError:
        if len(mutations) == 1:
            return []
        items, half = list(mutations.items()), len(mutations) // 2
        return _proven(dict(items[:half]), folder) + _proven(dict(items[half:]), folder)
    return successes(output.read_text(encoding="utf-8"))


def successes(text: str) -> list[int]:
    """The numbers of the proofs that succeeded, from what Yosys wrote."""
    _, *parts = re.split(r"^.*\bproof (\d+)$", text, flags=re.MULTILINE)
    found = zip(parts[::2], parts[1::2], strict=True)
    return [int(number) for number, said in found if all(line in said for line in WANTED)]


def _proof(number: int, mutation: Mutation) -> str:
    moved = mutation.command().replace(f"-module \\{mutation.module} ", "-module gate ")
    return PROOF.format(module=f"\\{mutation.module}", mutate=moved, number=number, seconds=SECONDS)
