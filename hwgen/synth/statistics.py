"""The resources of a netlist, counted as the components' costs predict them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hwgen.synth.netlist import Cell, Netlist

LUTS = {"INV": 1} | {f"LUT{inputs}": 1 for inputs in range(1, 7)}
"""Logic. An inverter that nothing absorbed is a LUT."""

SHIFT_REGISTERS = {"SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1}

LUT_MEMORIES = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM512X1S": 8,
    "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM256X1D": 8,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8,
}  # fmt: skip
"""LUTs of a distributed RAM (UG474, UG574)."""

FLIP_FLOPS = {"FDRE", "FDSE", "FDCE", "FDPE"}
CARRIES = {"CARRY4", "CARRY8"}
MULTIPLEXERS = {"MUXF7", "MUXF8", "MUXF9"}
DSPS = {"DSP48E1", "DSP48E2"}
BLOCK_RAMS = {"RAMB18E1": 0.5, "RAMB18E2": 0.5, "RAMB36E1": 1.0, "RAMB36E2": 1.0}
"""In BRAM36."""
ULTRA_RAMS = {"URAM288": 1, "URAM288_BASE": 1}
RAMS = {**BLOCK_RAMS, **ULTRA_RAMS}
"""Memories with an address register."""

IGNORED = {"VCC", "GND"}
"""Constants, which take nothing."""


@dataclass(frozen=True)
class Statistics:
    """Resources of a netlist.

    Attributes
    ----------
    lut : LUT1 .. LUT6 and INV, shift registers (1 each), distributed RAM (RAM32M: 4, RAM64X1D: 2, ...)
    ff : FDRE, FDSE, FDCE, FDPE
    dsp, bram36, uram : DSP48E1 or E2; block RAM in units of 36 Kbit, an 18 Kbit one is a half; URAM288
    srl_lut, memory_lut : the LUTs among `lut` that are shift registers, and those that are distributed RAM
    carry, mux : carry cells (four bits each in the 7 series, else eight); MUXF7 and MUXF8
    dsp_mreg, dsp_preg, dsp_pcin : DSPs whose register behind the multiplier, whose register behind the adder, and
        whose cascade input is used
    memories : for each memory its name and the cells it became, such as ("mac.weights0.memory", "RAMB18E1", 3)
    cells : number of cells by type
    """

    lut: int
    ff: int
    dsp: int
    bram36: float
    uram: int
    srl_lut: int
    memory_lut: int
    carry: int
    mux: int
    dsp_mreg: int
    dsp_preg: int
    dsp_pcin: int
    memories: tuple[tuple[str, str, int], ...]
    cells: dict[str, int]


def count(netlist: Netlist) -> Statistics:
    """Count a netlist's cells.

    Raises
    ------
    ValueError : a type of cell that is in none of the tables: it would be left out silently
    """
    cells = Counter(cell.type for cell in netlist.cells)
    known = {*LUTS, *SHIFT_REGISTERS, *LUT_MEMORIES, *FLIP_FLOPS, *CARRIES, *MULTIPLEXERS, *DSPS, *RAMS, *IGNORED}
    if unknown := sorted(set(cells) - known):
        raise ValueError(f"{netlist.top}: wanted cells whose resources are known, got {', '.join(unknown)}")
    srl, memory = _sum(cells, SHIFT_REGISTERS), _sum(cells, LUT_MEMORIES)
    dsps = [cell for cell in netlist.cells if cell.type in DSPS]
    memories = Counter(
        (_memory_name(cell.name), cell.type) for cell in netlist.cells if cell.type in {*LUT_MEMORIES, *RAMS}
    )
    return Statistics(
        lut=_sum(cells, LUTS) + srl + memory,
        ff=sum(cells[kind] for kind in FLIP_FLOPS),
        dsp=len(dsps),
        bram36=sum(cells[kind] * size for kind, size in BLOCK_RAMS.items()),
        uram=_sum(cells, ULTRA_RAMS),
        srl_lut=srl,
        memory_lut=memory,
        carry=sum(cells[kind] for kind in CARRIES),
        mux=sum(cells[kind] for kind in MULTIPLEXERS),
        dsp_mreg=sum(cell.number("MREG", 1) for cell in dsps),
        dsp_preg=sum(cell.number("PREG", 1) for cell in dsps),
        dsp_pcin=sum(map(_cascaded, dsps)),
        memories=tuple((name, kind, number) for (name, kind), number in sorted(memories.items())),
        cells=dict(sorted(cells.items())),
    )


def _sum(cells: Counter[str], sizes: dict[str, int]) -> int:
    return sum(cells[kind] * size for kind, size in sizes.items())


def _cascaded(dsp: Cell) -> bool:
    """Whether Z, the adder's third operand, takes PCIN: OPMODE[6:4] is 1, or 5 for PCIN shifted by 17."""
    mode = dsp.pins.get("OPMODE", ())[4:7]
    return mode in (("1", "0", "0"), ("1", "0", "1"))


def _memory_name(cell: str) -> str:
    """Yosys numbers the cells that it cuts a memory into: window.memory.0.1."""
    parts = cell.split(".")
    while len(parts) > 1 and parts[-1].isdigit():
        parts.pop()
    return ".".join(parts)
