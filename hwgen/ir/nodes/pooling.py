"""Pooling: the largest value or the average of every block of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hwgen.ir.edge import Edge, Shape, check_values
from hwgen.ir.node import Node
from hwgen.ir.nodes.unchanged import Unchanged
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_int, check_type
from hwgen.numerics.integer import IntArray, requantise

MAX_POOL = (2, 16)
AVERAGE_POOL = (2, 4, 8, 16)
"""Kernels whose number of pixels is a power of two, so that the average is a shift."""


def pooled_shape(at: str, kernel: int, shape: Shape) -> Shape:
    """The shape of an output with one pixel for every block of kernel x kernel."""
    height, width, channels = shape
    whole = height % kernel == 0 and width % kernel == 0
    check(whole, f"{at}.kernel", f"sizes that are multiples of {kernel}", f"{width}x{height}")
    return height // kernel, width // kernel, channels


def blocks_of(x: IntArray, kernel: int) -> IntArray:
    """(H, W, C) as (H / kernel, kernel, W / kernel, kernel, C)."""
    height, width, channels = x.shape
    return x.reshape(height // kernel, kernel, width // kernel, kernel, channels)


@dataclass(frozen=True)
class MaxPool(Unchanged):
    """The largest value of every block, channel by channel; blocks neither overlap nor leave a rest.

    Parameters
    ----------
    kernel
        Sides of a block, and their distance: 2 to 16.
    """

    kernel: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int(self.kernel, f"{self.name}.kernel", *MAX_POOL)

    @property
    def divides(self) -> int:
        """The kernel's side."""
        return self.kernel

    def _output_shape(self, *shapes: Shape) -> Shape:
        return pooled_shape(self.name, self.kernel, shapes[0])

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """max over every block."""
        return blocks_of(inputs[0], self.kernel).max(axis=(1, 3))


@dataclass(frozen=True)
class AveragePool(Node):
    """The average of every block, channel by channel: out = requantise(sum, shift, output).

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    kernel
        Sides of a block, and their distance: 2, 4, 8 or 16.
    input, output
        2 to 8 bits, both signed or both unsigned.
    shift
        2 * log2(kernel) + output_exponent - input_exponent, at least 0.

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

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_int(self.kernel, f"{at}.kernel", AVERAGE_POOL[0], AVERAGE_POOL[-1])
        check(self.kernel in AVERAGE_POOL, f"{at}.kernel", "2, 4, 8 or 16", self.kernel)
        for key in ("input", "output"):
            check_type(getattr(self, key), f"{at}.{key}", *BITS)
        signed = self.input.signed
        check(self.output.signed == signed, f"{at}.output.signed", f"{signed}, as the input's", self.output.signed)
        for key in ("input_exponent", "output_exponent"):
            check_int(getattr(self, key), f"{at}.{key}", -64, 64)
        check_int(self.shift, f"{at}.shift", 0, SHIFTS[1])
        wanted = 2 * (self.kernel.bit_length() - 1) + self.output_exponent - self.input_exponent
        check(self.shift == wanted, f"{at}.shift", f"{wanted}, from kernel and exponents", self.shift)

    @property
    def in_channels(self) -> int:
        """Channels of the input."""
        return self.channels

    @property
    def out_channels(self) -> int:
        """Channels of the output: as the input's."""
        return self.channels

    @property
    def divides(self) -> int:
        """The kernel's side."""
        return self.kernel

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.channels, self.input, self.input_exponent)
        return Edge(self.channels, self.output, self.output_exponent)

    def _output_shape(self, *shapes: Shape) -> Shape:
        return pooled_shape(self.name, self.kernel, shapes[0])

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """requantise(sum over every block, shift, output)."""
        sums = blocks_of(inputs[0], self.kernel).sum(axis=(1, 3))
        return requantise(sums, self.shift, self.output.bits, self.output.signed)

    def macs(self, *shapes: Shape) -> int:
        """0: nothing is multiplied."""
        return 0

    def arrays(self) -> Mapping[str, Any]:
        """None."""
        return {}
