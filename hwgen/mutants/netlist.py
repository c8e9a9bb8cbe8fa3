"""Mutants of a netlist: the inverted or stuck bits of all cells' ports, and a fair draw of them by component."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwgen.mutants.origin import Origins

MODES = ("inv", "const0", "const1", "cnot0", "cnot1")
"""Of Yosys' `mutate`: a bit is inverted, always 0, always 1, inverted where another bit of its port is 0, or 1."""
CLOCKS = ("CLK", "RD_CLK", "WR_CLK")
"""Ports that stay as they are: a changed clock is no fault of the logic."""
SHARED = ("adders", "counter", "datapath", "memory", "pipeline", "round_saturate", "streams")
"""Files that many components take parts from: a module is not theirs."""
SHIFTS = ("$shr", "$shift", "$shiftx")
"""Cells that Yosys writes without the lines that they were made of: theirs are those of the signal that they drive."""
INITIAL = ("$meminit", "$meminit_v2")
"""Cells that hold a memory's first contents. Wrong contents are the wrong bits of what is read from it."""


@dataclass(frozen=True)
class Mutation:
    """One fault, as Yosys' `mutate` takes it.

    component : file of rtl/ (or of hwgen/emit/) in which the mutated cell was written
    kind : of the cell: "$add", "$sdffe" ...
    where : lines of the emitted Verilog and of the component, for a reader
    other : of modes cnot0 and cnot1, the bit that decides; else None
    """

    component: str
    module: str
    cell: str
    kind: str
    port: str
    bit: int
    mode: str
    other: int | None
    where: str

    def command(self, control: str = "") -> str:
        """The line of a Yosys script that puts the fault into a design.

        control : options of a signal that selects it; without, it is always there
        """
        decides = "" if self.other is None else f" -ctrlbit {self.other}"
        place = f"-module {_escaped(self.module)} -cell {_escaped(self.cell)} -port {_escaped(self.port)}"
        return f"mutate {control}-mode {self.mode} {place} -portbit {self.bit}{decides}"

    def __str__(self) -> str:
        decides = "" if self.other is None else f" by bit {self.other}"
        return f"{self.module}, {self.where}: {self.kind} {self.port}[{self.bit}] {self.mode}{decides}"


def mutations(netlist: Mapping[str, Any], origins: Origins) -> dict[str, list[list[Mutation]]]:
    """All mutants of a netlist that Yosys wrote as JSON: by component, a list for each of its cells.

    Bits that mean nothing, and faults that are none (a constant 0 that is always 0), are left out.
    """
    modules = netlist["modules"]
    cells = {
        module: {
            name: cell
            for name, cell in content["cells"].items()
            if cell["type"].startswith("$") and cell["type"] not in (*INITIAL, "$scopeinfo", *modules)
        }
        for module, content in modules.items()
    }
    owners = {
        module: Counter(filter(None, (origins.component(_lines(cell)) for cell in of_module.values())))
        for module, of_module in cells.items()
    }
    found: dict[str, list[list[Mutation]]] = {}
    for module, of_module in cells.items():
        signals = _signals(modules[module])
        for name, cell in of_module.items():
            lines = _lines(cell)
            if cell["type"] in SHIFTS and origins.component(lines) is None:
                lines = next((signals[bit] for bit in cell["connections"]["Y"] if bit in signals), lines)
            component = origins.component(lines) or _owner(module, owners)
            where = ", ".join(filter(None, [f"line {lines[0]}" if lines[0] else "", origins.place(lines)]))
            of_cell = [
                Mutation(component, module, name, cell["type"], port, bit, mode, other, where)
                for port, bits in cell["connections"].items()
                if port not in CLOCKS
                for bit, mode, other in _faults(bits)
            ]
            if of_cell:
                found.setdefault(component, []).append(of_cell)
    return found


def _owner(module: str, owners: Mapping[str, Counter[str]]) -> str:
    """The component that most of a module's cells come from, or of the module around it."""
    own = [(count, name) for name, count in owners.get(module, Counter()).items() if name not in SHARED]
    if own:
        return max(own)[1]
    return _owner(module.rpartition(".")[0], owners) if "." in module else "datapath"


def draw(cells: Sequence[Sequence[Mutation]], count: int, seed: int | str) -> list[Mutation]:
    """Up to `count` mutants, from as many cells as there are: small ones are met as often as wide ones.

    The same for the same seed.
    """
    rng = random.Random(seed)
    waiting = [rng.sample(cell, len(cell)) for cell in cells]
    rng.shuffle(waiting)
    found: list[Mutation] = []
    while waiting and len(found) < count:
        for cell in waiting[: count - len(found)]:
            found.append(cell.pop())
        waiting = [cell for cell in waiting if cell]
    return found


def _faults(bits: Sequence[int | str]) -> Iterator[tuple[int, str, int | None]]:
    """(bit, mode, deciding bit) of a port. A constant bit is inverted alone: all else would be the same, or nothing."""
    for index, bit in enumerate(bits):
        if bit in ("x", "z"):
            continue
        yield index, "inv", None
        if isinstance(bit, str):
            continue
        yield index, "const0", None
        yield index, "const1", None
        others = [other for other, value in enumerate(bits) if not isinstance(value, str) and value != bit]
        if others:
            other = others[(7 * index + 3) % len(others)]
            yield index, "cnot0", other
            yield index, "cnot1", other


def _lines(cell: Mapping[str, Any]) -> list[int]:
    """First lines of all that a cell was made of."""
    return [int(line) for line in re.findall(r":(\d+)\.", cell["attributes"].get("src", ""))] or [0]


def _signals(module: Mapping[str, Any]) -> dict[int | str, list[int]]:
    """The lines in which a bit's signal is declared, by bit; of signals with a name of their own."""
    nets = [net for net in module.get("netnames", {}).values() if not net["hide_name"]]
    return {bit: _lines(net) for net in nets for bit in net["bits"]}


def _escaped(name: str) -> str:
    """As scripts have it: JSON leaves out the backslash of public names that no one could take for private ones."""
    return name if name.startswith(("$", "\\")) else f"\\{name}"
