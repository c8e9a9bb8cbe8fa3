"""The quantised network's module for each layer of the specification."""

from __future__ import annotations

from functools import singledispatch

from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.layers import TABLES, Layer
from hwgen.spec.network import Network, Placed
from hwgen.train.quantised_layers.add import QuantAdd
from hwgen.train.quantised_layers.complex import QuantComplexLayer
from hwgen.train.quantised_layers.convolution import QuantLayer, QuantTableLayer
from hwgen.train.quantised_layers.image import QuantImageAdd, QuantImageLayer
from hwgen.train.quantised_layers.layer import QuantisedLayer
from hwgen.train.quantised_layers.pooling import QuantAveragePool, QuantMaxPool
from hwgen.train.quantised_layers.reshaping import QuantConcat, QuantDepthToSpace, QuantSpaceToDepth


def quantised_layer(placed: Placed, network: Network) -> QuantisedLayer:
    """The module of a layer in its network, with fresh weights."""
    return _make(placed.layer, placed, network)


def makes_image(placed: Placed, network: Network) -> bool:
    """Whether a layer's output has the image's values."""
    return network.side == "decoder" and placed is network.ends[0]


@singledispatch
def _make(layer: Kinds, placed: Placed, network: Network) -> QuantisedLayer:
    raise TypeError(f"layer: wanted a kind that can be quantised, got {type(layer).__name__}")


@_make.register
def _(layer: Layer, placed: Placed, network: Network) -> QuantisedLayer:
    if makes_image(placed, network):
        return QuantImageLayer(placed)
    if layer.complex:
        return QuantComplexLayer(placed, network.side == "decoder")
    kind = QuantTableLayer if layer.activation in TABLES else QuantLayer
    return kind(placed, network.side == "decoder")


@_make.register
def _(layer: Add, placed: Placed, network: Network) -> QuantisedLayer:
    return QuantImageAdd(placed) if makes_image(placed, network) else QuantAdd(placed)


@_make.register
def _(layer: Concat, placed: Placed, network: Network) -> QuantisedLayer:
    return QuantConcat()


@_make.register
def _(layer: SpaceToDepth, placed: Placed, network: Network) -> QuantisedLayer:
    return QuantSpaceToDepth(placed)


@_make.register
def _(layer: DepthToSpace, placed: Placed, network: Network) -> QuantisedLayer:
    return QuantDepthToSpace(placed)


@_make.register
def _(layer: MaxPool, placed: Placed, network: Network) -> QuantisedLayer:
    return QuantMaxPool(placed)


@_make.register
def _(layer: AveragePool, placed: Placed, network: Network) -> QuantisedLayer:
    return QuantAveragePool(placed)
