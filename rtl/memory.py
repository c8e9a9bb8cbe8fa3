"""Memories: read-only and simple dual-port, in block RAM or in LUTs, with block RAM counts that are exact.

A synthesis tool that maps a memory of any depth and width to block RAM chooses among the block's shapes by rules of
its own. Here the choice is made before: a memory is cut into pieces, each as deep as one of the shapes at most and so
many columns wide that only one number of half blocks can be meant. The cut with the fewest half blocks is taken; most
memories are one piece.

Pieces that lie below each other meet in a multiplexer behind the block, at most `MOST_DEEP` to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from amaranth.hdl import Array, Cat, Module, Signal, Value, unsigned
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.rtl.primitives import Cost, select_lut

SHAPES = (
    *((512, 36, 1), (1024, 18, 1), (2048, 9, 1), (4096, 4, 1), (8192, 2, 1), (16384, 1, 1)),
    *((4096, 9, 2), (32768, 1, 2)),
)
"""(rows, columns, half blocks) of an 18 Kbit block as simple dual-port memory, and of a 36 Kbit block where that holds
more than two halves of the same depth (UG473, UG573)."""
MOST_DEEP = 4
"""Pieces below each other that one LUT6 chooses from, for each bit."""

LUT_CELLS = {"xc7": (4, 6, 3), "xcup": (8, 14, 7)}
"""(LUTs, columns of 32 rows, columns of 64 rows) of a cell of LUT RAM (UG474, UG574)."""

Form = Literal["block", "logic", "distributed"]
IN_LUTS = {"logic_block": "1"}
"""Attribute for a ROM that is to become logic. Yosys' own name: of rom_style it knows only block for these parts."""


LUT_MEMORY_DEPTH = 64
"""Memories of at most so many words go to LUTs where nobody says otherwise."""


def default_form(depth: int) -> Literal["block", "logic"]:
    """Where a ROM goes if nobody says otherwise."""
    return "block" if depth > LUT_MEMORY_DEPTH else "logic"


@dataclass(frozen=True)
class Columns:
    """Columns of a memory that are stored alike: `deep` pieces below each other, each of `rows` rows at most.

    halves : half blocks that the columns take together
    """

    rows: int
    deep: int
    width: int
    halves: int


@cache
def _steps(depth: int) -> tuple[tuple[int, int, int], ...]:
    """For w = 0, 1, ..: (half blocks of the best cut of w columns, its pieces, which shape its last columns have)."""
    best = [(0, 0, 0)]
    for width in range(1, 6 * SHAPES[0][1] + 1):
        best.append(min(
            (before[0] + halves * deep, before[1] + deep, shape)
            for shape, (rows, columns, halves) in enumerate(SHAPES)
            if (deep := -(-depth // rows)) <= MOST_DEEP or rows == SHAPES[-1][0]
            for before in (best[max(width - columns, 0)],)
        ))  # fmt: skip
    return tuple(best)


@cache
def block_columns(depth: int, width: int) -> tuple[Columns, ...]:
    """How a memory is cut for block RAM, from its lowest columns up: the fewest half blocks, then the fewest pieces.

    Raises
    ------
    ValueError : depth or width below 1
    """
    _check(depth, width)
    steps = _steps(depth)
    taken: dict[int, int] = {}
    while width > 0:
        # The table's last width is a multiple of every shape's: only the shape with the most columns per half ends it.
        shape = steps[min(width, len(steps) - 1)][2]
        taken[shape] = taken.get(shape, 0) + min(SHAPES[shape][1], width)
        width -= SHAPES[shape][1]
    found = []
    for shape, columns in sorted(taken.items()):
        rows, most, halves = SHAPES[shape]
        deep = -(-depth // rows)
        found.append(Columns(rows, deep, columns, -(-columns // most) * deep * halves))
    return tuple(found)


def _check(depth: int, width: int) -> None:
    for key, value in (("depth", depth), ("width", width)):
        if value < 1:
            raise ValueError(f"{key}: wanted at least 1, got {value}")


def block_cost(depth: int, width: int) -> Cost:
    """A memory in block RAM: half blocks, and multiplexers where pieces lie below each other."""
    cost = Cost()
    for columns in block_columns(depth, width):
        cost += Cost(columns.width * select_lut(columns.deep), ceil_log2(columns.deep), 0, columns.halves / 2)
    return cost


def logic_lut(depth: int) -> int:
    """LUTs for one bit out of a table that no rule shortens; up to four rows it is a function of its neighbours."""
    if depth <= 4:
        return 0
    return 1 if depth <= 64 else -(-depth // 128) * 2 + 2 * (depth > 256)


def logic_cost(depth: int, width: int) -> Cost:
    """A ROM in logic, of content that no rule shortens: LUTs and a register for each bit."""
    return Cost(width * logic_lut(depth), min(width, (1 << depth) - 2) if depth <= 16 else width)


def distributed_lut(depth: int, width: int, family: str) -> int:
    """The LUT RAM of simple dual-port memory: cells of several LUTs, one of which is taken up by the write address."""
    luts, shallow, deep = LUT_CELLS[family]
    lut = -(-width // deep) * luts * (depth // 64)
    if rest := depth % 64:
        lut += -(-width // (shallow if rest <= 32 else deep)) * luts
    return lut


def distributed_cost(depth: int, width: int, family: str) -> Cost:
    """A RAM in LUTs with a register behind it; above 64 rows pieces, each with its write enable, meet there."""
    pieces = -(-depth // 64)
    lut = distributed_lut(depth, width, family) + width * select_lut(pieces) + pieces * (pieces > 1)
    return Cost(lut, width)


def memory_bram36(depth: int, width: int) -> float:
    """BRAM36 blocks of a memory, in halves; 0 where it is small enough for LUTs."""
    return 0.0 if depth <= LUT_MEMORY_DEPTH else block_cost(depth, width).bram36


def ram_attributes(depth: int) -> dict[str, str]:
    """Attributes that ask synthesis for block RAM, or for distributed RAM where that is shallow enough."""
    return {"ram_style": "block" if depth > LUT_MEMORY_DEPTH else "distributed"}


def rom_attributes(depth: int) -> dict[str, str]:
    """Attributes that ask synthesis for block RAM, or for logic where that is shallow enough."""
    return {"rom_style": "block"} if depth > LUT_MEMORY_DEPTH else IN_LUTS


class Rom(Component):
    """Read-only memory: `data` is the row of `address`, one cycle later.

    Parameters
    ----------
    rows : Sequence[int], at least one
    width : int, bits of a row
    form : "block" RAM or "logic"

    Members
    -------
    address : In(range(rows)), data : Out(width)

    Raises
    ------
    ValueError : no rows, no width, a form that is none
    """

    def __init__(self, rows: Sequence[int], width: int, form: Form) -> None:
        _check(len(rows), width)
        if form not in ("block", "logic"):
            raise ValueError(f"form: wanted block or logic, got {form!r}")
        self.rows, self.width, self.form = rows, width, form
        super().__init__({"address": In(range(len(rows))), "data": Out(width)})

    @staticmethod
    def cost_of(depth: int, width: int, form: Form) -> Cost:
        """Block RAM exactly; logic of content that no rule shortens."""
        return block_cost(depth, width) if form == "block" else logic_cost(depth, width)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.data.eq(_pieces(m, self.rows, len(self.rows), self.width, self.form, self.address))
        return m


class Ram(Component):
    """Simple dual-port memory: what is written is there from the next cycle on; `data` is the row of `address`, one
    cycle later. What a row reads as in the cycle that writes it is not defined.

    Parameters
    ----------
    depth, width : int
    form : "block" RAM or "distributed"

    Members
    -------
    write : In(1), write_address : In(range(depth)), write_data : In(width)
    address : In(range(depth)), data : Out(width)

    Raises
    ------
    ValueError : no depth, no width, a form that is none
    """

    def __init__(self, depth: int, width: int, form: Form) -> None:
        _check(depth, width)
        if form not in ("block", "distributed"):
            raise ValueError(f"form: wanted block or distributed, got {form!r}")
        self.depth, self.width, self.form = depth, width, form
        super().__init__(
            {
                "write": In(1),
                "write_address": In(range(depth)),
                "write_data": In(width),
                "address": In(range(depth)),
                "data": Out(width),
            }
        )

    @staticmethod
    def cost_of(depth: int, width: int, form: Form, family: str) -> Cost:
        """Exact but for the address decoders of more than 64 words in LUTs."""
        return block_cost(depth, width) if form == "block" else distributed_cost(depth, width, family)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        write = (self.write, self.write_address, self.write_data)
        m.d.comb += self.data.eq(_pieces(m, [], self.depth, self.width, self.form, self.address, write))
        return m


def _pieces(
    m: Module,
    init: Sequence[int],
    depth: int,
    width: int,
    form: Form,
    address: Value,
    write: tuple[Value, Value, Value] | None = None,
) -> Value:
    """The row of `address`, one cycle later, out of the pieces of a memory."""
    style = {"block": {"ram_style" if write else "rom_style": "block"}, "distributed": {"ram_style": "distributed"}}
    attributes = IN_LUTS if form == "logic" else style[form] | ({"no_rw_check": "1"} if write else {})
    if form == "block":
        cut = block_columns(depth, width)
    else:
        rows = 64 if form == "distributed" else 1 << ceil_log2(depth)
        cut = (Columns(rows, -(-depth // rows), width, 0),)
    parts, first = [], 0
    for columns in cut:
        low = ceil_log2(columns.rows)
        rows_of_pieces = []
        for place in range(columns.deep):
            start = place * columns.rows
            own = [row >> first & (1 << columns.width) - 1 for row in init[start : start + columns.rows]]
            memory = Memory(
                shape=unsigned(columns.width), depth=min(columns.rows, depth - start), init=own, attrs=attributes
            )
            m.submodules[f"memory{start}_{first}"] = memory
            port = memory.read_port()
            m.d.comb += [port.addr.eq(address[:low]), port.en.eq(1)]
            if write:
                enable, write_address, data = write
                write_port = memory.write_port()
                m.d.comb += [
                    write_port.en.eq(enable & (write_address[low:] == place)),
                    write_port.addr.eq(write_address[:low]),
                    write_port.data.eq(data[first : first + columns.width]),
                ]
            rows_of_pieces.append(port.data)
        piece = Signal(range(columns.deep), reset_less=True)
        m.d.sync += piece.eq(address[low:])
        parts.append(Array(rows_of_pieces)[piece])
        first += columns.width
    return Cat(*parts)
