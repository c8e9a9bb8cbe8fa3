"""The nodes of every kind of layer, with random integers where it has some."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from hwgen.ir import nodes
from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, Edge
from hwgen.ir.node import Node
from hwgen.ir.nodes.convolution import Activation
from hwgen.ir.nodes.table import TABLE, TABLE_EXPONENT, sigmoid_values
from hwgen.ir.types import IntType
from hwgen.numerics.integer import IntArray
from hwgen.random_init.convolution import ConvolutionDraw, best
from hwgen.random_init.tables import table_values
from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.layers import TABLES, Layer
from hwgen.spec.network import Placed


@dataclass(frozen=True)
class Place:
    """Where a layer's nodes go.

    Parameters
    ----------
    edges
        What the layer takes.
    frames
        The first input on every sample image.
    exponent
        Of the output.
    image
        Whether the output's values are the image's.
    """

    placed: Placed
    edges: tuple[Edge, ...]
    frames: list[IntArray]
    exponent: int
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


@singledispatch
def nodes_of(layer: Kinds, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    """A layer's nodes, one behind the other."""
    raise TypeError(f"layer: wanted a kind that has nodes, got {type(layer).__name__}")


@nodes_of.register
def _(layer: Layer, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    signed = layer.activation in TABLES or layer.signed
    output, exponent = IntType(layer.activation_bits, signed), place.exponent
    kinds: dict[str, Activation] = {"relu": "relu", "prelu": "prelu", "leaky_relu": "prelu", "relu6": "clip",
                                    "clip": "clip"}  # fmt: skip
    activation: Activation = kinds.get(layer.activation, "none")
    if layer.activation == "clamp":  # what a rectifier's unsigned output does, with a pixel's exponent
        activation, output, exponent = "relu", PIXEL, PIXEL_EXPONENT
    elif place.image:
        output, exponent = TABLE, TABLE_EXPONENT
    elif layer.activation in TABLES:
        exponent = 3 - layer.activation_bits  # -8 .. 8
    kind, input_exponent = place.input
    channels = place.placed.given.channels
    draw = ConvolutionDraw(
        place.name, layer, place.edges[0].channels, channels, place.placed.groups, activation, kind, output,
        input_exponent, exponent,
    )  # fmt: skip
    node = best(draw, rng, place.frames)
    if layer.activation not in TABLES:
        return (node,)
    if place.image:
        return node, nodes.Table("sigmoid", channels, sigmoid_values(output.bits, exponent), output, exponent)
    result = IntType(layer.activation_bits, layer.signed)
    values = table_values(layer.activation, output, exponent, result, place.exponent)
    name = f"{place.name}_{layer.activation}"
    return node, nodes.Table(name, channels, values, output, exponent, result, place.exponent)


@nodes_of.register
def _(layer: Add, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    kind, exponent = place.input
    output = IntType(layer.activation_bits, layer.activation == "none")
    node = nodes.Add(
        place.name, place.edges[0].channels, kind, place.edges[1].type, exponent, place.exponent - exponent,
        layer.activation, output, place.exponent,
    )  # fmt: skip
    return (node,)


@nodes_of.register
def _(layer: Concat, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    return (nodes.Concat(place.name, tuple(edge.channels for edge in place.edges), *place.input),)


@nodes_of.register
def _(layer: SpaceToDepth, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    return (nodes.SpaceToDepth(place.name, place.edges[0].channels, *place.input, layer.factor),)


@nodes_of.register
def _(layer: DepthToSpace, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    return (nodes.DepthToSpace(place.name, place.edges[0].channels, *place.input, layer.factor),)


@nodes_of.register
def _(layer: MaxPool, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    return (nodes.MaxPool(place.name, place.edges[0].channels, *place.input, layer.kernel),)


@nodes_of.register
def _(layer: AveragePool, place: Place, rng: np.random.Generator) -> tuple[Node, ...]:
    kind, exponent = place.input
    output = IntType(layer.activation_bits or kind.bits, kind.signed)
    shift = 2 * (layer.kernel.bit_length() - 1) + place.exponent - exponent
    channels = place.edges[0].channels
    return (nodes.AveragePool(place.name, channels, layer.kernel, kind, exponent, shift, output, place.exponent),)
