"""The nodes of every kind of layer; a convolution's integers come from whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import singledispatch

from hwgen.assembly.place import Place
from hwgen.assembly.tables import table_values
from hwgen.ir import nodes
from hwgen.ir.edge import PIXEL
from hwgen.ir.node import Node
from hwgen.ir.nodes.pooling import averaging
from hwgen.ir.nodes.table import sigmoid_values
from hwgen.ir.types import IntType
from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.layers import TABLES, Layer
from hwgen.spec.network import Placed

Convolve = Callable[[Place], nodes.Convolution]
"""The convolution of a place."""


def node_names(placed: Placed, image: bool) -> tuple[str, ...]:
    """A layer's nodes by name: one, and a second one where the activation is a table.

    image : whether the output's values are the image's
    """
    activation = getattr(placed.layer, "activation", "none")
    if activation not in TABLES:
        return (placed.name,)
    return placed.name, activation if image else f"{placed.name}_{activation}"


@singledispatch
def nodes_of(layer: Kinds, place: Place, convolve: Convolve) -> Iterator[Node]:
    """A layer's nodes, one behind the other."""
    raise TypeError(f"layer: wanted a kind that has nodes, got {type(layer).__name__}")


@nodes_of.register
def _(layer: Layer, place: Place, convolve: Convolve) -> Iterator[Node]:
    yield convolve(place)
    if layer.activation not in TABLES:
        return
    _, name = node_names(place.placed, place.image)
    channels, (kind, exponent) = place.placed.given.channels, place.requantised
    if place.image:
        yield nodes.Table(name, channels, sigmoid_values(kind.bits, exponent), kind, exponent)
        return
    output = IntType(layer.activation_bits, layer.signed)
    values = table_values(layer.activation, kind, exponent, output, place.exponent)
    yield nodes.Table(name, channels, values, kind, exponent, output, place.exponent)


@nodes_of.register
def _(layer: Add, place: Place, convolve: Convolve) -> Iterator[Node]:
    kind, exponent = place.input
    output = PIXEL if place.image else IntType(layer.activation_bits, layer.activation == "none")
    yield nodes.Add(
        place.name, place.edges[0].channels, kind, place.edges[1].type, exponent, place.exponent - exponent,
        "none" if layer.activation == "none" else "relu", output, place.exponent,
    )  # fmt: skip


@nodes_of.register
def _(layer: Concat, place: Place, convolve: Convolve) -> Iterator[Node]:
    yield nodes.Concat(place.name, tuple(edge.channels for edge in place.edges), *place.input)


@nodes_of.register
def _(layer: SpaceToDepth, place: Place, convolve: Convolve) -> Iterator[Node]:
    yield nodes.SpaceToDepth(place.name, place.edges[0].channels, *place.input, layer.factor)


@nodes_of.register
def _(layer: DepthToSpace, place: Place, convolve: Convolve) -> Iterator[Node]:
    yield nodes.DepthToSpace(place.name, place.edges[0].channels, *place.input, layer.factor)


@nodes_of.register
def _(layer: MaxPool, place: Place, convolve: Convolve) -> Iterator[Node]:
    windows = layer.kernel, layer.step, layer.padding
    yield nodes.MaxPool(place.name, place.edges[0].channels, *place.input, *windows)


@nodes_of.register
def _(layer: AveragePool, place: Place, convolve: Convolve) -> Iterator[Node]:
    kind, exponent = place.input
    output = IntType(layer.activation_bits or kind.bits, kind.signed)
    multiplier, shift = averaging(place.name, layer.kernel, kind, exponent - place.exponent)
    yield nodes.AveragePool(
        place.name, place.edges[0].channels, layer.kernel, kind, exponent, shift, output, place.exponent, layer.step,
        layer.padding, multiplier,
    )  # fmt: skip
