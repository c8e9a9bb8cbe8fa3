"""A register file built from a table of its registers and their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from hwgen.rtl.primitives import Cost, select_lut

Access = Literal["r", "rw", "w1c", "pulse"]


@dataclass(frozen=True)
class Field:
    """Bits `low` .. `low + width - 1` of a register.

    Parameters
    ----------
    name
        Of its signals, among all fields of the registers.
    access
        "r": shows `reset`, or where that is None the signal `NAME`, which comes in.
        "rw": keeps what is written, from `reset` on; `NAME` goes out.
        "w1c": a bit that is 1 once `NAME_set` was, which comes in, until a 1 is written; `NAME` goes out.
        "pulse": `NAME` goes out, high for the cycle behind that in which a 1 is written; reads 0.
    """

    name: str
    low: int
    width: int
    access: Access
    reset: int | None = 0


@dataclass(frozen=True)
class RegistersConfig:
    """Registers of 32 bits at addresses of words.

    Parameters
    ----------
    registers
        The fields at each address.
    window
        (address, words) of a memory elsewhere, which can be written; None where there is none.
    address_bits
        Of an address of words.

    Raises
    ------
    ValueError
        Fields that overlap or leave the word, an address or window beyond the bits, a window not at a multiple of its
        length, a power of two.
    """

    registers: tuple[tuple[int, tuple[Field, ...]], ...]
    address_bits: int
    window: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        addresses = [address for address, _ in self.registers]
        if len(set(addresses)) != len(addresses) or not all(0 <= at < 1 << self.address_bits for at in addresses):
            raise ValueError(f"registers: wanted addresses of {self.address_bits} bits, each once, got {addresses}")
        for address, fields in self.registers:
            bits = [bit for field in fields for bit in range(field.low, field.low + field.width)]
            if len(set(bits)) != len(bits) or max(bits, default=0) > 31:
                raise ValueError(f"registers: wanted fields side by side in 32 bits at {address}, got {fields}")
        if self.window is not None:
            start, words = self.window
            if words & (words - 1) or start % words or start + words > 1 << self.address_bits:
                raise ValueError(f"window: wanted a multiple of its length, a power of two, got {self.window}")

    @property
    def fields(self) -> Iterator[tuple[int, Field]]:
        """Every field with its register's address."""
        return ((address, field) for address, fields in self.registers for field in fields)

    @property
    def window_bits(self) -> int:
        """Bits of an address in the window."""
        return 0 if self.window is None else (self.window[1] - 1).bit_length()

    def cost(self, family: str) -> Cost:
        """Resources: flip-flops exactly. LUTs as open synthesis made them within a whole IP; of the registers alone it
        made a sixth more. A bit of the read word is selected among those that are no constants; writes are decoded."""
        kept = sum(field.width for _, field in self.fields if field.access != "r")
        shown = [0] * 32
        for _, field in self.fields:
            for bit in range(field.low, field.low + field.width):
                shown[bit] += field.access in ("rw", "w1c") or (field.access == "r" and field.reset is None)
        read = sum(select_lut(max(choices, 1)) * 2 for choices in shown)
        return Cost(read + 2 * kept + 38, kept)

    def build(self) -> Registers:
        """The component."""
        return Registers(self)


class Registers(Component):
    """Keeps and shows the fields of registers. An address without a register reads 0 and keeps nothing.

    Latency: what is written counts from the next cycle on; what is read is there in the same cycle.

    Parameters
    ----------
    config
        See RegistersConfig.

    Members
    -------
    write, write_address, write_data, strobe, read_address : In, read_data : Out; as of `hwgen.rtl.axi.lite.LiteSlave`
    NAME, NAME_set : signals of the fields, see Field
    window_write : Out(1), window_address : Out, of words: `write_data` is for that word of the window, all its bytes
    """

    def __init__(self, config: RegistersConfig) -> None:
        self.config = config
        members = {
            "write": In(1),
            "write_address": In(config.address_bits),
            "write_data": In(32),
            "strobe": In(4),
            "read_address": In(config.address_bits),
            "read_data": Out(32),
        }
        for _, field in config.fields:
            if field.access != "r":
                members[field.name] = Out(field.width, init=field.reset or 0)
            elif field.reset is None:
                members[field.name] = In(field.width)
            if field.access == "w1c":
                members[f"{field.name}_set"] = In(field.width)
        if config.window is not None:
            members |= {"window_write": Out(1), "window_address": Out(config.window_bits)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        written = Cat(bit.replicate(8) for bit in self.strobe)  # bits that are written
        with m.Switch(self.read_address):
            for address, fields in self.config.registers:
                with m.Case(address):
                    for field in fields:
                        m.d.comb += self.read_data[field.low : field.low + field.width].eq(self._shown(field))
        for address, fields in self.config.registers:
            chosen = Signal(name=f"chosen_{address:03x}")
            m.d.comb += chosen.eq(self.write & (self.write_address == address))
            for field in fields:
                part = slice(field.low, field.low + field.width)
                self._keep(m, field, chosen, self.write_data[part], written[part])
        if self.config.window is not None:
            bits = self.config.window_bits
            m.d.comb += [
                self.window_write.eq(
                    self.write & self.strobe.all() & (self.write_address[bits:] == self.config.window[0] >> bits)
                ),
                self.window_address.eq(self.write_address[:bits]),
            ]
        return m

    def _shown(self, field: Field) -> Value:
        """The value that a read of the field returns."""
        if field.access == "pulse":
            return Const(0, field.width)
        if field.access == "r" and field.reset is not None:
            return Const(field.reset, field.width)
        return Value.cast(getattr(self, field.name))

    def _keep(self, m: Module, field: Field, chosen: Value, value: Value, written: Value) -> None:
        """Update a field on a write, and on the events that it records."""
        if field.access == "r":
            return
        own = getattr(self, field.name)
        given = value & written & chosen.replicate(field.width)
        if field.access == "pulse":
            m.d.sync += own.eq(given)
        elif field.access == "w1c":
            m.d.sync += own.eq((own & ~given) | getattr(self, f"{field.name}_set"))
        else:
            with m.If(chosen):
                m.d.sync += own.eq((own & ~written) | (value & written))
