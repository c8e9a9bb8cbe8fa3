"""Proofs that a fault is none: in any state, in those that a module can reach, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.mutants import equivalence, yosys
from hwgen.mutants.netlist import Mutation, mutations
from hwgen.mutants.origin import Origins
from hwgen.mutants.reachable import Reachable, logic, possible, reachable

TOP = """
module top(input clk, input rst, input go, input a, input b, output y, output z);
  reg [2:0] count;
  always @(posedge clk)
    if (rst) count <= 0;
    else if (go) count <= count == 4 ? 0 : count + 1;
  assign y = count == 4;
  assign z = a | (a & b);
endmodule
"""


@pytest.fixture(scope="module")
def all_of(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[tuple[str, str, int, str], Mutation]]:
    """The counter's faults by cell, port, bit and mode, and the folder in which it was prepared."""
    folder = tmp_path_factory.mktemp("counter")
    netlist = yosys.prepare(TOP, "top", folder)
    found = mutations(netlist, Origins([()] * 20))
    return folder, {(m.kind, m.port, m.bit, m.mode): m for cells in found.values() for cell in cells for m in cell}


def test_what_is_proven(all_of: tuple[Path, dict[tuple[str, str, int, str], Mutation]]) -> None:
    """A term that says nothing, and a value that the counter never has; faults of an output and of a next state."""
    folder, known = all_of
    asked = {
        1: known["$and", "B", 0, "const1"],
        2: known["$eq", "A", 1, "const0"],  # 6 is taken for 4
        3: known["$eq", "A", 2, "const1"],  # 0 is taken for 4
        4: known["$add", "Y", 0, "inv"],
    }
    assert equivalence.equivalent(asked, folder) == [1, 2]
    without, needs = (logic((folder / f"logic{number}.smt2").read_text()) for number in (1, 2))
    assert not possible(without, Reachable())
    assert possible(needs, Reachable())
    (of_count,) = reachable(needs).values.values()
    assert of_count == {0, 1, 2, 3, 4}


def test_the_output_of_a_register_is_not_tried(
    all_of: tuple[Path, dict[tuple[str, str, int, str], Mutation]]
) -> None:
    folder, known = all_of
    (register,) = [one for key, one in known.items() if "dff" in key[0] and key[1:] == ("Q", 1, "inv")]
    assert equivalence.equivalent({1: register}, folder) == []


def test_what_yosys_refuses_is_no_proof_and_keeps_no_other_from_being_one(
    all_of: tuple[Path, dict[tuple[str, str, int, str], Mutation]]
) -> None:
    folder, known = all_of
    harmless = known["$and", "B", 0, "const1"]
    missing = Mutation("datapath", "top", "no_such_cell", "$and", "A", 0, "inv", None, "")
    assert equivalence.equivalent({7: missing, 8: harmless}, folder) == [8]
