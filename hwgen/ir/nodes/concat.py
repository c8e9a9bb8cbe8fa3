"""Concatenation of branches along the channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwgen.ir.edge import Edge, Shape, check_values
from hwgen.ir.node import Node
from hwgen.ir.types import BITS, MAX_CHANNELS, IntType, check, check_int, check_type
from hwgen.numerics.integer import IntArray

MAX_BRANCHES = 4


@dataclass(frozen=True)
class Concat(Node):
    """The channels of the first input, then those of the second, and so on.

    Parameters
    ----------
    channels
        Of each of the 2 to 4 inputs; their sum is the output's.
    type, exponent
        Of all inputs and of the output: 2 to 8 bits.

    Raises
    ------
    HwgenError
        Any of the above does not hold.
    """

    name: str
    channels: tuple[int, ...]
    type: IntType
    exponent: int

    def __post_init__(self) -> None:
        at = self.name
        fits = isinstance(self.channels, tuple) and 2 <= len(self.channels) <= MAX_BRANCHES
        check(fits, f"{at}.channels", f"those of 2..{MAX_BRANCHES} inputs", repr(self.channels))
        for index, count in enumerate(self.channels):
            check_int(count, f"{at}.channels[{index}]", 1, MAX_CHANNELS)
        check(sum(self.channels) <= MAX_CHANNELS, f"{at}.channels", f"at most {MAX_CHANNELS} together",
              sum(self.channels))  # fmt: skip
        check_type(self.type, f"{at}.type", *BITS)
        check_int(self.exponent, f"{at}.exponent", -64, 64)

    @property
    def arity(self) -> int:
        """As many as `channels`."""
        return len(self.channels)

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return sum(self.channels)

    @property
    def input(self) -> IntType:
        """Type of every input."""
        return self.type

    @property
    def output(self) -> IntType:  # type: ignore[override]
        """Type of the output."""
        return self.type

    @property
    def input_exponent(self) -> int:
        """Exponent of every input."""
        return self.exponent

    @property
    def output_exponent(self) -> int:  # type: ignore[override]
        """Exponent of the output."""
        return self.exponent

    def _infer(self, *inputs: Edge) -> Edge:
        for edge, count in zip(inputs, self.channels, strict=True):
            check_values(self.name, edge, count, self.type, self.exponent)
        return Edge(self.out_channels, self.type, self.exponent)

    def _output_shape(self, *shapes: Shape) -> Shape:
        rows, columns, _ = shapes[0]
        for shape in shapes[1:]:
            check(shape[:2] == (rows, columns), f"{self.name}.inputs", f"all of {columns}x{rows}",
                  f"{shape[1]}x{shape[0]}")  # fmt: skip
        return rows, columns, self.out_channels

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """All inputs' channels."""
        return np.concatenate(inputs, axis=2)

    def macs(self, *shapes: Shape) -> int:
        """0: nothing is multiplied."""
        return 0

    def arrays(self) -> Mapping[str, Any]:
        """None."""
        return {}
