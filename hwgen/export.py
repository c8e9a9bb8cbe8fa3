"""Export: a trained, quantised network to the integer graph. The only bridge from torch to the rest.

Every integer is computed in float64, where dividing by a power of two and rounding are exact. The graph's
constructors then prove, channel by channel, that no accumulator can overflow and that all integers are in range
(hwgen/ir/graph.py); what they refuse is not written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwgen.assembly.convolution import convolution_node
from hwgen.assembly.network import assemble
from hwgen.assembly.place import Place
from hwgen.errors import HwgenError
from hwgen.ir.edge import PIXEL, PIXEL_EXPONENT, SYMBOL, SYMBOL_EXPONENT, Edge
from hwgen.ir.graph import SIDES, Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import Convolution, Gain, Power, Receive
from hwgen.ir.serialize import GRAPH_FILE, WEIGHTS_FILE, save_all
from hwgen.ir.types import IntType
from hwgen.model import RX_FOLDER
from hwgen.numerics.formats import POWER
from hwgen.outputs import check_file
from hwgen.train.checkpoint import read, terms
from hwgen.train.clipped import clipped
from hwgen.train.quantised import from_checkpoint
from hwgen.train.quantised_layers.convolution import QuantLayer, QuantTableLayer
from hwgen.train.quantised_network import GAIN_BITS, RECEIVED_BITS, QuantDeepJSCC
from hwgen.train.quantised_profiles import ProfiledQuantDeepJSCC
from hwgen.train.quantised_side import QuantSide
from hwgen.train.quantisers import coarse, exponents

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

Nodes = tuple[tuple[Node, ...], dict[str, tuple[str, ...]]]
"""Nodes, and the sources of each."""

def export(spec: ModelSpec, checkpoint: Path, side: str = "tx") -> Graph:
    """One side's integer graph of a checkpoint.

    Raises
    ------
    HwgenError
        The checkpoint is missing, damaged or of another network, was trained on data of other terms than the
        specification names, or its integers do not fit the graph.
    """
    network = from_checkpoint(spec, checkpoint).double()
    carried = terms(checkpoint, read(checkpoint)[1], spec)
    size = spec.frame.width, spec.frame.height
    try:
        if side == "tx":
            nodes, inputs = _transmitter(network)
            channels = spec.frame.channels
            return Graph(spec.name, size, nodes, input_channels=channels, terms=carried, inputs=inputs,
                         **_profiles(network))  # fmt: skip
        latent = spec.latent_channels
        nodes, inputs = _receiver(network, latent)
        return Graph(spec.name, size, nodes, "rx", latent, SYMBOL, SYMBOL_EXPONENT, terms=carried, inputs=inputs,
                     **_profiles(network))  # fmt: skip
    except HwgenError as error:
        raise HwgenError(f"{checkpoint}: {error.where}", error.wanted, error.got) from None


def export_model(spec: ModelSpec, checkpoint: Path | None = None, out: Path | None = None) -> tuple[Graph, Graph]:
    """Export both sides of a model's checkpoint: graph.json and weights.npz, the receiver's in the folder rx.

    Parameters
    ----------
    checkpoint, out
        By default the model's own checkpoint and folder.
    """
    folder = out or spec.folder
    for target in (folder, folder / RX_FOLDER):
        for name in (GRAPH_FILE, WEIGHTS_FILE):
            check_file("--out", target / name)
    sides = [export(spec, checkpoint or spec.checkpoint_path, side) for side in SIDES]
    save_all(dict(zip((folder, folder / RX_FOLDER), sides, strict=True)))
    return sides[0], sides[1]


def clipped_values(spec: ModelSpec, checkpoint: Path | None = None) -> list[str]:
    """A line for each layer's kind of values of which some are beyond their integers; as `export`."""
    return [str(found) for found in clipped(from_checkpoint(spec, checkpoint or spec.checkpoint_path))]


def _transmitter(network: QuantDeepJSCC) -> Nodes:
    side = network.encoder
    nodes, inputs = _layers(side, Edge(side.network.port.channels, PIXEL, PIXEL_EXPONENT), side.network.source)
    channels, kind = nodes[-1].out_channels, nodes[-1].output  # type: ignore[attr-defined]
    end: Node
    if network.mode == "per_image":
        end = Power("power", channels, round(network.power * 2**POWER.fraction), kind)
    elif isinstance(network, ProfiledQuantDeepJSCC):
        factors, shift = network.transmit_factors
        end = Gain("gain", channels, factors.numpy(), GAIN_BITS, shift, kind)
    else:
        end = Gain("gain", channels, network.gain[0], GAIN_BITS, network.gain[1], kind)
    return (*nodes, end), inputs


def _profiles(network: QuantDeepJSCC) -> dict[str, Any]:
    """Further arguments of a graph with several profiles."""
    if not isinstance(network, ProfiledQuantDeepJSCC):
        return {}
    return {"profiles": network.profiles, "profile_limits": network.bounds}


def _receiver(network: QuantDeepJSCC, latent: int) -> Nodes:
    received = receive_node(network, latent)
    port = Edge(latent, received.output, received.output_exponent)
    nodes, inputs = _layers(network.decoder, port, received.name)
    return (received, *nodes), inputs


def _layers(side: QuantSide, port: Edge, port_node: str) -> Nodes:
    """All layers' nodes, and the sources of each."""
    layers = dict(zip((placed.name for placed in side.network.layers), side, strict=True))
    exponents = {name: side.exponent(name) for name in layers}
    arguments = {name: layer.addressing.exponent for name, layer in layers.items()
                 if isinstance(layer, QuantTableLayer)}  # fmt: skip

    def convolve(place: Place) -> Convolution:
        layer = layers[place.name]
        assert isinstance(layer, QuantLayer)
        return convolution_node(place, layer.node_integers(place.input[1]))

    found = list(assemble(side.network, port, port_node, exponents, arguments, convolve))
    return tuple(node for node, _ in found), {node.name: sources for node, sources in found}


def receive_node(network: QuantDeepJSCC, latent: int) -> Receive:
    """The node that quantises the received symbols."""
    exponent = int(exponents(network.received_quantiser, RECEIVED_BITS - 1))
    imag_bits, imag_left = coarse(network.received_quantiser) or (0, 0)
    if isinstance(network, ProfiledQuantDeepJSCC):
        factors, fraction = network.receive_factors
        return Receive(
            "received", latent, exponent - SYMBOL_EXPONENT, IntType(RECEIVED_BITS, True), exponent,
            factor=factors.numpy(), factor_fraction=fraction,
        )  # fmt: skip
    return Receive(
        "received", latent, exponent - SYMBOL_EXPONENT, IntType(RECEIVED_BITS, True), exponent,
        imag_bits=imag_bits, imag_left=imag_left,
    )  # fmt: skip
