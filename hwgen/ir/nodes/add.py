"""Sum of two branches: a residual connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hwgen.ir.edge import Edge, Shape, check_values
from hwgen.ir.node import Node
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_int, check_type
from hwgen.numerics.integer import IntArray, requantise


@dataclass(frozen=True)
class Add(Node):
    """Sum of two inputs of one size and exponent, value by value: out = requantise(a + b, shift, output).

    Parameters
    ----------
    channels
        Values per pixel, of both inputs and of the output.
    input, other
        Types of the first and the second input: 2 to 8 bits.
    input_exponent
        Of both inputs.
    shift
        output_exponent - input_exponent, at least 0.
    activation
        "none", or "relu", whose output is unsigned: saturation at 0 is the rectifier.
    output
        2 to 8 bits, unsigned with relu and signed without.

    Raises
    ------
    HwgenError
        Any of the above does not hold.
    """

    name: str
    channels: int
    input: IntType
    other: IntType
    input_exponent: int
    shift: int
    activation: Literal["none", "relu"]
    output: IntType
    output_exponent: int

    def __post_init__(self) -> None:
        at = self.name
        check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        for key in ("input", "other", "output"):
            check_type(getattr(self, key), f"{at}.{key}", *BITS)
        for key in ("input_exponent", "output_exponent"):
            check_int(getattr(self, key), f"{at}.{key}", -64, 64)
        check(self.activation in ("none", "relu"), f"{at}.activation", "none or relu", repr(self.activation))
        signed = self.activation == "none"
        check(self.output.signed == signed, f"{at}.output.signed", f"{signed} for {self.activation}",
              self.output.signed)  # fmt: skip
        check_int(self.shift, f"{at}.shift", 0, SHIFTS[1])
        wanted = self.output_exponent - self.input_exponent
        check(self.shift == wanted, f"{at}.shift", f"{wanted}, from the exponents", self.shift)

    @property
    def arity(self) -> int:
        """2."""
        return 2

    @property
    def in_channels(self) -> int:
        """Channels of each input."""
        return self.channels

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        return self.channels

    def _infer(self, *inputs: Edge) -> Edge:
        first, second = inputs
        check_values(self.name, first, self.channels, self.input, self.input_exponent)
        check(self.other == second.type, f"{self.name}.other", str(second.type), self.other)
        check_values(self.name, second, self.channels, self.other, self.input_exponent)
        return Edge(self.channels, self.output, self.output_exponent)

    def _output_shape(self, *shapes: Shape) -> Shape:
        first, second = shapes
        check(first == second, f"{self.name}.inputs", f"two of shape {first}", second)
        return first

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """requantise(a + b, shift, output)."""
        first, second = inputs
        return requantise(first + second, self.shift, self.output.bits, self.output.signed)

    def macs(self, *shapes: Shape) -> int:
        """0: nothing is multiplied."""
        return 0

    def arrays(self) -> Mapping[str, Any]:
        """None."""
        return {}
