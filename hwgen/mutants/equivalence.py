"""Proofs that a mutant is no fault: whatever comes into its module, in every state that this may reach from reset on,
all that goes out and the next state are what they would be without it.

Yosys lays the module beside its mutant, takes the registers out of both, so that their values come in and their next
values go out, and writes the logic that is left for an SMT solver (`reachable.py`). What cannot be shown (a state that
only other modules keep from being reached, a value that nobody looks at) is no proof of the contrary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.netlist import Mutation
from hwgen.mutants.reachable import Logic, Reachable, logic as read, possible, reachable

TOGETHER = 20
"""Modules laid beside their mutants by one process."""
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
tee -o loops{number}.txt scc
miter -equiv -make_outputs -flatten gold gate miter
hierarchy -top miter
opt -full
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
    (folder / "buffer.v").write_text(BUFFER, encoding="utf-8")
    numbers = [number for number, mutation in mutations.items() if not _register_output(mutation)]
    bounds: dict[str, Reachable] = {}
    proven: list[int] = []
    for start in range(0, len(numbers), TOGETHER):
        part = numbers[start : start + TOGETHER]
        for number in _written({number: mutations[number] for number in part}, folder):
            logic = read((folder / f"logic{number}.smt2").read_text(encoding="utf-8"))
            if _harmless(logic, mutations[number].module, bounds):
                proven.append(number)
        say(f"proofs: {start + len(part)} of {len(numbers)}, {len(proven)} equivalent")
    return proven


def _harmless(logic: Logic, module: str, bounds: dict[str, Reachable]) -> bool:
    """In any state, or else in those that the module may reach; `bounds` has them of modules that were looked at."""
    if not possible(logic, Reachable()):
        return True
    if module not in bounds:
        bounds[module] = reachable(logic)
    return not possible(logic, bounds[module])


def _register_output(mutation: Mutation) -> bool:
    """Whether the fault lies between a register and the place where paths are cut: that is not compared."""
    return "dff" in mutation.kind and mutation.port == "Q"


def _written(mutations: Mapping[int, Mutation], folder: Path) -> list[int]:
    """Write the logic of all in one process; where that ends with an error, by halves. Numbers of those written."""
    try:
        yosys.run(folder, [BASE, *(_proof(number, mutation) for number, mutation in mutations.items())])
    except HwgenError:
        if len(mutations) == 1:
            return []
        items, half = list(mutations.items()), len(mutations) // 2
        return _written(dict(items[:half]), folder) + _written(dict(items[half:]), folder)
    return [number for number in mutations if NO_LOOPS in (folder / f"loops{number}.txt").read_text(encoding="utf-8")]


def _proof(number: int, mutation: Mutation) -> str:
    moved = mutation.command().replace(f"-module \\{mutation.module} ", "-module gate ")
    return PROOF.format(module=f"\\{mutation.module}", mutate=moved, number=number)
