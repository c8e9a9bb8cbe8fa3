"""Signals that correspond: what a memory of constants never gives, states that a counter never has; and faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.correspondence import checker, corresponding, is_zero
from hwgen.mutants.netlist import Mutation, mutations
from hwgen.mutants.origin import Origins
from hwgen.mutants.scope import Modules

WORDS = """
module words(input clk, input [1:0] at, output reg [3:0] word);
  reg [3:0] rom [0:3];
  initial begin rom[0] = 1; rom[1] = 5; rom[2] = 9; rom[3] = {last}; end
  always @(posedge clk) word <= rom[at];
endmodule

module top(input clk, input rst, input step, output y, output z);
  reg [1:0] at; wire [3:0] word;
  reg [2:0] place; reg ended;
  words inner(clk, at, word);
  always @(posedge clk)
    if (rst) begin at <= 0; place <= 0; ended <= 0; end
    else if (step) begin
      at <= at + 1;
      place <= ended ? 0 : place + 1;
      ended <= place == 3;
    end
  assign y = word > 13;
  assign z = ended;
endmodule
"""


def prepared(text: str, folder: Path) -> tuple[list[Mutation], Modules]:
    netlist = yosys.prepare(text, "top", folder)
    known = mutations(netlist, Origins([()] * 40))
    return [one for cells in known.values() for cell in cells for one in cell], netlist["modules"]


@pytest.mark.parametrize(("last", "proven"), [(13, ["const0"]), (14, [])])
def test_a_number_that_no_word_has(last: int, proven: list[str], tmp_path: Path) -> None:
    """Nothing is above 13 in a memory whose largest word is 13; of one with a 14 the same fault is none of these."""
    known, modules = prepared(WORDS.replace("{last}", str(last)), tmp_path)
    above = [one for one in known if one.kind == "$gt" and (one.port, one.bit) == ("Y", 0)]
    above = [one for one in above if one.mode in ("const0", "const1")]
    assert len(above) == 2
    found = corresponding(dict(enumerate(above)), modules, tmp_path)
    assert [above[number].mode for number in found] == proven


def test_another_place_on_the_same_way(tmp_path: Path) -> None:
    """0, 1, 2, 3, 0 or 4, 1, 2, 3, 4: of the counter the flag of its last place alone goes out. A flag upside down is
    a fault."""
    known, modules = prepared(WORDS.replace("{last}", "13"), tmp_path)
    register = [one for one in known if "dff" in one.kind and (one.port, one.mode) == ("Q", "inv")]
    place = next(one for one in register if one.cell.startswith("place_") and one.bit == 2)
    ended = next(one for one in register if one.cell.startswith("ended_"))
    assert corresponding({1: place, 2: ended}, modules, tmp_path) == [1]


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


def test_faults_of_all_kinds_are_not_proven(tmp_path: Path) -> None:
    """Of two registers and a gate, one of each register's output and of the gate's, and a reset that is none."""
    known, modules = prepared(MIXED, tmp_path)
    asked = [one for one in known if (one.port in ("Q", "Y") and one.mode in ("inv", "const1")) or one.port == "SRST"]
    assert {one.port for one in asked} == {"Q", "Y", "SRST"}
    some = [one for port in ("Q", "Y", "SRST") for one in [mutant for mutant in asked if mutant.port == port][:3]]
    assert corresponding(dict(enumerate(some)), modules, tmp_path) == []


def test_when_something_is_looked_at() -> None:
    """A payload while it is valid, a memory's input while it is written, all else always; clocks never."""
    names = {"in_a": 2, "o__valid": 1, "o__payload": 4, "y": 1, "ram.WR_EN": 4, "ram.WR_DATA": 4, "ram.WR_CLK": 1}
    ports = {
        name if name.startswith("in_") else f"{copy}_{name}": {"bits": [0] * bits}
        for name, bits in names.items() for copy in ("gold", "gate")
    }  # fmt: skip
    (line,) = [one for one in checker(ports).splitlines() if "assign" in one]
    assert line.replace(" ", "").replace("\\", "") == (
        "assigndiffers=(1'b1&(gold_o__valid!=gate_o__valid))|(gold_o__valid&(gold_o__payload!=gate_o__payload))"
        "|(1'b1&(gold_y!=gate_y))|(1'b1&(gold_ram.WR_EN!=gate_ram.WR_EN))"
        "|((|gold_ram.WR_EN)&(gold_ram.WR_DATA!=gate_ram.WR_DATA));"
    )
    with pytest.raises(HwgenError, match="a proof of equivalence: wanted something that goes out, got nothing"):
        checker({"in_a": {"bits": [0]}, "trigger": {"bits": [0]}})


@pytest.mark.parametrize(("text", "zero"), [
    (b"aig 2 2 0 1 0\n0\nc\n", True), (b"aig 2 2 0 1 0\n1\n", False), (b"aig 2 2 0 2 0\n0\n0\n", False),
    (b"aig 3 2 1 1 0\n6\n0\n", True), (b"aig 3 2 1 1 0\n0\n6\n", False),
])  # fmt: skip
def test_an_output_that_is_always_0(text: bytes, zero: bool) -> None:
    assert is_zero(text) == zero


def test_what_yosys_refuses_is_no_proof(tmp_path: Path) -> None:
    _, modules = prepared(WORDS.replace("{last}", "13"), tmp_path)
    missing = Mutation("datapath", "top", "no_such_cell", "$and", "A", 0, "inv", None, "")
    assert corresponding({7: missing}, modules, tmp_path) == []
    assert json.loads((tmp_path / "netlist.json").read_text())["modules"].keys() == modules.keys()
