"""Facts of the FPGA families and the list of resources that everything else counts in, each written down once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RESOURCES = {"dsp": "DSP", "lut": "LUT", "ff": "FF", "bram36": "BRAM36", "uram": "URAM"}
"""Kinds of resources, in the order of tables and sums: key, as in a board's file, and name for people."""

RARE = ("uram",)
"""Resources that many parts have none of."""


def shown(amounts: Mapping[str, float]) -> dict[str, str]:
    """The resources that a table has a column for: all, but a rare one only where something takes it."""
    return {key: name for key, name in RESOURCES.items() if key not in RARE or amounts[key]}


@dataclass(frozen=True)
class LutRam:
    """A cell of LUTs as simple dual-port memory.

    Parameters
    ----------
    luts
        LUTs of a cell, the one that the write address takes included.
    columns_32, columns_64
        Bits of each of 32 or of 64 rows.
    """

    luts: int
    columns_32: int
    columns_64: int


@dataclass(frozen=True)
class Family:
    """Properties that all parts of a family share.

    Parameters
    ----------
    dsp
        Name of the DSP slice.
    dsp_wide, dsp_narrow
        Signed bits of the multiplier's operands.
    dsp_sum
        Bits of the adder behind it and of the output.
    lut_ram
        See LutRam.
    vivado
        Vivado's names of the parts.
    """

    dsp: str
    dsp_wide: int
    dsp_narrow: int
    dsp_sum: int
    lut_ram: LutRam
    vivado: tuple[str, ...]


FAMILIES = {
    # UG479; UG474
    "xc7": Family("DSP48E1", 25, 18, 48, LutRam(4, 6, 3), ("zynq", "artix7", "kintex7", "virtex7")),
    # UG579; UG574
    "xcup": Family("DSP48E2", 27, 18, 48, LutRam(8, 14, 7), ("zynquplus", "kintexuplus", "virtexuplus")),
}
"""By Yosys' name of the family, as in a board's file."""


@dataclass(frozen=True)
class ProcessingSystem:
    """The processing system of a device: what a design in the logic meets of it.

    Parameters
    ----------
    cell
        Vendor, library and name of its cell in a block design.
    memory_bits
        Data bits of each of its high-performance AXI ports, by which a DMA reaches the memory.
    divider
        The largest divisor of each of the two dividers behind the PLL that the logic's clocks come from.
    """

    cell: str
    memory_bits: int
    divider: int

    def clock_mhz(self, pll_mhz: float, wanted_mhz: float) -> float:
        """The fastest clock for the logic that is none above the wanted one: the PLL's, divided by two integers.

        Raises
        ------
        ValueError
            The slowest one that it has is faster.
        """
        # As much as a rounding of either frequency is no reason to take the next slower clock.
        dividers = sorted({a * b for a in range(1, self.divider + 1) for b in range(1, self.divider + 1)})
        for divider in dividers:
            if pll_mhz / divider <= wanted_mhz * (1 + 1e-4):
                return pll_mhz / divider
        raise ValueError(f"wanted_mhz: wanted at least {pll_mhz / dividers[-1]:g}, got {wanted_mhz:g}")


PROCESSING_SYSTEMS = {
    # Neither manual was opened for these figures (docs/adding_a_board.md).
    # UG585, Zynq-7000 technical reference manual: four S_AXI_HP of 64 bits; FPGAn_CLK_CTRL has DIVISOR0 and DIVISOR1,
    # 6 bits each.
    "zynq7": ProcessingSystem("xilinx.com:ip:processing_system7", 64, 63),
    # UG1085, Zynq UltraScale+ technical reference manual: four S_AXI_HP of 128 bits; PLn_REF_CTRL the same.
    "zynqmp": ProcessingSystem("xilinx.com:ip:zynq_ultra_ps_e", 128, 63),
}
"""By kind, as in a board's file."""


HALF_BLOCK_LUTS = 190
"""The exchange rate of an XC7Z020 (`half_block_luts`), with which a component is built that no board is named for."""


def half_block_luts(lut: int, bram36: int) -> int:
    """The exchange rate of a part: LUTs for each half (18 Kbit) of a block RAM, rounded to the nearest.

    Raises
    ------
    ValueError
        A part without LUTs or without block RAM.
    """
    for key, value in (("lut", lut), ("bram36", bram36)):
        if value < 1:
            raise ValueError(f"{key}: wanted at least 1, got {value}")
    return round(lut / (2 * bram36))
