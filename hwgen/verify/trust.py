"""What Verilog may say that hwgen did not write: a simulator runs with the rights of whoever started it.

System tasks read and write files and start programs, imports and Verilator's own directives bring C++, `include` and
macros bring text from elsewhere. Allowed is what hwgen's own Verilog uses, a list by name, and all else is refused.
"""

from __future__ import annotations

import re
from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.names import BENCH
from hwgen.sim.design import Design

SYSTEM = frozenset({"$signed", "$unsigned", "$clog2", "$bits"})
"""System functions that compute and do nothing else."""
DIRECTIVES = frozenset({
    "`timescale", "`default_nettype", "`resetall", "`celldefine", "`endcelldefine", "`ifdef", "`ifndef", "`elsif",
    "`else", "`endif",
})  # fmt: skip
"""Directives of the compiler that bring no text from elsewhere."""
WORDS = frozenset({"import", "export", "bind", "include", "library", "config", "extern", "force", "release"})
"""Words of the language that reach beyond the design."""

_SKIPPED = rb"//[^\n\r]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|\\[^\s]+|(?<![\w$'])[A-Za-z_][\w$]*"
_LOOKED_AT = rb"\$[\w$]*|`[\w\"`]*|(?<![\w$])(?:%s)(?![\w$])"
_TOKEN = re.compile(
    rb"(?P<triple>\"\"\")|(?P<found>%s)|(?:%s)"
    % (_LOOKED_AT % "|".join(sorted({*WORDS, *BENCH})).encode(), _SKIPPED)
    + rb"|(?P<open>\"|/\*)",
    re.DOTALL,
)
"""Comments, strings, escaped and plain names are skipped; a name begins behind no digit or quote, for ``8'd1$stop`` is
a number and a task. SystemVerilog's strings of three quotes would be read as others by some, so they are refused, as
are strings and comments without an end."""


def check_sources(design: Design) -> None:
    """Refuse a design with a Verilog file that could do more than simulate it.

    Raises
    ------
    HwgenError : file and line, and the token
    """
    for source in design.sources:
        check_trusted(source)


def check_trusted(source: Path) -> None:
    """Refuse a Verilog file that could do more than simulate a design.

    Raises
    ------
    HwgenError : file and line, and the token
    """
    text = source.read_bytes()
    for match in _TOKEN.finditer(text):
        token = (match["found"] or match["triple"] or match["open"] or b"").decode("latin-1")
        if not token or token in SYSTEM or token in DIRECTIVES:
            continue
        line = text.count(b"\n", 0, match.start()) + 1
        raise HwgenError(
            f"{source}:{line}", "Verilog such as hwgen writes, or --trust: simulating runs what it contains", token
        )
