"""Where a component puts a memory that it writes: in LUTs or in block RAM, by what either is worth on the part, or in
UltraRAM, where a part has it and sizing asks for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwgen.device import HALF_BLOCK_LUTS
from hwgen.rtl.memory import LUT_MEMORY_DEPTH, Form, RamConfig


def lut_memory_depth(half_block_luts: int) -> int:
    """Words up to which a memory is worth its LUTs on a part: 64, the cell's, on an XC7Z020, which puts it on the safe
    side of its rate by two; n times as many where half a block is worth n times as much."""
    return LUT_MEMORY_DEPTH * max(1, half_block_luts // HALF_BLOCK_LUTS)


@dataclass(frozen=True)
class Storage:
    """The form of a component's memory that it writes.

    Parameters
    ----------
    form
        "block" or "ultra", unless the memory is too shallow for it: as the part's rate has it (`lut_memory_depth`).
    half_block_luts
        LUTs that half a block RAM is worth on the part (`hwgen.device.half_block_luts`).
    """

    form: Form = "block"
    half_block_luts: int = HALF_BLOCK_LUTS

    def choices(self, depth: int, ultra: bool) -> tuple[Storage, ...]:
        """Forms of a memory of so many words: this, and UltraRAM where a part has it and the memory is deep enough.

        ultra : whether the part has it
        """
        deep = depth > lut_memory_depth(self.half_block_luts)
        return (self, replace(self, form="ultra")) if ultra and deep else (self,)

    def ram(self, depth: int, width: int) -> RamConfig:
        """The memory of so many words."""
        form: Form = "distributed" if depth <= lut_memory_depth(self.half_block_luts) else self.form
        return RamConfig(depth, width, form, self.half_block_luts)
