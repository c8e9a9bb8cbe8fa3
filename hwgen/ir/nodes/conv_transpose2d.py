"""Transposed convolution."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from hwgen.ir.edge import Shape
from hwgen.ir.nodes.conv2d import Conv2d
from hwgen.ir.nodes.convolution import Convolution
from hwgen.ir.nodes.correlate import correlate
from hwgen.ir.types import check, check_int
from hwgen.numerics.integer import IntArray

LARGEST_TRANSPOSED = 7
"""Largest kernel."""


@dataclass(frozen=True, eq=False)
class ConvTranspose2d(Convolution):
    """Transposed convolution, as torch.nn.ConvTranspose2d with its weight's first two axes exchanged.

        acc[o] = bias[o] + sum over c and those taps i, j for which the divisions leave no rest of
                 weight[o, c, i, j] * a[(y + padding - i) / stride, (x + padding - j) / stride, c]

    kernel is 1 to 7, padding 0 .. kernel - 1, output_padding 0 .. stride - 1.
    """

    output_padding: int = 0

    def _check_window(self) -> None:
        at = self.name
        check_int(self.kernel, f"{at}.kernel", 1, LARGEST_TRANSPOSED)
        check_int(self.stride, f"{at}.stride", 1, 2)
        for key in ("kernel", "padding"):
            sides = getattr(self, f"{key}_height"), getattr(self, f"{key}_width")
            check(sides[0] == sides[1], f"{at}.{key}", "the same in both directions", sides)
        check((self.dilation, self.groups) == (1, 1), f"{at}.dilation, {at}.groups", "1, 1 of a transposed one",
              (self.dilation, self.groups))  # fmt: skip
        check_int(self.padding, f"{at}.padding", 0, self.kernel - 1)
        check_int(self.output_padding, f"{at}.output_padding", 0, self.stride - 1)

    @property
    def multiplies(self) -> int:
        """The stride."""
        return self.stride

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output: (size - 1) * stride - 2 * padding + kernel + output_padding."""
        grown = self.kernel + self.output_padding - 2 * self.padding - self.stride
        return height * self.stride + grown, width * self.stride + grown

    def taps(self, size: int) -> IntArray:
        """Number of taps that fall on an input, for each of `size` outputs in a row (or column); int64 (size,)."""
        first = (np.arange(size, dtype=np.int64) + self.padding) % self.stride
        return -(-(self.kernel - first) // self.stride)

    def macs(self, *shapes: Shape) -> int:
        """Every tap that falls on an input or its padding, none between."""
        height, width, _ = shapes[0]
        rows, columns = self.output_size(height, width)
        return int(self.taps(rows).sum() * self.taps(columns).sum()) * self.out_channels * self.in_channels

    def accumulate(self, x: IntArray) -> IntArray:
        """The sums over the inputs below every output's taps."""
        rows, columns = self.output_size(x.shape[0], x.shape[1])
        k, s, p = self.kernel, self.stride, self.padding
        # The outputs of one row phase and column phase are a plain convolution with every s-th tap, in reverse order.
        # Output y has the taps of phase (y + p) % s, the first of them on input row (y + p) // s.
        ends = (rows - 1 + p) // s, (columns - 1 + p) // s
        padded = np.pad(
            x, tuple((k - 1, max(0, end + 1 - size)) for end, size in zip(ends, x.shape, strict=False)) + ((0, 0),)
        )
        out = np.zeros((rows, columns, self.out_channels), dtype=np.int64)
        for row_phase in range(min(s, k)):
            for column_phase in range(min(s, k)):
                part = self.weight[:, :, row_phase::s, column_phase::s][:, :, ::-1, ::-1]
                sums = correlate(padded[k - part.shape[2] :, k - part.shape[3] :], part, 1)
                y, x0 = (row_phase - p) % s, (column_phase - p) % s  # the first output of the phase
                here = out[y::s, x0::s]
                first_row, first_column = (y + p) // s, (x0 + p) // s
                here += sums[first_row : first_row + here.shape[0], first_column : first_column + here.shape[1]]
        return out + self.bias

    def flipped(self) -> Conv2d:
        """The plain convolution that does the same, of one with stride 1 whose output is as large as its input."""
        check(self.stride == 1, f"{self.name}.stride", "1", self.stride)
        values = {f.name: getattr(self, f.name) for f in fields(Conv2d)}
        padding = dict.fromkeys(("padding", "padding_height", "padding_width"), self.kernel - 1 - self.padding)
        return Conv2d(**values | padding | {"weight": self.weight[:, :, ::-1, ::-1]})
