"""A sized plan as Verilog text."""

from __future__ import annotations

from amaranth.back import verilog as back

from hwgen.emit.datapath import Top
from hwgen.plan.plan import Plan


def verilog(plan: Plan, top: str) -> str:
    """One self-contained Verilog file: the module `top`, its layers as instances named after the graph's nodes.

    `emit_src=False` keeps source paths out, so the text depends on the plan and the tool versions alone.
    """
    text: str = back.convert(Top(plan), name=top, emit_src=False, strip_internal_attrs=True)
    return text
