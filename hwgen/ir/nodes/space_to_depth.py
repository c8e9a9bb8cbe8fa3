"""Blocks of pixels as pixels of more channels."""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.ir.edge import Shape
from hwgen.ir.nodes.unchanged import Unchanged
from hwgen.ir.types import MAX_CHANNELS, check, check_int
from hwgen.numerics.integer import IntArray

FACTORS = (2, 16)


@dataclass(frozen=True)
class SpaceToDepth(Unchanged):
    """Every block of factor x factor pixels becomes one pixel, as torch.nn.functional.pixel_unshuffle:

        out[y, x, c * factor**2 + i * factor + j] = a[y * factor + i, x * factor + j, c]

    Parameters
    ----------
    channels
        Of the input; the output has factor**2 times as many.
    factor
        2 to 16; it divides the frame's sides.
    """

    factor: int

    def __post_init__(self) -> None:
        super().__post_init__()
        at = self.name
        check_int(self.factor, f"{at}.factor", *FACTORS)
        check(self.out_channels <= MAX_CHANNELS, f"{at}.factor", f"at most {MAX_CHANNELS} channels of the output",
              self.out_channels)  # fmt: skip

    @property
    def out_channels(self) -> int:
        """factor**2 for each of the input's."""
        return self.channels * self.factor**2

    @property
    def divides(self) -> int:
        """The factor."""
        return self.factor

    def _output_shape(self, *shapes: Shape) -> Shape:
        height, width, _ = shapes[0]
        whole = height % self.factor == 0 and width % self.factor == 0
        check(whole, f"{self.name}.factor", f"sizes that are multiples of {self.factor}", f"{width}x{height}")
        return height // self.factor, width // self.factor, self.out_channels

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """The pixels of every block, row by row, within each channel."""
        (x,) = inputs
        rows, columns, channels = self.output_shape(x.shape)
        blocks = x.reshape(rows, self.factor, columns, self.factor, self.channels)
        return blocks.transpose(0, 2, 4, 1, 3).reshape(rows, columns, channels)
