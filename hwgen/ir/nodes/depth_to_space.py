"""Pixels of many channels as blocks of pixels."""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.ir.edge import Shape
from hwgen.ir.nodes.space_to_depth import FACTORS
from hwgen.ir.nodes.unchanged import Unchanged
from hwgen.ir.types import check, check_int
from hwgen.numerics.integer import IntArray


@dataclass(frozen=True)
class DepthToSpace(Unchanged):
    """Every pixel becomes a block of factor x factor pixels, as torch.nn.functional.pixel_shuffle:

        out[y * factor + i, x * factor + j, c] = a[y, x, c * factor**2 + i * factor + j]

    Parameters
    ----------
    channels
        Of the input, a multiple of factor**2; the output has that part of them.
    factor
        2 to 16.
    """

    factor: int

    def __post_init__(self) -> None:
        super().__post_init__()
        at, block = self.name, self.factor**2 if type(self.factor) is int else 0
        check_int(self.factor, f"{at}.factor", *FACTORS)
        check(self.channels % block == 0, f"{at}.channels", f"a multiple of factor**2 = {block}", self.channels)

    @property
    def out_channels(self) -> int:
        """One for every factor**2 of the input's."""
        return self.channels // self.factor**2

    @property
    def multiplies(self) -> int:
        """The factor."""
        return self.factor

    def _output_shape(self, *shapes: Shape) -> Shape:
        height, width, _ = shapes[0]
        return height * self.factor, width * self.factor, self.out_channels

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """The channels of every pixel in blocks, row by row."""
        (x,) = inputs
        height, width, _ = x.shape
        blocks = x.reshape(height, width, self.out_channels, self.factor, self.factor)
        return blocks.transpose(0, 3, 1, 4, 2).reshape(height * self.factor, width * self.factor, self.out_channels)
