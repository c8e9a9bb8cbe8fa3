"""Steps between Yosys' Verilog and the emitted file: functions from text to text, for any simulator and for readers.

`hwgen.emit.verilog` applies them in its order. Each reads the forms that the pinned Yosys writes, one declaration or
statement a line, and raises where it meets another form, so that a new Yosys cannot slip past it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping

from hwgen.errors import HwgenError

START = "\\$start "
"""The name of each module's start event. No signal of a component can have it: Python has no $ in names."""
WAIVED = {
    "CASEINCOMPLETE": "where no case applies, the value assigned before it stays",
    "DECLFILENAME": "all modules of the design are in this file",
    "INITIALDLY": f"{START.strip()} changes behind the start of all blocks, which is its purpose",
    "LITENDIAN": "the index of a single word has no bits, which Yosys writes as [-1:0]",
    "UNSIGNED": "comparisons with the ends of a range stay when one of them is 0",
    "UNUSED": "multipliers and shifts compute bits that rounding and saturation leave out",
    "WIDTH": "sums are as wide as their values need, which is what Verilog's rules give them",
}
"""Warnings of Verilator's lint that the design's text causes, and why each is none. The names are those of Verilator 4,
which later ones take as well: an unknown name is an error there, so a newer one would shut out older versions."""

_NAME = r"(?:\\\S+ |\w+)"
_TRIGGER = re.compile(rf"^ *if \(({_NAME})\) begin end$", re.MULTILINE)
_DECLARED = re.compile(rf"^( *)reg ({_NAME}) ?= 0;$", re.MULTILINE)
_BLOCK = re.compile(r"^ *always @\* begin$", re.MULTILINE)
_INITIALISED = re.compile(rf"^( *)reg ((?:\[\d+:\d+\] )?)({_NAME}) ?= ([^;\n]+);$", re.MULTILINE)
_VALUE = re.compile(r"\d+'[bdh][0-9a-f]+")
KEEP = '(* keep = "true" *)'
_SOURCE = r'(?: *\(\* src = "[^"\n]*" \*\)\n)?'
_KEPT = re.compile(
    rf"^ *{re.escape(KEEP)}\n{_SOURCE}(?: *output [^;\n]*;\n{_SOURCE})? *reg (?:\[\d+:\d+\] )?({_NAME}) ?(?=;$|= )",
    re.MULTILINE,
)
_KEPT_WIRE = re.compile(rf"^ *{re.escape(KEEP)}\n{_SOURCE} *wire (?:\[\d+:\d+\] )?({_NAME}) ?;$", re.MULTILINE)
_MODULE = re.compile(r"^module .*?^endmodule$", re.MULTILINE | re.DOTALL)
_PRINTABLE = re.compile(r"[ -~]*")


def start_events(text: str) -> str:
    """Let every `always @*` run once at the start, in Verilog and in SystemVerilog.

    Yosys has each one read a register of its module that is declared as `reg X = 0;` and never changes. In Verilog that
    value arrives as an event. In SystemVerilog it is there before any block waits, so a block that reads nothing else
    that changes never runs, and its outputs stay unknown. Here the register changes once, in the first step of time,
    behind the start of all blocks.

    Raises
    ------
    HwgenError : a block without a trigger, or a trigger that is declared in another way
    """
    triggers = _TRIGGER.findall(text)
    blocks = len(_BLOCK.findall(text))
    if (found := len(triggers)) != blocks:
        raise HwgenError("Yosys' Verilog", f"a trigger in each of {blocks} blocks", f"{found} triggers")
    if START in text:
        raise HwgenError("Yosys' Verilog", "no signal of the start event's name", START.strip())
    names, declared = set(triggers), Counter(name for _, name in _DECLARED.findall(text))
    for name in triggers:
        if declared[name] != 1:
            raise HwgenError("Yosys' Verilog", "a trigger that is declared once, as 0", name.strip())

    def declaration(found: re.Match[str]) -> str:
        space, name = found.groups()
        return f"{space}reg {START} = 0;\n{space}initial {START} <= 1;" if name in names else found[0]

    text = _DECLARED.sub(declaration, text)
    return _TRIGGER.sub(lambda found: found[0].replace(found[1], START), text)


def separate_initial_values(text: str) -> str:
    """Give registers their initial value by `initial`, not in the declaration.

    A declaration with a value and an assignment elsewhere is what Verilator's PROCASSINIT objects to; older versions do
    not know that name, so it cannot be in `WAIVED`. The start event keeps its own: nothing but `initial` assigns it.

    Raises
    ------
    HwgenError : an initial value that is no constant
    """

    def separated(found: re.Match[str]) -> str:
        space, bits, name, value = found.groups()
        if name == START:
            return found[0]
        if not _VALUE.fullmatch(value):
            raise HwgenError("Yosys' Verilog", "constants as initial values", f"{name.strip()} = {value}")
        return f"{space}reg {bits}{name};\n{space}initial {name} = {value};"

    return _INITIALISED.sub(separated, text)


def keep_registers(text: str) -> str:
    """Say of registers whose signals are to be kept (`hwgen.rtl.fanout`) that they are to be kept themselves.

    Synthesis by Yosys merges equal registers whatever their signals' attributes; what it takes for the register's own
    are those of the block that assigns it. Another name of such a register, a wire, may have its attributes, too.

    Raises
    ------
    HwgenError : a register to be kept that is none, or that no block of its own assigns
    """

    def module(found: re.Match[str]) -> str:
        own = found[0]
        names = [name.strip() for name in _KEPT.findall(own)]
        also = [wire for wire in _KEPT_WIRE.findall(own) if _other_name(own, wire.strip()) in names]
        if len(names) != (asked := own.count(KEEP) - len(also)):
            raise HwgenError("Yosys' Verilog", f"{asked} registers to be kept", f"{len(names)} of them")
        for name in names:
            assigned = rf"always @\(posedge clk\)(?: begin)?\n *{re.escape(name)} +<= "
            own, blocks = re.subn(rf"^({_SOURCE})( *)({assigned})", rf"\2{KEEP}\n\1\2\3", own, flags=re.MULTILINE)
            if blocks != 1:
                raise HwgenError("Yosys' Verilog", f"one block that assigns {name}", f"{blocks}")
        return own

    return _MODULE.sub(module, text) if KEEP in text else text


def _other_name(module: str, wire: str) -> str:
    """The name of what a wire is always equal to; empty where it is not one name."""
    found = re.search(rf"^ *assign {re.escape(wire)} +?= ({_NAME}) ?;$", module, re.MULTILINE)
    return found[1].strip() if found else ""


def waive_lint(text: str) -> str:
    """Turn off the warnings of `WAIVED` for this file, by comments that only Verilator reads, and on again behind it.

    In the file, and not in one beside it: whoever hands the file to Verilator need not know of another.
    """
    off = "".join(f"/* verilator lint_off {name} */ // {reason}\n" for name, reason in WAIVED.items())
    return f"/* verilator lint_save */\n{off}{text.rstrip()}\n/* verilator lint_restore */\n"


def add_header(text: str, title: str, facts: Mapping[str, str]) -> str:
    """Put comments in front: a title, and a line for each fact.

    Texts from files are on one line each, in ASCII: whatever else is in them, a new line or the end of a comment, is
    written as in JSON, in quotes.
    """
    lines = [title, *(f"{one_line(key)}: {one_line(value)}" for key, value in facts.items())]
    return "".join(f"// {line}\n" for line in lines) + text


def one_line(text: str) -> str:
    """A text as part of a comment's line: itself where it is printable ASCII, else as a JSON string."""
    plain = _PRINTABLE.fullmatch(text) is not None and "*/" not in text and "/*" not in text and "\\" not in text
    return text if plain else json.dumps(text).replace("*/", "*\\/").replace("/*", "/\\u002a")
