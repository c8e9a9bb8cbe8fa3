"""RTLIL of a component, the bytes that `amaranth.back.rtlil` writes, memories with initial values in less time.

Amaranth makes an object of each bit that a memory begins with, and a network's weights are millions of them. Here a
memory's rows become text at once. Everything else is Amaranth's, whose version is pinned.
"""

from __future__ import annotations

from typing import Any

from amaranth.back import rtlil
from amaranth.lib.wiring import Component


class _ModuleEmitter(rtlil.ModuleEmitter):
    """As Amaranth's, but for the initial values of memories."""

    def emit_memory(self, cell_idx: int, cell: Any) -> None:
        """The cell of a memory's initial values, its first row in the lowest bits."""
        bits = len(cell.init) * cell.width
        if not bits:
            super().emit_memory(cell_idx, cell)
            return
        mask = (1 << cell.width) - 1
        rows = "".join(format(row & mask, f"0{cell.width}b") for row in reversed(cell.init))
        self.builder.cell("$meminit_v2", ports={
            "ADDR": self.sigspec(),
            "DATA": f"{bits}'{rows}",
            "EN": f"{cell.width}'{'1' * cell.width}",
        }, parameters={
            "MEMID": self.memories[cell_idx].memid,
            "ABITS": 0,
            "WIDTH": cell.width,
            "WORDS": cell.depth,
            "PRIORITY": 0,
        }, src_loc=cell.src_loc)  # fmt: skip


def convert(component: Component, name: str, emit_src: bool) -> str:
    """As `amaranth.back.rtlil.convert`."""
    amaranths = rtlil.ModuleEmitter
    rtlil.ModuleEmitter = _ModuleEmitter
    try:
        text: str = rtlil.convert(component, name=name, emit_src=emit_src)
    finally:
        rtlil.ModuleEmitter = amaranths
    return text
