"""The trained network of a checkpoint in float64: every layer's integers, by the names of a graph's nodes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hwgen.ir.edge import PIXEL_EXPONENT, SYMBOL_EXPONENT
from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Gain, Power, Table
from hwgen.numerics.formats import POWER
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantiser, real
from hwgen.train.quantised import GAIN_BITS, QuantDeepJSCC, QuantLayer, from_checkpoint

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
    with torch.no_grad():
        return _encode(network, graph, x) if graph.side == "tx" else _decode(network, graph, x)


def _network(spec: ModelSpec, checkpoint: Path) -> QuantDeepJSCC:
    """The last ones are kept, as long as their files are the same."""
    return _read(spec, checkpoint, checkpoint.stat().st_mtime_ns if checkpoint.is_file() else 0)


@lru_cache(maxsize=2)
def _read(spec: ModelSpec, checkpoint: Path, changed: int) -> QuantDeepJSCC:
    return from_checkpoint(spec, checkpoint).double()


def _encode(network: QuantDeepJSCC, graph: Graph, pixels: IntArray) -> dict[str, IntArray]:
    found: dict[str, IntArray] = {}
    x: Tensor = network.pixel_quantiser(real(pixels, PIXEL_EXPONENT))
    for node, layer in zip(graph.convolutions, network.encoder, strict=True):
        assert isinstance(layer, QuantLayer)
        x = layer(x)
        found[node.name] = latent = integers(x, layer.exponent)
    end = graph.value_nodes[-1]
    assert isinstance(end, Gain | Power), "nothing else ends a transmitter's values"
    if network.mode == "per_image":
        own: Gain | Power = Power(end.name, end.channels, round(network.power * 2**POWER.fraction), end.input)
    else:
        factor, shift = network.gain
        own = Gain(end.name, end.channels, factor, GAIN_BITS, shift, end.input)
    return found | {end.name: golden_node(own, latent)}


def _decode(network: QuantDeepJSCC, graph: Graph, latent: IntArray) -> dict[str, IntArray]:
    received = graph.value_nodes[0]
    x = network.received_quantiser(real(latent, SYMBOL_EXPONENT))
    found = {received.name: integers(x, received.output_exponent)}
    *inner, last = network.decoder
    names = [node.name for node in graph.convolutions]
    for name, layer in zip(names, inner, strict=False):
        assert isinstance(layer, QuantLayer)
        x = layer(x)
        found[name] = integers(x, layer.exponent)
    name = names[-1]
    assert isinstance(last, QuantLayer)
    end = graph.nodes[-1]
    if isinstance(end, Table):
        found[name] = integers(quantiser(end.input, end.input_exponent)(last.conv(x)), end.input_exponent)
        return found | {end.name: golden_node(end, found[name])}
    return found | {name: integers(network.pixel_quantiser(last.activation(last.conv(x))), PIXEL_EXPONENT)}
