"""Memories: read-only and simple dual-port, in block RAM or in LUTs, with block RAM counts that are exact.

A synthesis tool that maps a memory of any depth and width to block RAM chooses among the block's shapes by rules of
its own. Here the choice is made before: a memory is cut into bands of rows that lie below each other, each as deep as
one of the shapes at most, so that only one number of half blocks can be meant. A short last band goes to LUTs where
that is cheaper. The bands' rows meet in a multiplexer behind the memories, at most `MOST_BANDS` to 1. Most memories
are one band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from typing import Literal

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out
from amaranth.utils import ceil_log2

from hwgen.device import FAMILIES, HALF_BLOCK_LUTS
from hwgen.rtl.checks import check_positive
from hwgen.rtl.primitives import Cost, select_lut
from hwgen.rtl.ultra_ram import ultra_cost, ultra_ram

HALF_COLUMNS = {512: 36, 1024: 18, 2048: 9, 4096: 4, 8192: 2, 16384: 1}
"""Columns by rows of an 18 Kbit block as simple dual-port memory (UG473, UG573). A 36 Kbit block has twice as many, but
4096 rows of 9 columns, and 32768 rows of 1."""
DEEPEST = 32768
MOST_BANDS = 4
"""Most bands that one LUT6 chooses from, for each bit; only what is deeper than that many blocks has more."""
LUT_CELLS = {name: astuple(family.lut_ram) for name, family in FAMILIES.items()}
"""(LUTs, columns of 32 rows, columns of 64 rows) of a cell of LUT RAM (UG474, UG574)."""

Form = Literal["block", "logic", "distributed", "ultra"]
IN_LUTS = {"logic_block": "1"}
"""Attribute for a ROM that is to become logic. Yosys' own name: of rom_style it knows only block for these parts."""
LUT_MEMORY_DEPTH = 64
"""Memories of at most so many words go to LUTs whatever is asked for."""


@dataclass(frozen=True)
class Band:
    """Rows of a memory: how many, and whether they are in block RAM (else in LUTs)."""

    rows: int
    block: bool


def band_halves(rows: int, width: int) -> int:
    """Half blocks of a band in block RAM."""
    if rows > DEEPEST // 2:
        return 2 * width
    shape = max(512, 1 << ceil_log2(rows))
    if shape == 4096:
        # Nine columns in a whole block are more than two halves have.
        return 2 * (width // 9) + (-(-(width % 9) // 4) if width % 9 else 0)
    return -(-width // HALF_COLUMNS[shape])


@cache
def folded_halves(rows: int, width: int, is_rom: bool) -> tuple[int, int]:
    """Half blocks of a band as synthesis maps it, and how many of its rows it puts side by side into one.

    Yosys does so where a shape of fewer rows then wastes fewer columns, and chooses behind it; what is written keeps to
    columns of nine, each with a write enable.
    """
    best = (band_halves(rows, width), 1)
    columns = width if is_rom else 9 * -(-width // 9)
    for shape, most in HALF_COLUMNS.items():
        beside = -(-rows // shape)
        if 1 < beside <= MOST_BANDS:
            best = min(best, (-(-beside * columns // most), beside))
    return best


def band_columns(rows: int, width: int) -> tuple[int, ...]:
    """Widths of the memories side by side that make up a band: one, but where two shapes are to be mixed."""
    if 2048 < rows <= 4096 and width > 9 and 0 < width % 9 <= 4:
        return width % 9, width - width % 9
    return (width,)


@cache
def bands(depth: int, width: int, is_rom: bool, half_block_luts: int = HALF_BLOCK_LUTS) -> tuple[Band, ...]:
    """The cut of a memory into block RAM, from its first row on: all bands but the last of the same power of two.

    half_block_luts : what half a block is worth on the part, which decides whether a short last band is in LUTs

    Raises
    ------
    ValueError : depth or width below 1
    """
    check_positive(depth=depth, width=width)
    cuts = []
    for rows in (*HALF_COLUMNS, DEEPEST):
        whole, tail = divmod(depth, rows)
        if whole + (tail > 0) > MOST_BANDS and rows < DEEPEST:
            continue
        cut = (Band(rows, True),) * whole
        if tail:
            cuts.append((*cut, Band(tail, True)))
        if whole and tail <= 64:
            cuts.append((*cut, Band(tail, False)) if tail else cut)
    return min(cuts, key=lambda cut: _worth(cut, width, is_rom, half_block_luts))


def _worth(cut: Sequence[Band], width: int, is_rom: bool, half_block_luts: int) -> tuple[int, int]:
    """(LUTs that a cut costs, blocks included; its bands). LUT RAM counts as the 7 series': the cells of UltraScale+
    hold a seventh more."""
    cost = _bands_cost(cut, width, is_rom, "xc7")
    return cost.lut + cost.ff // 2 + round(2 * cost.bram36) * half_block_luts, len(cut)


def _bands_cost(cut: Sequence[Band], width: int, is_rom: bool, family: str) -> Cost:
    cost = Cost(width * select_lut(len(cut)), ceil_log2(len(cut)))
    if len(cut) > 1 and not is_rom:
        cost += Cost(len(cut))  # each band's write enable
    for band in cut:
        if band.block:
            halves, beside = folded_halves(band.rows, width, is_rom)
            enables = 0 if is_rom or beside == 1 else beside
            cost += Cost(width * select_lut(beside) + enables, ceil_log2(beside), 0, halves / 2)
        elif is_rom:
            cost += logic_cost(band.rows, width)
        else:
            cost += distributed_cost(band.rows, width, family)
    return cost


@cache
def block_cost(depth: int, width: int, is_rom: bool, family: str, half_block_luts: int = HALF_BLOCK_LUTS) -> Cost:
    """A memory in block RAM, and where it has several bands, LUTs."""
    return _bands_cost(bands(depth, width, is_rom, half_block_luts), width, is_rom, family)


def logic_lut(depth: int) -> int:
    """LUTs for one bit out of a table that no rule shortens; up to four rows it is a function of its neighbours.

    A LUT for 64 rows. Up to 512 wide multiplexers join them; of more, open synthesis makes a tree of LUTs that choose
    one of four, as often as not.
    """
    if depth <= 4:
        return 0
    if depth > 512:
        leaves = -(-depth // 64)
        return leaves + -(-(leaves - 1) // 3)
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
    """A RAM in LUTs with a register behind it; above 64 rows pieces, each with its write enable, meet before that."""
    if depth == 1:
        return Cost(0, 2 * width)
    pieces = -(-depth // 64)
    lut = distributed_lut(depth, width, family) + width * select_lut(pieces) + pieces * (pieces > 1)
    return Cost(lut, width)


def rom_form(depth: int, asked: Form) -> Form:
    """Form of a read-only memory of so many words."""
    return "logic" if depth <= LUT_MEMORY_DEPTH else asked


def ram_form(depth: int, asked: Form) -> Form:
    """Form of a written memory of so many words."""
    return "distributed" if depth <= LUT_MEMORY_DEPTH else asked


@dataclass(frozen=True)
class RomConfig:
    """A read-only memory.

    Parameters
    ----------
    depth, width
        Rows, and bits of each.
    form
        "block" RAM or "logic". No UltraRAM: a bitstream cannot fill it (`hwgen.rtl.ultra_ram`).
    half_block_luts
        LUTs that half a block RAM is worth on the part: see `bands`.

    Raises
    ------
    ValueError
        No rows, no width, a form that is none.
    """

    depth: int
    width: int
    form: Form = "block"
    half_block_luts: int = HALF_BLOCK_LUTS

    def __post_init__(self) -> None:
        check_positive(depth=self.depth, width=self.width)
        if self.form not in ("block", "logic"):
            raise ValueError(f"form: wanted block or logic, got {self.form!r}")

    def cost(self, family: str) -> Cost:
        """Block RAM exactly; logic of content that no rule shortens."""
        if self.form == "block":
            return block_cost(self.depth, self.width, True, family, self.half_block_luts)
        return logic_cost(self.depth, self.width)

    def build(self, rows: Sequence[int], enabled: bool = False) -> Rom:
        """The component with its rows."""
        return Rom(self, rows, enabled)


class Rom(Component):
    """Read-only memory: `data` is the row of `address`, one cycle later.

    Parameters
    ----------
    config
        See RomConfig.
    rows
        `config.depth` integers.
    enabled
        Whether there is an `enable`: where it is not set, `data` stays.

    Members
    -------
    address : In(range(depth)), data : Out(width)
    enable : In(1), if asked for

    Raises
    ------
    ValueError
        Rows that are not as many as the config says.
    """

    def __init__(self, config: RomConfig, rows: Sequence[int], enabled: bool = False) -> None:
        if len(rows) != config.depth:
            raise ValueError(f"rows: wanted {config.depth}, got {len(rows)}")
        self.config, self.rows, self.enabled = config, rows, enabled
        members = {"address": In(range(config.depth)), "data": Out(config.width)}
        super().__init__(members | ({"enable": In(1)} if enabled else {}))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        enable = self.enable if self.enabled else None
        m.d.comb += self.data.eq(_read(m, self.rows, self.config, self.address, enable=enable))
        return m


@dataclass(frozen=True)
class RamConfig:
    """A simple dual-port memory.

    Parameters
    ----------
    depth, width
        Words, and bits of each.
    form
        "block" RAM, "distributed" (LUTs) or "ultra" (UltraRAM).
    half_block_luts
        LUTs that half a block RAM is worth on the part: see `bands`.

    Raises
    ------
    ValueError
        No depth, no width, a form that is none.
    """

    depth: int
    width: int
    form: Form = "block"
    half_block_luts: int = HALF_BLOCK_LUTS

    def __post_init__(self) -> None:
        check_positive(depth=self.depth, width=self.width)
        if self.form not in ("block", "distributed", "ultra"):
            raise ValueError(f"form: wanted block, distributed or ultra, got {self.form!r}")

    def cost(self, family: str) -> Cost:
        """Exact but for the address decoders of more than 64 words in LUTs."""
        if self.form == "ultra":
            return ultra_cost(self.depth, self.width)
        if self.form == "block":
            return block_cost(self.depth, self.width, False, family, self.half_block_luts)
        return distributed_cost(self.depth, self.width, family)

    def build(self, enabled: bool = False) -> Ram:
        """The component."""
        return Ram(self, enabled)


class Ram(Component):
    """Simple dual-port memory: what is written is there from the next cycle on; `data` is the row of `address`, one
    cycle later. What a row reads as in the cycle that writes it is not defined.

    Parameters
    ----------
    config
        See RamConfig.
    enabled
        Whether there is an `enable`, in block RAM alone: where it is not set, `data` stays.

    Members
    -------
    write : In(1), write_address : In(range(depth)), write_data : In(width)
    address : In(range(depth)), data : Out(width); enable : In(1), if asked for
    """

    def __init__(self, config: RamConfig, enabled: bool = False) -> None:
        self.config, self.enabled = config, enabled
        rows = range(config.depth)
        members = {"write": In(1), "write_address": In(rows), "write_data": In(config.width), "address": In(rows)}
        super().__init__({**members, "data": Out(config.width), **({"enable": In(1)} if enabled else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        write = (self.write, self.write_address, self.write_data)
        if self.config.form == "ultra":
            m.d.comb += self.data.eq(ultra_ram(m, self.config.depth, self.config.width, self.address, *write))
            return m
        m.d.comb += self.data.eq(_read(m, [], self.config, self.address, write, self.enable if self.enabled else None))
        return m


def _read(
    m: Module,
    init: Sequence[int],
    config: RomConfig | RamConfig,
    address: Value,
    write: tuple[Value, Value, Value] | None = None,
    enable: Value | None = None,
) -> Value:
    """The row of `address`, one cycle later; of a read-only memory only in the cycles of `enable`, if there is one."""
    depth, width, form = config.depth, config.width, config.form
    if form == "block":
        cut = bands(depth, width, write is None, config.half_block_luts)
    else:
        pieces = -(-depth // 64) if form == "distributed" else 1
        cut = (Band(64, False),) * (pieces - 1) + (Band(depth - 64 * (pieces - 1), False),)
    low = ceil_log2(cut[0].rows)
    choice = address[low:]
    rows, first = [], 0
    for place, band in enumerate(cut):
        # Bands in LUTs alone are read at once and have one register behind the choice.
        columns = band_columns(band.rows, width) if band.block else (width,)
        parts, start = [], 0
        for part in columns:
            own = [row >> start & (1 << part) - 1 for row in init[first : first + band.rows]]
            attributes = _attributes(band.block, write is None)
            memory = Memory(shape=unsigned(part), depth=band.rows, init=own, attrs=attributes)
            m.submodules[f"memory{first}_{start}"] = memory
            port = memory.read_port(domain="comb" if not band.block and form == "distributed" else "sync")
            m.d.comb += port.addr.eq(address[:low])
            if band.block or form != "distributed":
                m.d.comb += port.en.eq(1 if enable is None else enable)
            if write:
                write_enable, write_address, data = write
                write_port = memory.write_port()
                m.d.comb += [
                    write_port.en.eq(write_enable & (write_address[low:] == place)),
                    write_port.addr.eq(write_address[:low]),
                    write_port.data.eq(data[start : start + part]),
                ]
            parts.append(port.data)
            start += part
        rows.append(Cat(*parts))
        first += band.rows
    if form == "distributed":
        data_out = Signal(width, reset_less=True)
        m.d.sync += data_out.eq(Array(rows)[choice])
        return data_out
    if len(rows) == 1:
        return rows[0]
    band_of_row = Signal(range(len(cut)), reset_less=True)
    m.d.sync += band_of_row.eq(choice if enable is None else Mux(enable, choice, band_of_row))
    return Array(rows)[band_of_row]


def _attributes(block: bool, is_rom: bool) -> dict[str, str]:
    """Attributes that ask synthesis for that kind of memory."""
    if is_rom:
        return {"rom_style": "block"} if block else IN_LUTS
    # Nobody reads a row in the cycle that writes it.
    return {"no_rw_check": "1", "ram_style": "block" if block else "distributed"}
