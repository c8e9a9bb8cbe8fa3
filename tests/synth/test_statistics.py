"""Counting a netlist's cells as rtl/cost.py predicts them."""

from __future__ import annotations

import re

import pytest

from hwgen.synth.netlist import Cell, Netlist
from hwgen.synth.statistics import count


def netlist(*cells: Cell) -> Netlist:
    return Netlist("top", cells, {}, {}, {})


def cells(**numbers: int) -> list[Cell]:
    return [Cell(f"{kind}{place}", kind, {}, {}) for kind, number in numbers.items() for place in range(number)]


def dsp(mreg: int, preg: int, mode: str) -> Cell:
    """mode: OPMODE's bits from bit 0 up."""
    return Cell("dsp", "DSP48E1", {"MREG": f"{mreg:032b}", "PREG": str(preg)}, {"OPMODE": tuple(mode)})


def test_counts() -> None:
    found = count(netlist(*cells(LUT1=1, LUT2=2, LUT6=3, INV=4, SRL16E=5, SRLC32E=6, RAM32M=2, RAM64X1D=3, RAM32X1D=1,
                                 RAM128X1D=1, RAM64X1S=2, FDRE=7, FDSE=1, FDCE=2, FDPE=3, CARRY4=9, MUXF7=2, MUXF8=1,
                                 VCC=1, GND=1)))
    logic, shift_registers, memories = 1 + 2 + 3 + 4, 5 + 6, 2 * 4 + 3 * 2 + 1 * 2 + 4 + 2
    assert found.lut == logic + shift_registers + memories
    assert (found.srl_lut, found.memory_lut) == (shift_registers, memories)
    assert (found.ff, found.carry, found.mux) == (13, 9, 3)
    assert (found.dsp, found.bram36) == (0, 0)
    assert found.cells["LUT6"] == 3


def test_ultrascale_counts() -> None:
    found = count(netlist(*cells(RAM32M16=1, RAM64M8=2, CARRY8=3, DSP48E2=2, RAMB18E2=1, RAMB36E2=2)))
    assert (found.lut, found.carry, found.dsp, found.bram36) == (24, 3, 2, 2.5)


def test_block_ram_in_halves() -> None:
    assert count(netlist(*cells(RAMB18E1=3, RAMB36E1=2))).bram36 == 3.5
    found = count(netlist(*cells(RAMB36E2=1, URAM288=2)))
    assert (found.bram36, found.uram) == (1, 2)


def test_dsp_registers_and_cascade() -> None:
    found = count(netlist(
        dsp(1, 1, "1010000"),  # the product alone
        dsp(1, 0, "1010100"),  # plus PCIN
        dsp(0, 1, "1010101"),  # plus PCIN shifted by 17
        dsp(0, 0, "1010110"),  # plus C
    ))  # fmt: skip
    assert (found.dsp, found.dsp_mreg, found.dsp_preg, found.dsp_pcin) == (4, 2, 2, 2)
    assert count(netlist(Cell("dsp", "DSP48E2", {}, {}))).dsp_mreg == 1  # the library's default


def test_memories_by_name() -> None:
    found = count(netlist(Cell("window.memory.0.0", "RAMB36E1", {}, {}), Cell("window.memory.0.1", "RAMB36E1", {}, {}),
                          Cell("window.memory.1.0", "RAMB18E1", {}, {}), Cell("fifo.memory.0.0", "RAM32M", {}, {})))
    assert found.memories == (("fifo.memory", "RAM32M", 1), ("window.memory", "RAMB18E1", 1),
                              ("window.memory", "RAMB36E1", 2))


def test_unknown_cell_is_not_left_out() -> None:
    message = "top: wanted cells whose resources are known, got FIFO18E2, LDCE"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        count(netlist(*cells(FIFO18E2=1, LUT1=1, LDCE=2)))
