"""Plain convolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwgen.ir.edge import Shape
from hwgen.ir.nodes.convolution import MAX_KERNEL, MAX_PATCH, Convolution
from hwgen.ir.nodes.correlate import correlate
from hwgen.ir.types import check, check_int
from hwgen.numerics.integer import IntArray


@dataclass(frozen=True, eq=False)
class Conv2d(Convolution):
    """Convolution as torch.nn.Conv2d's, d the dilation, (p, q) the padding of rows and columns:

        acc[o] = bias[o] + sum over c, i, j of weight[o, c, i, j] * a[y*stride - p + d*i, x*stride - q + d*j, c]

    Either every side of the kernel is 1 to 9, the stride 1 or 2, and the padding of each axis 0 .. d * (side - 1); or
    the kernel falls into patches, side by side: kernel = stride = 2 .. 16, no padding, dilation 1.
    """

    @property
    def patches(self) -> bool:
        """Whether every input belongs to one window: no window overlaps another one, nor the frame's border."""
        return self.stride > 1 and self._is_patch()

    def _is_patch(self) -> bool:
        sides = self.kernel_height, self.kernel_width
        return sides == (self.stride, self.stride) and self.padding == 0 and self.dilation == 1

    def _check_window(self) -> None:
        at = self.name
        if self.stride > 2:
            wanted = f"1 or 2, or 2..{MAX_PATCH} as the kernel's sides, without padding and dilation"
            check(self._is_patch(), f"{at}.stride", wanted, self.stride)
        if self.patches:
            return
        for axis in ("height", "width"):
            side = getattr(self, f"kernel_{axis}")
            check_int(side, f"{at}.kernel", 1, MAX_KERNEL)
            check_int(getattr(self, f"padding_{axis}"), f"{at}.padding", 0, self.dilation * (side - 1))

    @property
    def least_version(self) -> int:
        """2 for a kernel or a padding that version 1 did not know."""
        older = self.kernel in (1, 3, 5, 7) and self.padding == self.kernel // 2
        return super().least_version if older else 2

    @property
    def divides(self) -> int:
        """The stride."""
        return self.stride

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output: floor((size + 2 padding - dilation * (side - 1) - 1) / stride) + 1."""
        rows = height + 2 * self.padding_height - self.dilation * (self.kernel_height - 1) - 1
        columns = width + 2 * self.padding_width - self.dilation * (self.kernel_width - 1) - 1
        return rows // self.stride + 1, columns // self.stride + 1

    def _output_shape(self, *shapes: Shape) -> Shape:
        height, width, _ = shapes[0]
        if self.patches:
            whole = height % self.stride == 0 and width % self.stride == 0
            check(whole, f"{self.name}.kernel", f"sizes that are multiples of {self.stride}", f"{width}x{height}")
        return super()._output_shape(*shapes)

    def accumulate(self, x: IntArray) -> IntArray:
        """The sums over every window of the padded frame."""
        p, q = self.padding_height, self.padding_width
        padded = np.pad(x, ((p, p), (q, q), (0, 0)))
        return correlate(padded, self.weight, self.stride, self.dilation, self.groups) + self.bias

    def macs(self, *shapes: Shape) -> int:
        """Output values x taps x input channels of a group, padding counted."""
        height, width, _ = shapes[0]
        rows, columns = self.output_size(height, width)
        taps = self.kernel_height * self.kernel_width
        return rows * columns * self.out_channels * taps * (self.in_channels // self.groups)
