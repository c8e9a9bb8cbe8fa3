"""A model as everything behind training sees it: its specification and the integer graph that belongs to it."""

from __future__ import annotations

from hwgen.errors import HwgenError
from hwgen.ir import serialize
from hwgen.ir.graph import Graph
from hwgen.random_init import random_graph
from hwgen.spec import ModelSpec


def load_graph(spec: ModelSpec, init: int | None = None) -> Graph:
    """The model's integer graph: the exported one, or random integers of seed `init`.

    Raises
    ------
    HwgenError : there is no exported graph, its files are damaged, or it is of another network
    """
    if init is not None:
        return random_graph(spec, init)
    if not spec.graph_path.exists():
        raise HwgenError(
            str(spec.graph_path), "the integer graph of a trained model (or --init random:SEED)", "no such file"
        )
    graph = serialize.load(spec.folder)
    _check_same_network(spec, graph)
    return graph


def _check_same_network(spec: ModelSpec, graph: Graph) -> None:
    """A specification that was changed after the export is refused: the graph is of the network that it was."""
    nodes = graph.convolutions
    where = str(spec.graph_path)
    if len(nodes) != len(spec.encoder):
        raise HwgenError(where, f"the specification's {len(spec.encoder)} layers", str(len(nodes)))
    for layer, channels, node in zip(spec.encoder, spec.encoder_channels, nodes, strict=True):
        for key, wanted, got in (
            ("channels", channels, node.out_channels),
            ("kernel", layer.kernel, node.kernel),
            ("stride", layer.stride, node.stride),
            ("activation", layer.activation, node.activation),
            ("weight_bits", layer.weight_bits, node.weight_bits),
            ("activation_bits", layer.activation_bits, node.output.bits),
        ):
            if wanted != got:
                text = f"the specification's {wanted} (export again)"
                raise HwgenError(f"{where}: {node.name}.{key}", text, str(got))
