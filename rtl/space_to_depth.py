"""Blocks of pixels as pixels of more channels, in the order of torch's pixel_unshuffle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hwgen.rtl.pipeline import check_positive
from hwgen.rtl.primitives import Cost
from hwgen.rtl.reorder import Beats, Reorder, ReorderConfig
from hwgen.rtl.storage import Storage


@dataclass(frozen=True)
class SpaceToDepthConfig:
    """Channel c * factor**2 + i * factor + j of an output pixel is channel c of row i, column j of its block.

    One value per beat: those that follow one another in the output are of different pixels of the input. A band is
    `factor` rows. Events as `ReorderConfig` says, with `needed` and `released` of a band's values in turn. Of a row of
    blocks the first row of pixels is given back block by block, the others at its end.

    Parameters
    ----------
    channels
        Of an input pixel.
    width
        Columns of the input, a multiple of `factor`. Any number of rows that is one makes a frame.
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
        No channel, a factor out of range, a width that is no multiple of it, and what ReorderConfig refuses.
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
        if self.width % self.factor:
            raise ValueError(f"width: wanted a multiple of {self.factor}, got {self.width}")
        _ = self.reorder

    @cached_property
    def reorder(self) -> ReorderConfig:
        """The loops: blocks, channels, rows and columns of a block."""
        factor, channels = self.factor, self.channels
        loops = (
            (self.width // factor, factor * channels),
            (channels, 1),
            (factor, self.width * channels),
            (factor, channels),
        )
        return ReorderConfig.sized(loops, 0, self.bits, self.depth, self.fifo_depth, self.storage)

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


def check_blocks(channels: int, width: int, factor: int) -> None:
    """Refuse what has no blocks.

    Raises
    ------
    ValueError
        No channel or column, a factor out of range.
    """
    check_positive(channels=channels, width=width)
    if not 2 <= factor <= 16:
        raise ValueError(f"factor: wanted 2 .. 16, got {factor}")
