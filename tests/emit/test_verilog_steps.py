"""From Yosys' text to the emitted file: start events, initial values, lint, header; forms that are not known raise."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.emission import emit_tiny

from hwgen import __version__
from hwgen.emit import Emitted
from hwgen.emit.verilog_steps import (
    KEEP,
    WAIVED,
    add_header,
    keep_registers,
    one_line,
    separate_initial_values,
    start_events,
    waive_lint,
)
from hwgen.errors import HwgenError
from hwgen.sim.runner import verilator_environment, verilator_root

YOSYS = """\
module \\top.one (clk, o);
  reg \\$auto$verilog_backend.cc:2355:dump_module$37  = 0;
  input clk;
  output o;
  reg o = 1'h1;
  reg [3:0] \\$2 ;
  reg [3:0] \\$signal$3  = 4'ha;
  reg [31:0] wide = 32'd7;
  reg [1:0] memory [1:0];
  always @* begin
    if (\\$auto$verilog_backend.cc:2355:dump_module$37 ) begin end
    \\$2  = \\$signal$3 ;
  end
endmodule
"""
TRIGGER = "\\$auto$verilog_backend.cc:2355:dump_module$37 "


def test_a_trigger_changes_once_behind_the_start_of_all_blocks() -> None:
    text = start_events(YOSYS)
    assert "  reg \\$start  = 0;\n  initial \\$start  <= 1;\n" in text
    assert "  always @* begin\n    if (\\$start ) begin end\n" in text
    assert "$auto" not in text
    before = text.replace("  initial \\$start  <= 1;\n", "").replace("\\$start ", TRIGGER)
    assert before == YOSYS, "nothing else changes"


def test_every_module_has_its_own_trigger() -> None:
    two = YOSYS + YOSYS.replace("$37", "$38").replace("top.one", "top.two")
    assert start_events(two).count("initial \\$start  <= 1;") == 2


@pytest.mark.parametrize(("old", "new", "message"), [
    (f"    if ({TRIGGER}) begin end\n", "", "wanted a trigger in each of 1 blocks, got 0 triggers"),
    (f"reg {TRIGGER} = 0;", f"reg {TRIGGER} = 1'h0;", "wanted a trigger that is declared once, as 0, got"),
    (f"reg {TRIGGER} = 0;", f"wire {TRIGGER};", "wanted a trigger that is declared once, as 0, got"),
    ("$signal$3 ", "$start ", "wanted no signal of the start event's name, got"),
])  # fmt: skip
def test_another_form_of_trigger_is_refused(old: str, new: str, message: str) -> None:
    assert old in YOSYS
    with pytest.raises(HwgenError, match=message):
        start_events(YOSYS.replace(old, new))


def test_initial_values_stand_behind_declarations() -> None:
    text = separate_initial_values(start_events(YOSYS))
    for line in ("  reg o;\n  initial o = 1'h1;\n", "  reg [3:0] \\$signal$3 ;\n  initial \\$signal$3  = 4'ha;\n",
                 "  reg [31:0] wide;\n  initial wide = 32'd7;\n", "  reg [1:0] memory [1:0];\n  always",
                 "  reg [3:0] \\$2 ;\n  reg [3:0]"):  # fmt: skip
        assert line in text
    assert re.findall(r"reg .*=.*", text) == ["reg \\$start  = 0;"]


def test_an_initial_value_that_is_no_constant_is_refused() -> None:
    with pytest.raises(HwgenError, match=r"wanted constants as initial values, got o = wide$"):
        separate_initial_values(start_events(YOSYS.replace("o = 1'h1", "o = wide")))


KEPT = """\
module one (clk, d);
  (* equivalent_register_removal = "no" *)
  (* keep = "true" *)
  reg a;
  initial a = 1'h0;
  (* keep = "true" *)
  reg \\b$1 ;
  reg c;
  always @(posedge clk)
    a <= d;
  always @(posedge clk)
    \\b$1  <= d;
  always @(posedge clk)
    c <= a;
endmodule
module two (clk, d);
  reg a;
  always @(posedge clk)
    a <= d;
endmodule
"""


def test_registers_to_be_kept_say_so_where_they_are_assigned() -> None:
    text = keep_registers(KEPT)
    for name in ("a ", "\\b$1  "):
        assert f'  (* keep = "true" *)\n  always @(posedge clk)\n    {name}<= d;\n' in text
    assert text.count("(* keep") == 4
    assert text.endswith(KEPT[KEPT.index("  always @(posedge clk)\n    c"):]), "no other register, in no other module"
    assert keep_registers(YOSYS) == YOSYS


@pytest.mark.parametrize(("old", "new", "number"), [
    ("    a <= d;\n  always @(posedge clk)\n    \\b", "    x <= d;\n  always @(posedge clk)\n    \\b", 0),
    ("    c <= a;", "    a <= c;", 2),
])
def test_a_register_to_be_kept_without_a_block_of_its_own_is_refused(old: str, new: str, number: int) -> None:
    assert old in KEPT
    with pytest.raises(HwgenError, match=f"wanted one block that assigns a, got {number}$"):
        keep_registers(KEPT.replace(old, new))


def test_registers_are_kept_where_the_text_names_its_sources() -> None:
    """As `bench mutants` writes it: the same text, but for the sources."""
    source = '  (* src = "rtl/x.py:3" *)\n'
    named = KEPT.replace("  reg", f"{source}  reg").replace("  always", f"{source}  always")
    text = keep_registers(named)
    assert text.count("(* keep") == 4 and text.replace(source, "") == keep_registers(KEPT)
    assert f"{KEEP}\n{source}  always @(posedge clk)\n    a <= d;" in text


def test_wider_registers_are_kept_and_wires_are_not() -> None:
    wide, wire = (KEPT.replace("reg \\b$1 ;", declared) for declared in ("reg [3:0] \\b$1 ;", "wire \\b$1 ;"))
    assert KEPT not in (wide, wire)
    assert keep_registers(wide).replace("[3:0] ", "") == keep_registers(KEPT)
    with pytest.raises(HwgenError, match="wanted 2 registers to be kept, got 1 of them$"):
        keep_registers(wire)


def test_another_name_of_a_kept_register_may_be_a_wire() -> None:
    other = '  (* keep = "true" *)\n  wire e;\n'
    named = KEPT.replace("  reg c;\n", f"  reg c;\n{other}  assign e = a;\n", 1)
    assert keep_registers(named).replace(f"{other}  assign e = a;\n", "") == keep_registers(KEPT)
    with pytest.raises(HwgenError, match="wanted 3 registers to be kept, got 2 of them$"):
        keep_registers(named.replace("assign e = a", "assign e = c"))


def test_lint_is_waived_by_name_and_comes_back() -> None:
    lines = waive_lint("module m;\nendmodule\n").splitlines()
    assert lines[0] == "/* verilator lint_save */"
    assert lines[-1] == "/* verilator lint_restore */"
    assert [line.split()[3] for line in lines if "lint_off" in line] == sorted(WAIVED)


HOSTILE = {
    "license": "free */ module evil; endmodule",
    "a\nkey": "one\ntwo\r\nthree\x0bfour\x0cfive\u2028six\x85seven\x00eight\x1b[31m",
    "source": "Müller /* nested, ends with \\",
}


def test_no_text_leaves_the_header() -> None:
    text = add_header("module m; endmodule\n", "title", HOSTILE)
    assert text.isascii()
    lines = text.splitlines()
    assert len(lines) == 2 + len(HOSTILE)
    assert all(line.startswith("// ") for line in lines[:-1])
    assert lines[-1] == "module m; endmodule"
    assert all(" " <= letter <= "~" for line in lines for letter in line)
    assert not re.search(r"\*/|/\*|\\$", "\n".join(lines), re.MULTILINE)


@pytest.mark.parametrize("text", ["plain", "CC BY 4.0, \"quoted\"", ""])
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


def test_first_lines(variant: Emitted) -> None:
    """Model, side, board, version, hash of the graph as the manifest has it, terms; no later step comes before them."""
    top, manifest = variant.manifest["top"], variant.manifest
    lines = (variant.folder / f"{top}.v").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"// {top}: tiny, {manifest['side']}, for pynq_z2; emitted by hwgen {__version__}"
    assert lines[1] == f"// graph.json, SHA-256: {manifest['files']['graph.json']}"
    terms = [f"// weights, {key}: {text}" for key, text in manifest["terms"].items()]
    assert terms
    assert lines[2 : 2 + len(terms)] == terms


def test_texts_of_several_lines_stay_in_the_header() -> None:
    """A graph's terms have no control characters any more; whatever else comes into a header stays on its line."""
    head = add_header("module m;\n", "hwgen_tx", HOSTILE)
    assert len(head.splitlines()) == 1 + len(HOSTILE) + 1
    assert re.fullmatch(r"(//[ -~]*\n)+module m;\n", head)


def lint(path: Path, *options: str) -> str:
    """What Verilator's lint says of a file, its report aside."""
    command = [verilator_root() / "bin" / "verilator", "--lint-only", "--quiet-stats", *options, path.name]
    ended = subprocess.run(command, cwd=path.parent, env=verilator_environment(), capture_output=True, text=True)
    return "".join(line for line in ended.stderr.splitlines(True) if not line.startswith("- "))


def test_verilator_has_nothing_to_say(variant: Emitted, tmp_path: Path) -> None:
    """By its default lint and with -Wall; and every waiver is needed by some design, or lint would not find it."""
    path = variant.folder / f"{variant.manifest['top']}.v"
    assert lint(path, "-Wall") == ""
    assert lint(path) == ""
    bare = tmp_path / path.name
    bare.write_text(re.sub(r"/\* verilator lint.*", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    assert "%Warning-WIDTH" in lint(bare)


def test_names_of_modules_begin_with_the_top(tmp_path: Path) -> None:
    emitted = emit_tiny(tmp_path / "out", top="camera")
    text = (emitted.folder / "camera.v").read_text(encoding="utf-8")
    names = re.findall(r"^module (\S+) ?\(", text, re.MULTILINE)
    assert names[-1] == "camera" or "camera" in names
    assert all(re.fullmatch(r"camera|\\camera\.[\w.]+", name) for name in names), names
    assert "hwgen_" not in text
    assert text.startswith("// camera: tiny, tx")
