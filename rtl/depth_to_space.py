"""Pixels of many channels as blocks of pixels, in the order of torch's pixel_shuffle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hwgen.rtl.primitives import Cost
from hwgen.rtl.reorder import Beats, Reorder, ReorderConfig
from hwgen.rtl.space_to_depth import check_blocks
from hwgen.rtl.storage import Storage


@dataclass(frozen=True)
class DepthToSpaceConfig:
    """Channel c of row i, column j of an output block is channel c * factor**2 + i * factor + j of its input pixel.

    One value per beat: those that follow one another in the output are not so in the input. A band is a row of the
    input. Events as `ReorderConfig` says, with `needed` and `released` of a band's values in turn. A row is read
    `factor` times, and given back pixel by pixel the last time.

    Parameters
    ----------
    channels
        Of an input pixel, a multiple of factor**2.
    width
        Columns of the input. Any number of rows makes a frame.
    factor
        2 to 16.
    bits
        Of a value.
    depth
        Values of the ring: `least_depth` at least; `full_rate_depth`, by default, for a value in every cycle.
    fifo_depth
        Of the FIFO behind it.
    storage
        Of the ring.

    Raises
    ------
    ValueError
        No channel or column, a factor out of range, channels that are no multiple of its square, and what
        ReorderConfig refuses.
    """

    channels: int
    width: int
    factor: int
    bits: int
    depth: int | None = None
    fifo_depth: int = ReorderConfig.fifo_depth
    storage: Storage = Storage()

    latency: ClassVar[int] = ReorderConfig.latency
    """Cycles from the last value that an output waits for to that output."""

    def __post_init__(self) -> None:
        check_blocks(self.channels, self.width, self.factor)
        if self.channels % self.factor**2:
            raise ValueError(f"channels: wanted a multiple of {self.factor**2}, got {self.channels}")
        _ = self.reorder

    @cached_property
    def reorder(self) -> ReorderConfig:
        """The loops: rows of a block, input pixels, columns of a block, channels."""
        factor, square = self.factor, self.factor**2
        loops = ((factor, factor), (self.width, self.channels), (factor, 1), (self.channels // square, square))
        return ReorderConfig.sized(loops, 1, self.bits, self.depth, self.fifo_depth, self.storage)

    @property
    def needed(self) -> Beats:
        """int64 (values of a band,): see ReorderConfig."""
        return self.reorder.needed

    @property
    def released(self) -> Beats:
        """int64 (values of a band,): see ReorderConfig."""
        return self.reorder.released

    @property
    def least_depth(self) -> int:
        """The least ring in which every output finds its value."""
        return self.reorder.least_depth

    @property
    def full_rate_depth(self) -> int:
        """The least ring with which a value passes in every cycle."""
        return self.reorder.full_rate_depth

    def cost(self, family: str) -> Cost:
        """Resources: block RAM exactly, no DSP."""
        return self.reorder.cost(family)

    def build(self) -> Reorder:
        """The component."""
        return self.reorder.build()

