"""Copies of a flag, so that no net reaches more than a group of registers.

A wire takes longer the more places it goes to: a flag that enables every accumulator of a layer is slower than any
logic in front of it (docs/synthesis.md). Copies of equal registers are what synthesis tools remove first, so they carry
attributes that forbid it: `keep` for Yosys, which must stand on the register itself and not on its net alone, and for
Vivado, `equivalent_register_removal` for other tools of Xilinx.
"""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

GROUP = 64
"""Registers that one copy of a flag reaches, about."""
KEPT = {"keep": "true", "equivalent_register_removal": "no"}
"""Attributes of a register that synthesis must not merge with its equals."""


def groups(items: int, bits: int) -> int:
    """Copies of a flag for so many items of `bits` registers each: an item is never split."""
    return -(-items // group_items(bits))


def group_items(bits: int) -> int:
    """Items of `bits` registers each that share a copy."""
    return max(GROUP // bits, 1)


def registers(number: int, name: str, init: int = 0, reset_less: bool = False) -> list[Signal]:
    """The registers for so many copies of a flag, to be driven alike; a single one is an ordinary register."""
    if number == 1:
        return [Signal(name=name, init=init, reset_less=reset_less)]
    return [
        Signal(name=f"{name}_{place}", init=init, reset_less=reset_less, attrs=KEPT) for place in range(number)
    ]  # fmt: skip


def copies(m: Module, flag: Value, number: int, name: str, reset_less: bool = False) -> list[Signal]:
    """So many registers that hold the flag one cycle later; a reset clears them, unless it is `reset_less`."""
    made = registers(number, name, reset_less=reset_less)
    m.d.sync += [register.eq(flag) for register in made]
    return made
