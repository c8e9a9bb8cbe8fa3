"""A model as everything behind training sees it: its specification and the integer graph that belongs to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

from hwgen.assembly.layers import node_names
from hwgen.assembly.place import ACTIVATIONS
from hwgen.errors import HwgenError
from hwgen.ir import serialize
from hwgen.ir.graph import SIDES, Graph
from hwgen.ir.nodes import Power, Receive
from hwgen.ir.types import IntType
from hwgen.numerics.formats import POWER
from hwgen.radio import channel as channels
from hwgen.random_init import random_graph
from hwgen.spec.layers import Layer
from hwgen.spec.model import Channel, Kind, ModelSpec
from hwgen.spec.network import Network

RX_FOLDER = "rx"
"""Where the receiver's graph lies, below the model's folder; the transmitter's lies in the folder itself."""


def graph_folder(spec: ModelSpec, side: str) -> Path:
    """The folder of a side's graph.json and weights.npz."""
    return spec.folder / RX_FOLDER if side == "rx" else spec.folder


def channel_of(spec: ModelSpec, kind: str | None = None) -> Channel:
    """The specification's channel, or one of another kind with that kind's defaults and the same power and SNRs.

    Raises
    ------
    HwgenError : no such kind
    """
    if kind is None or kind == spec.channel.kind:
        return spec.channel
    if kind not in get_args(Kind):
        raise HwgenError("--channel", ", ".join(get_args(Kind)), kind)
    return Channel(kind=kind, snr_db=spec.channel.snr_db, power=spec.channel.power)  # type: ignore[arg-type]


def load_graph(spec: ModelSpec, init: int | None = None, side: str = "tx", channel: str | None = None) -> Graph:
    """One side's integer graph: the exported one, or random integers of seed `init`; with the channel's nodes.

    Parameters
    ----------
    side : "tx" or "rx"
    channel : a kind of channel, whose precoder or equaliser is added; None takes the specification's

    Raises
    ------
    HwgenError : there is no exported graph, its files are damaged, or it is of another network; no such side or kind
    """
    if side not in SIDES:
        raise HwgenError("--side", "tx or rx", side)
    graph = random_graph(spec, init, side) if init is not None else _exported(spec, side)
    return with_channel(graph, channel_of(spec, channel))


def with_channel(graph: Graph, channel: Channel) -> Graph:
    """The graph with the nodes that a channel asks of its side: a precoder behind it, an equaliser before it."""
    added = channels.nodes(channel, graph.side)
    if not added:
        return graph
    if graph.side == "tx":
        return replace(graph, nodes=(*graph.nodes, *added))
    # What took the port's symbols takes those of the last node added; inputs that are not named follow in a row.
    behind = {
        name: tuple(added[-1].name if source == graph.source else source for source in sources)
        for name, sources in graph.inputs.items()
    }
    return replace(graph, nodes=(*added, *graph.nodes), inputs=behind)


def _exported(spec: ModelSpec, side: str) -> Graph:
    folder = graph_folder(spec, side)
    path = folder / serialize.GRAPH_FILE
    if not path.exists():
        raise HwgenError(str(path), "the integer graph of a trained model (or --init random:SEED)", "no such file")
    graph = serialize.load(folder)
    if graph.side != side:
        raise HwgenError(f"{path}: side", side, graph.side)
    _check_same_network(spec, graph, path)
    return graph


def _check_same_network(spec: ModelSpec, graph: Graph, path: Path) -> None:
    """A specification that was changed after the export is refused: the graph is of the network that it was."""
    network = spec.encoder_network if graph.side == "tx" else spec.decoder_network
    placed = [one for one in network.layers if isinstance(one.layer, Layer)]
    nodes = graph.convolutions
    if len(nodes) != len(placed):
        raise HwgenError(str(path), f"the specification's {len(placed)} layers", str(len(nodes)))
    for one, node in zip(placed, nodes, strict=True):
        layer = one.layer
        assert isinstance(layer, Layer)
        wanted_of: list[tuple[str, object, object]] = [
            ("channels", one.given.channels, node.out_channels),
            ("kernel", _size(*layer.kernel_size), _size(node.kernel_height, node.kernel_width)),
            ("stride", layer.stride, node.stride),
            ("groups", one.groups, node.groups),
            ("dilation", layer.dilation, node.dilation),
            ("activation", ACTIVATIONS.get(layer.activation, "none"), node.activation),
            ("weight_bits", layer.weight_bits, node.weight_bits),
            ("imag_activation_bits", layer.imag_activation_bits % layer.activation_bits, node.imag_bits),
        ]
        if not (graph.side == "rx" and one is network.ends[0]):  # what ends in pixels has their bits, or a table's
            wanted_of.append(("activation_bits", layer.activation_bits, node.output.bits))
        for key, wanted, got in wanted_of:
            _check_equal(f"{path}: {node.name}.{key}", wanted, got)
    limits = spec.training.profiles if spec.training is not None else ()
    _check_equal(f"{path}: profile_limits", tuple(map(float, limits)), graph.profile_limits)
    _check_same_branches(spec, network, graph, path)
    _check_same_end(spec, graph, path)


def _check_same_branches(spec: ModelSpec, network: Network, graph: Graph, path: Path) -> None:
    """Every layer has its nodes, takes the outputs that it names, and gives frames of the same size and type."""
    width, height = spec.frame.width, spec.frame.height
    port = (height, width) if graph.side == "tx" else spec.encoder_network.output_size(height, width)
    sizes, shapes = network.sizes(*port), graph.shapes(width, height)
    last = {network.source: graph.source if graph.side == "tx" else graph.value_nodes[0].name}
    image = network.ends if graph.side == "rx" else ()
    for placed in network.layers:
        names = node_names(placed, placed in image[:1])
        for name in names:
            if name not in graph.edges:
                raise HwgenError(f"{path}: {name}", "the specification's layer (export again)", "none")
        _check_equal(f"{path}: {names[0]}.inputs", tuple(last[name] for name in placed.sources), graph.inputs[names[0]])
        last[placed.name], edge = names[-1], graph.edges[names[-1]]
        wanted = (*sizes[placed.name], placed.given.channels)
        _check_equal(f"{path}: {names[-1]}.shape", wanted, shapes[names[-1]])
        if placed not in image:
            kind = IntType(placed.given.bits, placed.given.signed)
            _check_equal(f"{path}: {names[-1]}.output", kind, edge.type)


def _size(rows: int, columns: int) -> int | tuple[int, int]:
    """A kernel's size as a specification has it."""
    return rows if rows == columns else (rows, columns)


def _check_same_end(spec: ModelSpec, graph: Graph, path: Path) -> None:
    """Refuse a graph with another end at the radio: the mode of the gain, the quantiser of received symbols."""
    if graph.side == "rx":
        received = graph.value_nodes[0]
        assert isinstance(received, Receive), "a receiver's values begin so"
        wanted = spec.received_imag_bits % received.output.bits
        _check_equal(f"{path}: {received.name}.imag_bits", wanted, received.imag_bits)
        return
    end = graph.value_nodes[-1]
    _check_equal(f"{path}: gain.mode", spec.gain.mode, "per_image" if isinstance(end, Power) else "static")
    if isinstance(end, Power):
        _check_equal(f"{path}: {end.name}.power", round(spec.channel.power * 2**POWER.fraction), end.power)


def _check_equal(where: str, wanted: object, got: object) -> None:
    if wanted != got:
        raise HwgenError(where, f"the specification's {wanted} (export again)", str(got))
