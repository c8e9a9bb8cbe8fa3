"""The top's input `use_tlast` as a parameter of the emitted Verilog."""

from __future__ import annotations

import re

import pytest

from hwgen.emit import Emitted
from hwgen.emit.parameter import with_parameter
from hwgen.errors import HwgenError

TEXT = """\
/* Generated */

module a_top(aclk, s_axis_tdata, use_tlast, frame_error);
  input aclk;
  wire aclk;
  input use_tlast;
  wire use_tlast;
  input [7:0] s_axis_tdata;
  \\a_top.framer  framer (
    .use_tlast(use_tlast)
  );
endmodule

module \\a_top.framer (use_tlast, clk);
  input use_tlast;
  wire use_tlast;
  input clk;
endmodule
"""


def test_the_port_of_the_top_becomes_a_parameter() -> None:
    """Nothing else changes, in the top or in a module below it that has a port of the same name."""
    wanted = TEXT.replace("s_axis_tdata, use_tlast, frame_error", "s_axis_tdata, frame_error")
    port = "  input use_tlast;\n  wire use_tlast;\n"
    wanted = wanted.replace(port, "  parameter USE_TLAST = 1;\n  wire use_tlast = USE_TLAST != 0;\n", 1)
    assert with_parameter(TEXT, "a_top") == wanted


def test_attributes_stay() -> None:
    """Lines keep their places: a text with attributes and one without are read side by side."""
    note = '  (* src = "a" *)\n'
    attributed = TEXT.replace("  input use_tlast;\n", f"{note}  input use_tlast;\n{note}", 1)
    found = with_parameter(attributed, "a_top")
    assert found.replace(note, "") == with_parameter(TEXT, "a_top")
    assert len(found.splitlines()) == len(attributed.splitlines())


@pytest.mark.parametrize(("text", "message"), [
    (TEXT.replace("module a_top", "module b_top"), "one module a_top, got 0"),
    (TEXT + TEXT, "one module a_top, got 2"),
    (TEXT.replace(", use_tlast, frame", ", frame"), "one port use_tlast of module a_top, got 0"),
    (TEXT.replace("  input use_tlast;", "  input [0:0] use_tlast;", 1), "one input use_tlast, got 0"),
])  # fmt: skip
def test_another_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(HwgenError, match=f"^Yosys' Verilog: wanted {message}$"):
        with_parameter(text, "a_top")


def test_emitted(variant: Emitted) -> None:
    """Either side: the parameter where the port was; every port that the manifest has, and no other, in the header."""
    manifest = variant.manifest
    text = (variant.folder / f"{manifest['top']}.v").read_text()
    (names,) = re.findall(rf"^module {manifest['top']}\((.*)\);$", text, re.MULTILINE)
    assert sorted(names.split(", ")) == sorted(manifest["ports"])
    assert text.count("parameter ") == 1 and "\n  parameter USE_TLAST = 1;\n" in text
    assert manifest["parameters"]["USE_TLAST"]["default"] == 1
