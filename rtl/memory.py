"""Where memories go: block RAM or LUTs, decided by depth alone, asked of synthesis and counted alike."""

from __future__ import annotations

BRAM36_SHAPES = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
"""(depth, width) of a 36 Kbit block as simple dual-port memory (UG473)."""

LUT_MEMORY_DEPTH = 64
"""Memories of at most so many words go to LUTs, whatever their width."""


IN_LUTS = {"logic_block": "1"}
"""Attribute for a ROM that is to become logic. Yosys' own name: of rom_style it knows only block for these parts."""


def ram_attributes(depth: int) -> dict[str, str]:
    """Attributes that ask synthesis for block RAM, or for distributed RAM where that is shallow enough."""
    return {"ram_style": "block" if depth > LUT_MEMORY_DEPTH else "distributed"}


def rom_attributes(depth: int) -> dict[str, str]:
    """Attributes that ask synthesis for block RAM, or for logic where that is shallow enough."""
    return {"rom_style": "block"} if depth > LUT_MEMORY_DEPTH else IN_LUTS


def memory_bram36(depth: int, width: int) -> float:
    """BRAM36 blocks of a simple dual-port memory, in halves; 0 where it is small enough for LUTs.

    A half is an 18 Kbit block: as deep as the whole one and half as wide (UG473).
    """
    if depth <= LUT_MEMORY_DEPTH:
        return 0.0
    whole = min(-(-depth // rows) * -(-width // columns) for rows, columns in BRAM36_SHAPES)
    halves = min(-(-depth // rows) * -(-width // (columns // 2)) for rows, columns in BRAM36_SHAPES[:-1])
    return min(float(whole), halves / 2)
