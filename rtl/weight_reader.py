"""Weight memories and the counter that reads them, row after row in step with the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.rtl.adders import delay
from hwgen.rtl.counter import wrapping
from hwgen.rtl.memory import RomConfig, rom_form
from hwgen.rtl.primitives import Cost, bits_of, counter_lut, wrapping_ff

WORD_LATENCY = 3
"""Cycles from a word's issue to the word."""
LOGIC_FACTOR = 1.1
"""By how much deeper weights in logic exceed a table by itself, measured."""


@dataclass(frozen=True)
class WeightReaderConfig:
    """Memories of the same depth, each read one cycle after the one before.

    Parameters
    ----------
    rows
        Of each memory; one makes constants.
    widths
        Bits of a row, memory by memory.
    lead
        Cycles by which a row of the first memory is there before its word: 0 or 1.
    indices
        Whether tables follow, which take a row from a register behind the memory.
    weights_in
        "block" RAM or "logic"; a few rows are logic always (`rom_form`).
    blocks
        Where the rows of each phase begin, if there is more than one.
    first_phase
        Of a frame's first output pixel.
    half_block_luts
        LUTs that half a block RAM is worth on the part (`hwgen.device.half_block_luts`).
    """

    rows: int
    widths: tuple[int, ...]
    lead: int
    indices: bool = False
    weights_in: Literal["block", "logic"] = "block"
    blocks: tuple[int, ...] = ()
    first_phase: int = 0
    half_block_luts: int = HALF_BLOCK_LUTS

    @property
    def address_delay(self) -> int:
        """Cycles from the counter to the first memory's address; memory and register behind it take the rest.

        Where none are left, the address is a register that a counter one row ahead loads: memories never read a
        counter, for what counts up is a path of its own.
        """
        return WORD_LATENCY - self.lead - 1 - self.indices

    def cost(self, family: str, columns: Sequence[int] | None = None) -> Cost:
        """Memories, registers behind them, counter and addresses.

        Parameters
        ----------
        columns
            Of each memory, how many bits are to be stored; None: all.
        """
        address = bits_of(self.rows)
        cost = Cost(counter_lut(self.rows), address * (max(self.address_delay, 1) + len(self.widths)))
        if not self.blocks:
            cost += Cost(0, wrapping_ff(self.rows) - address)
        if self.blocks and not self.address_delay:
            cost += Cost(address)  # the address jumps as well as the counter ahead of it
        form = rom_form(self.rows, self.weights_in)
        for width, times in Counter(self.widths if columns is None else columns).items():
            rom = RomConfig(self.rows, width, form, self.half_block_luts).cost(family) if width else Cost()
            in_logic = form == "logic" and self.rows > 32
            cost += (replace(rom, lut=round(rom.lut * LOGIC_FACTOR)) if in_logic else rom) * times
            cost += Cost(0, width * self.indices * times)
        return cost

    def read(
        self, m: Module, memories: Sequence[Sequence[int]], issue: Value, jump: tuple[Value, Value] | None = None
    ) -> list[Value]:
        """The memories' rows: the first one's `lead` cycles before the word, each further one's a cycle later.

        Parameters
        ----------
        memories
            Rows of each.
        issue
            Whether a word is issued.
        jump
            Where there are blocks: whether it is an output pixel's last, and the next one's phase.
        """
        address: Value = Const(0, 0)
        if self.rows > 1:
            address = self._address(m, issue, jump)
        found = []
        for place in range(len(self.widths)):
            if place:
                address = delay(m, address, 1, f"address{place}")
            row = self._rom(m, place, address, memories[place])
            found.append(delay(m, row, 1, f"indices{place}") if self.indices else row)
        return found

    def _address(self, m: Module, issue: Value, jump: tuple[Value, Value] | None) -> Value:
        """The first memory's."""
        rows, first = self.rows, self.blocks[self.first_phase] if self.blocks else 0
        ahead = not self.address_delay
        name, begin = "following" if ahead else "address", (first + ahead) % rows
        counter: Value
        if jump is None:
            counter = wrapping(m, rows, issue, name, begin)
        else:
            end_pixel, phase = jump
            counter = Signal(range(rows), init=begin, name=name)
            begins = [(block + ahead) % rows for block in self.blocks]
            with m.If(issue):
                to = Array(Const(begin, len(counter)) for begin in begins)[phase]
                m.d.sync += counter.eq(Mux(end_pixel, to, counter + 1))
        address = counter
        if ahead:
            address = Signal(range(rows), init=first, name="address")
            to = counter
            if jump is not None:
                to = Mux(end_pixel, Array(Const(block, len(counter)) for block in self.blocks)[phase], counter)
            with m.If(issue):
                m.d.sync += address.eq(to)
        return delay(m, address, self.address_delay, "address_late")

    def _rom(self, m: Module, place: int, address: Value, rows: Sequence[int]) -> Value:
        """A row of the memory of one place, one cycle after its address."""
        width = self.widths[place]
        if len(rows) == 1:
            return Const(rows[0], width)
        form = rom_form(len(rows), self.weights_in)
        memory = RomConfig(len(rows), width, form, self.half_block_luts).build(rows)
        m.submodules[f"weights{place}"] = memory
        m.d.comb += memory.address.eq(address)
        return memory.data
