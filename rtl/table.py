"""A function of single values as a table: what a receiver's last layer gives becomes a pixel's values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from amaranth.hdl import Module, Shape, unsigned

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.rtl.checks import check_positive
from hwgen.rtl.memory import Form, RomConfig, block_cost, logic_cost
from hwgen.rtl.pipeline import FIFO_LATENCY, Pipeline, output_fifo_cost
from hwgen.rtl.primitives import Cost
from hwgen.rtl.signals import signals


@dataclass(frozen=True)
class TableConfig:
    """A table with an entry for every value; the address is the value's two's complement.

    Parameters
    ----------
    input
        Shape of a value.
    bits
        Width of an entry, which is not negative.
    depth
        Of the FIFO, in values; by default what keeps one value per cycle going.
    half_block_luts
        LUTs that half a block RAM is worth on the part (`hwgen.device.half_block_luts`).

    Raises
    ------
    ValueError
        A width or depth below 1.
    """

    cycles: ClassVar[int] = 1
    """Memory 1."""
    latency: ClassVar[int] = cycles + FIFO_LATENCY
    """Cycles from an accepted value to its result."""
    default_depth: ClassVar[int] = latency + 1
    """An entry of the FIFO is free again one cycle after its value has left."""

    input: Shape
    bits: int = 8
    depth: int = default_depth
    half_block_luts: int = HALF_BLOCK_LUTS

    def __post_init__(self) -> None:
        check_positive(bits=self.bits, depth=self.depth)

    @property
    def entries(self) -> int:
        """Entries of the table."""
        return 1 << self.input.width

    @property
    def form(self) -> Form:
        """Form of the table: in block RAM or in LUTs, whichever costs a part less."""
        halves = 2 * block_cost(self.entries, self.bits, True, "xc7", self.half_block_luts).bram36
        return "block" if logic_cost(self.entries, self.bits).lut > halves * self.half_block_luts else "logic"

    @property
    def memory(self) -> RomConfig:
        """The memory with the entries."""
        return RomConfig(self.entries, self.bits, self.form, self.half_block_luts)

    def cost(self, family: str) -> Cost:
        """Resources: block RAM exactly, LUTs of a table that no rule shortens."""
        return self.memory.cost(family) + Cost(2, 1) + output_fifo_cost(unsigned(self.bits), self.depth, family)

    def build(self, values: Sequence[int]) -> Table:
        """The component with its entries.

        Raises
        ------
        ValueError
            Another number of entries, one that is negative or wider than `bits`.
        """
        if len(values) != self.entries:
            raise ValueError(f"values: wanted {self.entries}, one for each input, got {len(values)}")
        if wrong := [value for value in values if not 0 <= value < 1 << self.bits]:
            raise ValueError(f"values: wanted 0 .. {(1 << self.bits) - 1}, got {wrong[0]}")
        return Table(self, values)


class Table(Pipeline):
    """Looks every value of a stream up.

    Latency: `config.latency`. Interval: one value per cycle.

    Parameters
    ----------
    config
        See TableConfig.
    values
        The entries, checked by `TableConfig.build`: first those of 0 and above, then those of negative values, the
        smallest first.

    Members
    -------
    i : In(stream of input), o : Out(stream of unsigned(bits))
    """

    def __init__(self, config: TableConfig, values: Sequence[int]) -> None:
        self.config = config
        self.memory = config.memory.build(values)
        super().__init__(config.input, unsigned(config.bits), cycles=config.cycles, depth=config.depth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        m.submodules.fifo = self.fifo
        taken, valid = signals("taken valid")
        m.d.sync += valid.eq(taken)
        self.accept(m, taken)
        m.d.comb += memory.address.eq(self.i.payload.as_unsigned())
        self.deliver(m, valid, memory.data)
        return m
