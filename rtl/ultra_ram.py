"""Memories in UltraRAM (URAM288 of UltraScale+, UG573): 4096 words of 72 bits, written and read in the same cycle.

A memory of any size is cut so that every piece is one UltraRAM and can be nothing else: in columns of 72 bits and bands
of 4096 rows. Where the last column is narrow, the bands' rows lie beside each other in one UltraRAM, each in bytes of
nine bits that have write enables of their own: 8 bits of 32,768 rows are one UltraRAM, not eight. What a vendor's tool
makes of a memory that is not cut is its own choice (columns of 72 bits and bands of 4096 rows in a cascade, never rows
beside each other); of these pieces it can make nothing else either.

UltraRAM holds zeros after configuration and nothing that a bitstream could give it: it is for memories that are written
before they are read, and never for constant weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib.memory import Memory
from amaranth.utils import ceil_log2

from hwgen.rtl.primitives import Cost, select_lut

ROWS = 4096
COLUMNS = 72
BYTE = 9
"""Bits that have a write enable of their own."""


@dataclass(frozen=True)
class Column:
    """Some bits of every row: where they begin, and how many bands of rows share an UltraRAM."""

    start: int
    width: int
    beside: int

    @property
    def slot(self) -> int:
        """Bits from one band to the next in an UltraRAM."""
        return BYTE * -(-self.width // BYTE) if self.beside > 1 else self.width


def columns(depth: int, width: int) -> tuple[Column, ...]:
    """The bits of a row, 72 at a time."""
    found = []
    for start in range(0, width, COLUMNS):
        part = min(COLUMNS, width - start)
        found.append(Column(start, part, min(band_count(depth), COLUMNS // (BYTE * -(-part // BYTE)))))
    return tuple(found)


def band_count(depth: int) -> int:
    """Bands of 4096 rows, the last one shorter."""
    return -(-depth // ROWS)


def ultra_cost(depth: int, width: int) -> Cost:
    """UltraRAMs; between several bands the selection, and each band's write enable."""
    count = band_count(depth)
    uram = sum(-(-count // column.beside) for column in columns(depth, width))
    enables = count if count > 1 else 0
    return Cost(width * select_lut(count) + enables, ceil_log2(count), uram=uram)


def ultra_ram(
    m: Module, depth: int, width: int, address: Value, write: Value, write_address: Value, write_data: Value
) -> Value:
    """The row of `address`, one cycle later; what is written is there from the next cycle on."""
    count, low = band_count(depth), ceil_log2(min(depth, ROWS))
    rows: list[list[Value]] = [[] for _ in range(count)]
    enables = [write & (write_address[low:] == band) for band in range(count)]
    for column in columns(depth, width):
        data = write_data[column.start : column.start + column.width]
        padded = Cat(data, Const(0, column.slot - column.width))
        for first in range(0, count, column.beside):
            bands = range(first, min(first + column.beside, count))
            # Nobody reads a row in the cycle that writes it.
            memory = Memory(
                shape=unsigned(column.slot * len(bands)),
                depth=min(depth, ROWS),
                init=[],
                attrs={"no_rw_check": "1", "ram_style": "ultra"},
            )
            m.submodules[f"memory{first}_{column.start}"] = memory
            several = len(bands) > 1
            port = memory.write_port(granularity=BYTE if several else None)
            enable = [enables[band] for band in bands for _ in range(column.slot // BYTE if several else 1)]
            read = memory.read_port()
            m.d.comb += [
                port.en.eq(Cat(enable)),
                port.addr.eq(write_address[:low]),
                port.data.eq(Cat(padded for _ in bands)),
                read.addr.eq(address[:low]),
                read.en.eq(1),
            ]
            for place, band in enumerate(bands):
                rows[band].append(read.data[place * column.slot :][: column.width])
    if count == 1:
        return Cat(rows[0])
    band_of_row = Signal(range(count), reset_less=True)
    m.d.sync += band_of_row.eq(address[low:])
    return Array(Cat(row) for row in rows)[band_of_row]

