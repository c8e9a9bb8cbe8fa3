"""Faults of a count that no simulation reaches are found by a proof; a count without a fault is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen.errors import HwgenError
from hwgen.mutants import yosys
from hwgen.mutants.claims import refuted
from hwgen.mutants.netlist import Mutation, mutations
from hwgen.mutants.origin import Origins

FRAMING = """
module framer(input clk, input rst, input i, output reg error);
  always @(posedge clk) error <= rst ? 0 : i;
endmodule

module framing(input clk, input rst, input i, input j, output frame_error, output reg [31:0] frame_errors);
  wire one, other; wire [1:0] faults;
  framer frames(clk, rst, i, one);
  framer coefficients(clk, rst, j, other);
  assign faults = one + other;
  assign frame_error = faults != 0;
  always @(posedge clk)
    if (rst) frame_errors <= 0;
    else frame_errors <= frame_errors + faults;
endmodule

module top(input clk, input rst, input i, input j, output frame_error, output [31:0] frame_errors);
  framing inner(clk, rst, i, j, frame_error, frame_errors);
endmodule
"""


def prepared(text: str, folder: Path) -> list[Mutation]:
    netlist = yosys.prepare(text, "top", folder)
    return [m for cells in mutations(netlist, Origins([()] * 40)).values() for cell in cells for m in cell]


def test_a_fault_of_any_bit_of_the_count(tmp_path: Path) -> None:
    known = prepared(FRAMING, tmp_path)
    register = [m for m in known if m.module == "framing" and "dff" in m.kind]
    asked = [m for m in register if (m.port, m.bit) in (("D", 31), ("Q", 30), ("SRST", 0))]
    assert {(m.port, m.mode) for m in asked} >= {("D", "const0"), ("Q", "const1"), ("SRST", "const0")}
    asked += [m for m in known if m.module == "framer"]  # not of the count, and not asked of it
    found = refuted(dict(enumerate(asked)), tmp_path)
    assert found == [number for number, m in enumerate(asked) if m.module == "framing"]


def test_a_bit_that_says_nothing_is_not_found(tmp_path: Path) -> None:
    """`| (faults & 0)`, of which one operand may be anything."""
    text = FRAMING.replace("frame_errors + faults", "frame_errors + (faults | (faults & {2{i}}))")
    known = prepared(text, tmp_path)
    harmless = [m for m in known if (m.module, m.kind, m.port, m.mode) == ("framing", "$and", "B", "const1")]
    assert harmless and refuted(dict(enumerate(harmless)), tmp_path) == []


def test_a_design_that_counts_something_else_has_no_such_proof(tmp_path: Path) -> None:
    known = prepared(FRAMING.replace("frame_errors + faults", "frame_errors + frame_error"), tmp_path)
    (broken,) = [m for m in known if (m.module, m.port, m.mode) == ("framing", "SRST", "inv")]
    with pytest.raises(HwgenError, match="frame_errors of framing: wanted one more for each fault that a framer finds"):
        refuted({1: broken}, tmp_path)


ADD = """
module sum(input i0__valid, input i1__valid, input room, input [1:0] a, input [1:0] b, output i0__ready,
           output i1__ready, output [2:0] y);
  assign i0__ready = i1__valid & room;
  assign i1__ready = {ready} & room;
  assign y = a + b;
endmodule

module top(input v, input w, input room, input [1:0] a, input [1:0] b, output r, output s, output [2:0] y);
  sum inner(v, w, room, a, b, r, s, y);
endmodule
"""


def test_a_beat_that_is_taken_without_the_other(tmp_path: Path) -> None:
    known = prepared(ADD.replace("{ready}", "i0__valid"), tmp_path)
    ready = [m for m in known if m.kind == "$and" and m.cell.startswith("i1__ready")]
    alone = [m for m in ready if (m.port, m.mode) == ("A", "const1")]
    other = [m for m in known if m.kind == "$add" and (m.port, m.bit, m.mode) == ("Y", 0, "inv")]
    assert len(alone) == len(other) == 1
    assert refuted({1: alone[0], 2: other[0]}, tmp_path) == [1]


def test_a_module_that_takes_one_input_alone_has_no_such_proof(tmp_path: Path) -> None:
    known = prepared(ADD.replace("{ready}", "i1__valid"), tmp_path)
    with pytest.raises(HwgenError, match="sum: wanted a beat of both inputs or of none, got another one"):
        refuted({1: known[0]}, tmp_path)
