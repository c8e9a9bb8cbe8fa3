"""Where a layer's nodes go, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, Edge
from hwgen.ir.nodes.convolution import Activation
from hwgen.ir.nodes.table import TABLE, TABLE_EXPONENT
from hwgen.ir.types import IntType
from hwgen.spec.layers import TABLES, Layer
from hwgen.spec.network import Placed

ACTIVATIONS: dict[str, Activation] = {
    "relu": "relu", "clamp": "relu", "prelu": "prelu", "leaky_relu": "prelu", "relu6": "clip", "clip": "clip",
}  # fmt: skip
"""The convolution node's activation for each of a specification's; "none" for all others. A clamp is the saturation
of unsigned pixels."""


@dataclass(frozen=True)
class Place:
    """A layer between the nodes that give its inputs and those that take its output.

    Parameters
    ----------
    edges
        What the layer takes.
    sources
        The nodes that give it.
    exponent
        Of the output.
    argument
        Exponent of what addresses the table, where the activation is one.
    image
        Whether the output's values are the image's.
    """

    placed: Placed
    edges: tuple[Edge, ...]
    sources: tuple[str, ...]
    exponent: int
    argument: int
    image: bool

    @property
    def name(self) -> str:
        """The layer's."""
        return self.placed.name

    @property
    def input(self) -> tuple[IntType, int]:
        """Type and exponent of the first input."""
        exponent = self.edges[0].exponent
        assert exponent is not None, "the layers before know theirs"
        return self.edges[0].type, exponent

    @property
    def convolution(self) -> Layer:
        """The layer of a place that a convolution takes."""
        assert isinstance(self.placed.layer, Layer)
        return self.placed.layer

    @property
    def activation(self) -> Activation:
        """Activation of a convolution's accumulators."""
        return ACTIVATIONS.get(self.convolution.activation, "none")

    @property
    def requantised(self) -> tuple[IntType, int]:
        """Type and exponent of a convolution's output: before the table, where one follows."""
        layer = self.convolution
        if layer.activation in TABLES:
            return (TABLE, TABLE_EXPONENT) if self.image else (IntType(layer.activation_bits, True), self.argument)
        pixels = self.image or layer.activation == "clamp"
        return (PIXEL, PIXEL_EXPONENT) if pixels else (IntType(layer.activation_bits, layer.signed), self.exponent)
