"""Boards as data: an FPGA's part, its resources and the clock a design is sized for.

`load` reads ``boards/NAME.yaml`` (or anybody's) into a frozen, validated `Board`.
How to add one: docs/adding_a_board.md.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PrivateAttr, Strict

from hwgen.device import PROCESSING_SYSTEMS, half_block_luts
from hwgen.errors import HwgenError
from hwgen.names import printable
from hwgen.yamlmarks import Frozen, Marks, Text, between, load as load_yaml, show_value, wrong

BOARDS = Path(__file__).resolve().parent / "boards"
"""The boards that come with hwgen."""

MOST = 1_000_000_000
"""Largest number of anything on a part."""
CLOCKS_MHZ = (0.001, 1000)
"""Slowest and fastest clock."""


def _part(text: str) -> str:
    # It goes into the constraints file, which Tcl runs, and into a README.
    if re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9._]{0,63}", text) is None:
        raise wrong("an ordering code of at most 64 letters, digits and . _ -", show_value(text))
    return text


def _clock(value: float) -> float:
    if not CLOCKS_MHZ[0] <= value <= CLOCKS_MHZ[1]:
        raise wrong(f"a number from {CLOCKS_MHZ[0]} to {CLOCKS_MHZ[1]}", value)
    return value


def _board_part(text: str) -> str:
    # Tcl runs it, too.
    if re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9._]*(:[A-Za-z0-9][-A-Za-z0-9._]*){3}", text) is None or len(text) > 128:
        raise wrong("VENDOR:BOARD:part0:VERSION of letters, digits and . _ -", show_value(text))
    return text


Amount = Annotated[int, Strict(), between(0, MOST)]
Part = Annotated[str, Field(min_length=1), AfterValidator(_part)]
Share = Annotated[float, Strict(), Field(gt=0, le=1)]


class Resources(Frozen):
    """A part's resources of each kind.

    Attributes
    ----------
    dsp : int
        DSP48E1 (7 series) or DSP48E2 (UltraScale+) slices.
    lut, ff : int
        Look-up tables and flip-flops.
    bram36 : int
        Block RAMs of 36 Kbit (each can be used as two of 18 Kbit).
    uram : int
        UltraRAMs of 288 Kbit.
    """

    dsp: Amount
    lut: Amount
    ff: Amount
    bram36: Amount
    uram: Amount = 0


class Usable(Frozen):
    """The share of each resource that a datapath may take.

    The rest is for what else stands on the part (DMA, interconnect) and for place and route, which fails where all
    LUTs are taken.
    """

    dsp: Share = 1.0
    lut: Share = 1.0
    ff: Share = 1.0
    bram36: Share = 1.0
    uram: Share = 1.0


class System(Frozen):
    """The board's processing system: what a block design needs to know.

    Attributes
    ----------
    kind : {'zynq7', 'zynqmp'}
        A key of `hwgen.device.PROCESSING_SYSTEMS`.
    board_part : str
        Vivado's name of the board, ``VENDOR:BOARD:part0:VERSION``; its files have the preset of the processing system.
    pll_mhz : float
        Frequency of the PLL that the logic's clocks are divided from, as the preset has it.
    """

    kind: Literal["zynq7", "zynqmp"]
    board_part: Annotated[str, AfterValidator(_board_part)]
    pll_mhz: Annotated[float, Strict(), Field(ge=100, le=4000)]

    @property
    def cell(self) -> str:
        """Vendor, library and name of its cell in a block design."""
        return PROCESSING_SYSTEMS[self.kind].cell

    @property
    def memory_bits(self) -> int:
        """Data bits of a high-performance AXI port to the memory, and so of a DMA's memory side."""
        return PROCESSING_SYSTEMS[self.kind].memory_bits


class Board(Frozen):
    """A validated board. Build it with `load`.

    Attributes
    ----------
    name : str
        The file's name without its suffix.
    part : str
        The vendor's ordering code, as its tools take it: ``xc7z020clg400-1``.
    family : {'xc7', 'xcup'}
        Yosys' name of the family (``synth_xilinx -family``); xc7 has DSP48E1, xcup DSP48E2.
    usable : Usable
        Shares of `resources` that the sizing may take.
    lut_product_bits : int
        Products of which one factor has at most so many bits may be formed in LUTs. At 4, LUTs beat DSPs in a part's
        terms; at 8, every product may go there, which fills the part.
    clock_mhz : float
        The design clock that sizing assumes and that the constraints file asks for.
    ps : System or None
        The processing system beside the logic; None where there is none.
    """

    format_version: Annotated[int, Strict(), between(1, 1)]
    description: Text
    part: Part
    family: Literal["xc7", "xcup"]
    resources: Resources
    usable: Usable = Usable()
    lut_product_bits: Annotated[int, Strict(), between(0, 64)] = 4
    clock_mhz: Annotated[float, Strict(), AfterValidator(_clock)]
    ps: System | None = None

    _marks: Marks = PrivateAttr(default_factory=lambda: Marks(Path("board.yaml"), {}))

    @property
    def path(self) -> Path:
        return self._marks.path

    @property
    def name(self) -> str:
        return printable(self.path.stem)

    @property
    def device(self) -> str:
        """The die without package and speed grade, such as ``xc7z020``: boards with the same one have equal resources.

        The whole ordering code where it is none of a Zynq's.
        """
        return self._code()[0]

    @property
    def speed_grade(self) -> str:
        """The part's speed grade, such as ``-1`` or ``-2LV``; nothing where the ordering code is none of a Zynq's."""
        return self._code()[1]

    def _code(self) -> tuple[str, str]:
        found = re.fullmatch(r"(xc7z\d+|xczu\d+[a-z]*|xck\d+)-?[a-z]+\d+(-\w+)(-[a-z])?", self.part)
        return (self.part, "") if found is None else (found[1], found[2])

    @property
    def ps_clock_mhz(self) -> float | None:
        """The clock nearest below `clock_mhz` that the processing system itself can give the logic, in MHz; None where
        there is no such system.

        Raises
        ------
        ValueError
            It has none so slow.
        """
        return None if self.ps is None else PROCESSING_SYSTEMS[self.ps.kind].clock_mhz(self.ps.pll_mhz, self.clock_mhz)

    def budget(self, resource: str) -> int:
        """The most of `resource` (a key of `usable`) that the sizing may take, rounded down."""
        # A share such as 0.7 is a little less than seven tenths as a float: to the next multiple of 1e-9 first.
        return math.floor(round(getattr(self.resources, resource) * getattr(self.usable, resource), 9))

    def filled(self) -> Board:
        """The same board with nothing left for others."""
        return self.model_copy(update={"usable": Usable()})

    @property
    def half_block_luts(self) -> int:
        """LUTs that half a block RAM is worth on this part: by them components put memories into one or the other.

        A part without any has the rate of one that has a single one.
        """
        return half_block_luts(max(self.resources.lut, 1), max(self.resources.bram36, 1))

    def where(self, *key: str | int) -> str:
        """``FILE:LINE: KEY`` of a key in this board's file, for an `HwgenError`."""
        return self._marks.where(*key)


def available() -> list[str]:
    """The names of the boards that come with hwgen, sorted."""
    return sorted(path.stem for path in BOARDS.glob("*.yaml"))


def load(board: str | Path) -> Board:
    """Read and validate a board.

    Parameters
    ----------
    board : str or Path
        A name under boards/ or the path of a YAML file. A plain name means a board of hwgen's.

    Raises
    ------
    HwgenError
        There is no such board, or its file is not as docs/adding_a_board.md says.
    """
    text = str(board)
    path = Path(board)
    if isinstance(board, str) and text in available():
        path = BOARDS / f"{text}.yaml"
    elif not text or not path.exists() and path.suffix not in (".yaml", ".yml"):
        raise HwgenError("--board", f"a path or one of {', '.join(available())}", show_value(text))
    loaded, marks = load_yaml(path, Board)
    loaded._marks = marks
    return loaded
