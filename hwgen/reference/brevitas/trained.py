"""The trained network of a checkpoint in float64: every layer's integers, by the names of a graph's nodes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hwgen.assembly.layers import node_names
from hwgen.ir.edge import PIXEL_EXPONENT, SYMBOL_EXPONENT
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Gain, Power
from hwgen.numerics.formats import POWER
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, real
from hwgen.train.quantised import from_checkpoint
from hwgen.train.quantised_layers.layer import QuantisedLayer, exponent_of
from hwgen.train.quantised_layers.make import makes_image
from hwgen.train.quantised_network import GAIN_BITS, QuantDeepJSCC
from hwgen.train.quantised_profiles import ProfiledQuantDeepJSCC
from hwgen.train.quantised_side import QuantSide

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec


def trained(spec: ModelSpec, checkpoint: Path, graph: Graph, x: IntArray) -> dict[str, IntArray]:
    """Every value node's output, by the network itself; the graph gives only the names and the ends' kinds.

    Parameters
    ----------
    x
        (H, W, C) integers: pixels, or the parts of received symbols.

    Raises
    ------
    HwgenError
        The checkpoint is not this network's.
    """
    network = _network(spec, checkpoint)
    if isinstance(network, ProfiledQuantDeepJSCC):
        network.chosen.take(graph.profile)
    with torch.no_grad():
        return _encode(network, graph, x) if graph.side == "tx" else _decode(network, graph, x)


def _network(spec: ModelSpec, checkpoint: Path) -> QuantDeepJSCC:
    """The last ones are kept, as long as their files are the same."""
    return _read(spec, checkpoint, checkpoint.stat().st_mtime_ns if checkpoint.is_file() else 0)


@lru_cache(maxsize=2)
def _read(spec: ModelSpec, checkpoint: Path, changed: int) -> QuantDeepJSCC:
    return from_checkpoint(spec, checkpoint).double()


def _encode(network: QuantDeepJSCC, graph: Graph, pixels: IntArray) -> dict[str, IntArray]:
    found = _layers(network.encoder, network.pixel_quantiser(real(pixels, PIXEL_EXPONENT)))
    end = graph.value_nodes[-1]
    assert isinstance(end, Gain | Power), "nothing else ends a transmitter's values"
    if network.mode == "per_image":
        own: Gain | Power = Power(end.name, end.channels, round(network.power * 2**POWER.fraction), end.input)
    elif isinstance(network, ProfiledQuantDeepJSCC):
        factors, shift = network.transmit_factors
        own = Gain(end.name, end.channels, factors[[graph.profile]].numpy(), GAIN_BITS, shift, end.input)
    else:
        factor, shift = network.gain
        own = Gain(end.name, end.channels, factor, GAIN_BITS, shift, end.input)
    return found | {end.name: golden_node(own, found[network.encoder.network.last.name])}


def _decode(network: QuantDeepJSCC, graph: Graph, latent: IntArray) -> dict[str, IntArray]:
    parts = real(latent, SYMBOL_EXPONENT)
    if isinstance(network, ProfiledQuantDeepJSCC):
        parts = network.amplified(parts)
    received, x = graph.value_nodes[0], network.received_quantiser(parts)
    return {received.name: integers(x, exponent_of(x))} | _layers(network.decoder, x)


def _layers(side: QuantSide, x: Any) -> dict[str, IntArray]:
    """Every layer's integers, for the quantised input of a side."""
    outputs, found = side.outputs(x), dict[str, IntArray]()
    for placed, layer in zip(side.network.layers, side, strict=True):
        assert isinstance(layer, QuantisedLayer)
        output = outputs[placed.name]
        stages = *layer.inner(*(outputs[name] for name in placed.sources)), (output, exponent_of(output))
        names = node_names(placed, makes_image(placed, side.network))
        found |= {name: integers(*stage) for name, stage in zip(names, stages, strict=True)}
    return found
