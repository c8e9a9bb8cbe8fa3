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
    """

    dsp: str
    dsp_wide: int
    dsp_narrow: int
    dsp_sum: int
    lut_ram: LutRam


FAMILIES = {
    "xc7": Family("DSP48E1", 25, 18, 48, LutRam(4, 6, 3)),  # UG479; UG474
    "xcup": Family("DSP48E2", 27, 18, 48, LutRam(8, 14, 7)),  # UG579; UG574
}
"""By Yosys' name of the family, as in a board's file."""


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
