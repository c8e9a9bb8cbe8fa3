"""Blocks of pixels as pixels of more channels, in the order of torch's pixel_unshuffle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwgen.rtl.blocks import BlocksConfig


@dataclass(frozen=True)
class SpaceToDepthConfig(BlocksConfig):
    """Channel c * factor**2 + i * factor + j of an output pixel is channel c of row i, column j of its block.

    One value per beat: those that follow one another in the output are of different pixels of the input. A band is
    `factor` rows. Of a row of blocks the first row of pixels is free block by block, the others at its end. The width
    is a multiple of `factor`; any number of rows that is one makes a frame. For parameters see BlocksConfig.

    Raises
    ------
    ValueError
        A width that is no multiple of `factor`, and what BlocksConfig refuses.
    """

    release: ClassVar[int] = 0

    def check_divisible(self) -> None:
        """Refuse a width that is no multiple of `factor`."""
        if self.width % self.factor:
            raise ValueError(f"width: wanted a multiple of {self.factor}, got {self.width}")

    @property
    def loops(self) -> tuple[tuple[int, int], ...]:
        """Blocks, channels, rows and columns of a block."""
        factor, channels = self.factor, self.channels
        return (
            (self.width // factor, factor * channels),
            (channels, 1),
            (factor, self.width * channels),
            (factor, channels),
        )
