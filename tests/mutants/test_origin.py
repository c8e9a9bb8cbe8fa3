"""The origin of emitted Verilog: lines of the text with sources, laid beside those without."""

from __future__ import annotations

import pytest

from hwgen.errors import HwgenError
from hwgen.mutants.origin import origins

EMITTED = """\
// a header
module top(a);
  assign b = a + 1'h1;
  always @(posedge clk)
    if (a) c <= b;
  assign d = c;
endmodule
"""
ANNOTATED = """\
module top(a);
  assign b = a + (* src = "/x/hwgen/rtl/counter.py:26" *) 1'h1;
  (* src = "/lib/amaranth/lib/stream.py:4|/x/hwgen/rtl/gain.py:5" *)
  always @(posedge clk)
    if (a) c <= b;
  assign d = c;
endmodule
"""


def test_a_statement_and_the_lines_inside_it() -> None:
    found = origins(EMITTED, ANNOTATED)
    assert [found.component([line]) for line in range(8)] == [None, None, None, "counter", "gain", "gain", None, None]
    assert found.place([5]) == "gain.py:5"
    assert found.place([6]) is None
    assert found.component([6, 3]) == "counter"


def test_another_text() -> None:
    with pytest.raises(HwgenError, match="the Verilog with sources: wanted the emitted text, got another one"):
        origins(EMITTED.replace("d = c", "d = b"), ANNOTATED)
