"""Proofs that a fault is none: in any state, in those that a module can reach, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hwgen.mutants import equivalence, yosys
from hwgen.mutants.netlist import Mutation, mutations
from hwgen.mutants.origin import Origins
from hwgen.mutants.reachable import Reachable, logic, reachable
from hwgen.mutants.relation import Relation
from hwgen.mutants.scope import scopes

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


@pytest.fixture(autouse=True)
def by_the_solver_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What signals that correspond prove (`test_correspondence.py`) is left to z3 here."""
    monkeypatch.setattr(equivalence, "corresponding", lambda *of: [])


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
    assert Relation(without, Reachable()).harmless()
    assert not Relation(needs, Reachable()).harmless()
    (of_count,) = reachable(needs).values.values()
    assert of_count == {0, 1, 2, 3, 4}


def test_the_output_of_a_register_is_no_blind_spot(
    all_of: tuple[Path, dict[tuple[str, str, int, str], Mutation]]
) -> None:
    folder, known = all_of
    (register,) = [one for key, one in known.items() if "dff" in key[0] and key[1:] == ("Q", 1, "inv")]
    assert equivalence.equivalent({1: register}, folder) == []


PIPELINE = """
module stage(input clk, input rst, input go, input [3:0] a, output reg ready, output reg o__valid, input enable,
             output reg [3:0] o__payload);
  always @(posedge clk) begin
    o__valid <= rst ? 0 : go;
    ready <= rst ? 0 : go;
    if (enable) o__payload <= a;
  end
endmodule

module around(input clk, input rst, input go, input [3:0] a, output o__valid, output [3:0] o__payload);
  wire ready, valid; wire [3:0] payload;
  stage inner(clk, rst, go, a, ready, valid, go, payload);
  reg last; reg [3:0] kept;
  always @(posedge clk) begin
    last <= rst ? 0 : valid;
    kept <= payload;
  end
  assign o__valid = last;
  assign o__payload = kept;
endmodule

module top(input clk, input rst, input go, input [3:0] a, output valid, output [3:0] payload);
  around outer(clk, rst, go, a, valid, payload);
endmodule
"""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Mutation]]:
    """A payload behind a module that does not say when it is looked at."""
    folder = tmp_path_factory.mktemp("stage")
    netlist = yosys.prepare(PIPELINE, "top", folder)
    found = mutations(netlist, Origins([()] * 40))
    return folder, [m for cells in found.values() for cell in cells for m in cell]


def test_a_payload_that_nobody_looks_at(staged: tuple[Path, list[Mutation]]) -> None:
    """Always loaded: another payload while `valid` is 0. Never loaded, or another bit of it: a fault."""
    folder, known = staged
    enables = {m.mode: m for m in known if m.module == "stage" and m.port == "EN"}
    stage = [m for m in known if m.module == "stage" and "dff" in m.kind]
    (bit,) = [m for m in stage if (m.port, m.bit, m.mode) == ("D", 1, "inv")]
    asked = {1: enables["const1"], 2: enables["const0"], 3: bit}
    assert equivalence.equivalent(asked, folder) == [1]


def test_a_fault_that_only_the_module_around_hides(staged: tuple[Path, list[Mutation]]) -> None:
    """Of an output that nothing around it takes, before and behind its register."""
    folder, known = staged
    ready = [m for m in known if m.module == "stage" and m.cell.startswith("ready_") and "dff" in m.kind]
    asked = {number: m for number, m in enumerate(ready) if m.port in ("D", "Q") and m.mode == "inv"}
    assert len(asked) == 2
    assert sorted(equivalence.equivalent(asked, folder)) == sorted(asked)


MEMORY = """
module top(input clk, input rst, input write, input [1:0] at, input [3:0] data, input [1:0] from, output [3:0] y);
  reg [3:0] words [0:3];
  reg writes; reg [1:0] place; reg [3:0] word;
  always @(posedge clk) begin
    writes <= rst ? 0 : write;
    place <= at;
    if (write) word <= data;
    if (writes) words[place] <= word;
  end
  assign y = words[from];
endmodule
"""


def test_a_word_that_is_not_written(tmp_path: Path) -> None:
    """What a memory is offered counts while it is written; a memory itself is not taken apart."""
    netlist = yosys.prepare(MEMORY, "top", tmp_path)
    known = [m for cells in mutations(netlist, Origins([()] * 20)).values() for cell in cells for m in cell]
    loads = {m.mode: m for m in known if m.port == "EN" and m.cell.startswith("word_")}
    assert equivalence.equivalent({1: loads["const1"], 2: loads["const0"]}, tmp_path) == [1]


RANGE = """
module top(input clk, input rst, input [3:0] a, output reg [11:0] y, output reg z);
  reg [7:0] product;
  always @(posedge clk) begin
    product <= rst ? 0 : a * 7;
    y <= rst ? 0 : product + 20;
    z <= rst ? 0 : y > 300;
  end
endmodule
"""


def test_the_range_of_a_wide_register(tmp_path: Path) -> None:
    """y is 20 .. 125 behind a reset to 0: nothing is above 300, and 130 would never be missed."""
    netlist = yosys.prepare(RANGE, "top", tmp_path)
    known = [m for cells in mutations(netlist, Origins([()] * 12)).values() for cell in cells for m in cell]
    (above,) = [m for m in known if m.kind == "$gt" and (m.port, m.mode) == ("Y", "const0")]
    wrong = replace(above, mode="const1")
    assert equivalence.equivalent({1: above, 2: wrong}, tmp_path) == [1]
    of = logic((tmp_path / "logic1.smt2").read_text())
    ranges = {name.partition("_$")[0]: ends for (name, signed), ends in reachable(of).ranges.items() if not signed}
    assert ranges == {"product": (0, 105), "y": (0, 125)}


def test_what_yosys_refuses_is_no_proof_and_keeps_no_other_from_being_one(
    all_of: tuple[Path, dict[tuple[str, str, int, str], Mutation]]
) -> None:
    folder, known = all_of
    harmless = known["$and", "B", 0, "const1"]
    missing = Mutation("datapath", "top", "no_such_cell", "$and", "A", 0, "inv", None, "")
    assert equivalence.equivalent({7: missing, 8: harmless}, folder) == [8]


@pytest.mark.parametrize(("bits", "closed"), [(100, ()), (6, ("stage",))])
def test_a_module_with_many_registers_is_closed(
    staged: tuple[Path, list[Mutation]], monkeypatch: pytest.MonkeyPatch, bits: int, closed: tuple[str, ...]
) -> None:
    """What comes out of it may be anything then, the same with the fault as without: one in what is behind it shows."""
    folder, known = staged
    around = [m for m in known if m.module == "around" and m.cell.startswith("kept_")]
    (kept,) = [m for m in around if "dff" in m.kind and (m.port, m.bit, m.mode) == ("D", 0, "inv")]
    monkeypatch.setattr(equivalence, "BITS", (bits, bits))
    modules = json.loads((folder / "netlist.json").read_text())["modules"]
    assert next(scopes(kept, modules, (bits,))).closed == closed
    assert equivalence.equivalent({1: kept}, folder) == []
    assert ("in_inner.o__payload" in read_ports(folder)) == bool(closed)


def read_ports(folder: Path) -> set[str]:
    """Names of the logic that was written last."""
    return set(logic((folder / "logic1.smt2").read_text()).ports)


MIXED = """
module top(input clk, input rst, input go, output y, output z);
  reg a; reg b;
  always @(posedge clk) begin
    a <= rst ? 1 : go;
    b <= go;
  end
  assign y = a;
  assign z = b ^ go;
endmodule
"""


COUNTDOWN = """
module top(input clk, input rst, input done, output y);
  reg [1:0] left; reg waiting;
  always @(posedge clk)
    if (rst) begin left <= 0; waiting <= 0; end
    else if (done) begin left <= 2; waiting <= 1; end
    else if (waiting) begin left <= left - 1; waiting <= left != 1; end
  assign y = waiting && left == 2;
endmodule
"""


def test_what_is_left_while_something_waits(tmp_path: Path) -> None:
    """2, 1: the lowest bit of what is left is 1 behind the first step, and means nothing behind the last."""
    netlist = yosys.prepare(COUNTDOWN, "top", tmp_path)
    known = [m for cells in mutations(netlist, Origins([()] * 20)).values() for cell in cells for m in cell]
    asked = [m for m in known if (m.kind, m.port, m.bit) == ("$sub", "Y", 0) and m.mode in ("const1", "const0")]
    found = equivalence.equivalent(dict(enumerate(asked)), tmp_path)
    assert [asked[number].mode for number in found] == ["const1"]


def test_a_register_without_reset_beside_one_that_is_reset_to_1(tmp_path: Path) -> None:
    """The bounds hold in the reset state: bounds that nothing fulfils would prove every fault to be none."""
    netlist = yosys.prepare(MIXED, "top", tmp_path)
    known = [m for cells in mutations(netlist, Origins([()] * 20)).values() for cell in cells for m in cell]
    assert known and equivalence.equivalent(dict(enumerate(known)), tmp_path) == []
