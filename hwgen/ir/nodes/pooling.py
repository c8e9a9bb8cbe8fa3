"""Pooling: the largest value or the average of every window of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge, Shape, check_values
from hwgen.ir.node import Node, optional
from hwgen.ir.nodes.unchanged import Unchanged
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_int, check_type
from hwgen.numerics.integer import IntArray, requantise
from hwgen.numerics.quotients import exact_multiplier, is_exact

KERNELS = (2, 16)
"""The smallest and the largest side of a window."""
MAX_FINER = 16
"""By how much the exponents of an average's input and output may differ where it has a multiplier."""


def sum_bounds(kernel: int, type: IntType) -> tuple[int, int]:
    """The smallest and the largest sum of a window's values."""
    low, high = type.bounds
    return low * kernel**2, high * kernel**2


def average_ratio(kernel: int, finer: int) -> tuple[int, int]:
    """(numerator, denominator) of a sum's factor, for an average whose exponent is `finer` below its input's."""
    return 1 << max(finer, 0), kernel**2 << max(-finer, 0)


def averaging(at: str, kernel: int, input: IntType, finer: int) -> tuple[int, int]:
    """(multiplier, shift) with which an `AveragePool` is exact, `finer` as in `average_ratio`.

    Raises
    ------
    HwgenError
        At AT.kernel: none is exact for every sum.
    """
    if kernel & (kernel - 1) == 0:
        return 1, 2 * (kernel.bit_length() - 1) - finer
    found = exact_multiplier(average_ratio(kernel, finer), sum_bounds(kernel, input))
    if found is None:
        raise HwgenError(f"{at}.kernel", "a power of two, or an odd number and no coarser output", str(kernel))
    return found


class Pool(Node):
    """A node that reduces every window of pixels to one, channel by channel, as torch's pooling does.

    Windows are `stride` apart. By default that is the kernel: then they are blocks that neither overlap nor leave a
    rest. Else a side of the output is floor((side + 2 * padding - kernel) / stride) + 1.
    """

    kernel: int
    stride: int
    padding: int

    def _check_windows(self) -> None:
        at = self.name
        check_int(self.kernel, f"{at}.kernel", *KERNELS)
        object.__setattr__(self, "stride", self.stride or self.kernel)
        check_int(self.stride, f"{at}.stride", 1, self.kernel)
        check_int(self.padding, f"{at}.padding", 0, self.kernel // 2)

    @property
    def blocks(self) -> bool:
        """Whether every pixel belongs to one window, and every window lies in the frame."""
        return self.stride == self.kernel and self.padding == 0

    @property
    def divides(self) -> int:
        """The stride."""
        return self.stride

    def _output_shape(self, *shapes: Shape) -> Shape:
        height, width, channels = shapes[0]
        if self.blocks:
            whole = height % self.kernel == 0 and width % self.kernel == 0
            check(whole, f"{self.name}.kernel", f"sizes that are multiples of {self.kernel}", f"{width}x{height}")
        least = self.kernel - 2 * self.padding
        check(min(height, width) >= least, f"{self.name}.kernel", f"sizes of at least {least}", f"{width}x{height}")
        rows, columns = ((side - least) // self.stride + 1 for side in (height, width))
        return rows, columns, channels

    def windows(self, x: IntArray, outside: int) -> IntArray:
        """The windows (rows, columns, C, kernel, kernel) of a frame (H, W, C) in a border of `outside`."""
        padding = (self.padding, self.padding)
        padded = np.pad(x, (padding, padding, (0, 0)), constant_values=outside)
        every = np.lib.stride_tricks.sliding_window_view(padded, (self.kernel, self.kernel), axis=(0, 1))
        return every[:: self.stride, :: self.stride]


@dataclass(frozen=True)
class MaxPool(Pool, Unchanged):
    """The largest value of every window; those in the border do not count.

    Parameters
    ----------
    kernel
        Sides of a window: 2 to 16.
    stride
        Distance of windows, 1 to `kernel`; 0 stands for `kernel`.
    padding
        Rows and columns of border on each side: 0 to kernel // 2.

    Raises
    ------
    HwgenError
        Any of the above does not hold.
    """

    kernel: int
    stride: int = optional(0, since=2, like="kernel")
    padding: int = optional(0, since=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_windows()

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """max over every window."""
        return self.windows(inputs[0], self.type.bounds[0]).max(axis=(3, 4))


@dataclass(frozen=True)
class AveragePool(Pool):
    """The average of every window, whose border counts as zeros: out = requantise(sum * multiplier, shift, output).

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    kernel
        Sides of a window: 2 to 16.
    input, output
        2 to 8 bits, both signed or both unsigned.
    shift
        At least 0. Without a multiplier, 2 * log2(kernel) + output_exponent - input_exponent.
    stride
        Distance of windows, 1 to `kernel`; 0 stands for `kernel`.
    padding
        Rows and columns of zeros on each side: 0 to kernel // 2.
    multiplier
        1 where the kernel is a power of two. Else one for which requantise(sum * multiplier, shift) is the average,
        rounded half to even, for every sum that can occur (`hwgen.numerics.quotients.exact_multiplier`).

    Raises
    ------
    HwgenError
        Any of the above does not hold.
    """

    name: str
    channels: int
    kernel: int
    input: IntType
    input_exponent: int
    shift: int
    output: IntType
    output_exponent: int
    stride: int = optional(0, since=2, like="kernel")
    padding: int = optional(0, since=2)
    multiplier: int = optional(1, since=2)

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        self._check_windows()
        for key in ("input", "output"):
            check_type(getattr(self, key), f"{at}.{key}", *BITS)
        signed = self.input.signed
        check(self.output.signed == signed, f"{at}.output.signed", f"{signed}, as the input's", self.output.signed)
        for key in ("input_exponent", "output_exponent"):
            check_int(getattr(self, key), f"{at}.{key}", -64, 64)
        check_int(self.shift, f"{at}.shift", 0, SHIFTS[1])
        check_int(self.multiplier, f"{at}.multiplier", 1, 1 << SHIFTS[1])
        if self.kernel & (self.kernel - 1) == 0:
            wanted = 2 * (self.kernel.bit_length() - 1) + self.output_exponent - self.input_exponent
            check(self.multiplier == 1, f"{at}.multiplier", "1 for a kernel that is a power of two", self.multiplier)
            check(self.shift == wanted, f"{at}.shift", f"{wanted}, from kernel and exponents", self.shift)
            return
        finer = self.input_exponent - self.output_exponent
        check_int(finer, f"{at}.input_exponent - output_exponent", -MAX_FINER, MAX_FINER)
        ratio = average_ratio(self.kernel, finer)
        exact = is_exact(self.multiplier, self.shift, ratio, sum_bounds(self.kernel, self.input))
        check(exact, f"{at}.multiplier", "one that rounds every sum's average as it is", self.multiplier)

    @property
    def in_channels(self) -> int:
        """Channels of the input."""
        return self.channels

    @property
    def out_channels(self) -> int:
        """Channels of the output: as the input's."""
        return self.channels

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.channels, self.input, self.input_exponent)
        return Edge(self.channels, self.output, self.output_exponent)

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """requantise(sum over every window * multiplier, shift, output)."""
        sums = self.windows(inputs[0], 0).sum(axis=(3, 4))
        return requantise(sums * self.multiplier, self.shift, self.output.bits, self.output.signed)

    def macs(self, *shapes: Shape) -> int:
        """0: nothing is multiplied."""
        return 0

    def arrays(self) -> Mapping[str, Any]:
        """None."""
        return {}
