"""Names of layers and of modules: what Verilog can have, so that the emitted text, the manifest's paths and the probes
of the bench all call a layer the same."""

from __future__ import annotations

import re

_KEYWORDS = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
endpackage endprimitive endprogram endproperty endspecify endsequence endtable endtask enum event eventually expect
export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global highz0
highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input inside
instance int integer interconnect interface intersect join join_any join_none large let liblist library local
localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program
property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1
s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled signed small
soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on
sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand
trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void
wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""
KEYWORDS = frozenset(_KEYWORDS.split())
"""Keywords of SystemVerilog (IEEE 1800-2017, table B.1), which has all of Verilog's."""
SIGNALS = frozenset({
    "aclk", "aresetn", "clk", "rst", "framer", "frame_error", "frame_errors", "use_tlast", "USE_TLAST",
})  # fmt: skip
"""Names of the top module's signals, its parameter and the module at its inputs, beside those that `PORT` and `WIRE`
describe."""
PORT = re.compile(r"(s_axis|m_axis|s_coef)(_\w+)?", re.ASCII)
WIRE = "__"
"""In the name of every wire between components."""
BENCH = frozenset({"hwgen_harness", "hwgen_random", "stream_probe", "stream_rules", "stream_source", "stream_sink"})
"""Modules of the simulation."""


def printable(text: str) -> str:
    r"""A file's name as emitted files have it: what is no printable character as its escape, ``\n`` or ``\udcff``.

    Whoever names a folder does not add lines to a README or to Verilog.
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def text_trouble(text: str) -> str | None:
    """A description of texts that may stand in emitted files, where this is none of them; else None."""
    plain = all(each.isprintable() or each in "\n\t" for each in text)
    return None if plain else "text without control characters"


def layer_trouble(name: str) -> str | None:
    """A description of the names that a layer may have, where this is none of them; else None."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
        return "letters, digits and _"
    if name in KEYWORDS:
        return "a name that is no word of SystemVerilog's"
    if name in SIGNALS or PORT.fullmatch(name):
        return "a name that no port or clock of the design has"
    return "a name without __, which wires between layers have" if WIRE in name else None


def module_trouble(name: str) -> str | None:
    """A description of the names that a top module may have, where this is none of them; else None."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name) is None:
        return "at most 63 letters, digits and _, a letter first"
    if name in KEYWORDS:
        return "a name that is no word of SystemVerilog's"
    return "a name that no module of the simulation has" if name in BENCH else None
