"""The base of kinds that move or pick values and change none: type and exponent stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hwgen.ir.edge import Edge, Shape, check_values
from hwgen.ir.node import Node
from hwgen.ir.types import BITS, MAX_CHANNELS, IntType, check_int, check_type


@dataclass(frozen=True)
class Unchanged(Node):
    """A node with one input whose output has the input's type and exponent.

    Parameters
    ----------
    channels
        Of the input.
    type, exponent
        Of the input and the output: 2 to 8 bits.
    """

    name: str
    channels: int
    type: IntType
    exponent: int

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        check_type(self.type, f"{at}.type", *BITS)
        check_int(self.exponent, f"{at}.exponent", -64, 64)

    @property
    def in_channels(self) -> int:
        """Channels of the input."""
        return self.channels

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return self.channels

    @property
    def input(self) -> IntType:
        """Type of the input."""
        return self.type

    @property
    def output(self) -> IntType:  # type: ignore[override]
        """Type of the output."""
        return self.type

    @property
    def input_exponent(self) -> int:
        """Exponent of the input."""
        return self.exponent

    @property
    def output_exponent(self) -> int:  # type: ignore[override]
        """Exponent of the output."""
        return self.exponent

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.channels, self.type, self.exponent)
        return Edge(self.out_channels, self.type, self.exponent)

    def macs(self, *shapes: Shape) -> int:
        """0: nothing is multiplied."""
        return 0

    def arrays(self) -> Mapping[str, Any]:
        """None."""
        return {}
