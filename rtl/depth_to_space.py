"""Pixels of many channels as blocks of pixels, in the order of torch's pixel_shuffle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwgen.rtl.blocks import BlocksConfig


@dataclass(frozen=True)
class DepthToSpaceConfig(BlocksConfig):
    """Channel c of row i, column j of an output block is channel c * factor**2 + i * factor + j of its input pixel.

    One value per beat: those that follow one another in the output are not so in the input. A band is a row of the
    input, of which any number makes a frame. A row is read `factor` times, and free pixel by pixel the last time. The
    channels are a multiple of factor**2. For parameters see BlocksConfig.

    Raises
    ------
    ValueError
        Channels that are no multiple of factor**2, and what BlocksConfig refuses.
    """

    release: ClassVar[int] = 1

    def check_divisible(self) -> None:
        """Refuse channels that are no multiple of factor**2."""
        if self.channels % self.factor**2:
            raise ValueError(f"channels: wanted a multiple of {self.factor**2}, got {self.channels}")

    @property
    def loops(self) -> tuple[tuple[int, int], ...]:
        """Rows of a block, input pixels, columns of a block, channels."""
        factor, square = self.factor, self.factor**2
        return (factor, factor), (self.width, self.channels), (factor, 1), (self.channels // square, square)
