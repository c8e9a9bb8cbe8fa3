"""The top's input `use_tlast` as a parameter of the Verilog, which neither Amaranth nor Yosys would write."""

from __future__ import annotations

import re

from hwgen.emit.ports import FLAG, PARAMETER
from hwgen.errors import HwgenError


def with_parameter(text: str, top: str) -> str:
    """Yosys' Verilog with the port `use_tlast` of the module `top` as a wire that has the parameter's value.

    The name goes from the module's list of ports; its declaration, `input use_tlast;`, becomes that of the parameter,
    1 where nothing else is said. All else stays as it is: the wire is declared already.

    Raises
    ------
    HwgenError : not exactly one such module, port and declaration
    """
    head = _one(re.compile(rf"^module {re.escape(top)}\((.*?)\);$", re.MULTILINE), text, f"module {top}")
    names = head[1].split(", ")
    if names.count(FLAG) != 1:
        raise HwgenError("Yosys' Verilog", f"one port {FLAG} of module {top}", str(names.count(FLAG)))
    names.remove(FLAG)
    end = text.index("\nendmodule", head.end())
    body = text[head.end() : end]
    declared = re.compile(rf"^  input {FLAG};\n((?:  \(\*.*\*\)\n)*)  wire {FLAG};$", re.MULTILINE)
    port = _one(declared, body, f"input {FLAG}")
    made = f"  parameter {PARAMETER} = 1;\n{port[1]}  wire {FLAG} = {PARAMETER} != 0;"
    body = body[: port.start()] + made + body[port.end() :]
    return f"{text[: head.start()]}module {top}({', '.join(names)});{body}{text[end:]}"


def _one(pattern: re.Pattern[str], text: str, what: str) -> re.Match[str]:
    found = list(pattern.finditer(text))
    if len(found) != 1:
        raise HwgenError("Yosys' Verilog", f"one {what}", str(len(found)))
    return found[0]
