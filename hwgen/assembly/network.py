"""All nodes of one side of a specification, and the edges between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hwgen.assembly.layers import Convolve, nodes_of
from hwgen.assembly.place import Place
from hwgen.ir.edge import Edge
from hwgen.ir.node import Node
from hwgen.spec.network import Network


def assemble(
    network: Network,
    port: Edge,
    port_node: str,
    exponents: Mapping[str, int],
    arguments: Mapping[str, int],
    convolve: Convolve,
) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Every node with the names of its sources, in topological order; each is made when it is asked for.

    Parameters
    ----------
    port, port_node
        The edge that the layers at the port take, and the node that gives it, or the port itself.
    exponents
        Of every layer's output.
    arguments
        Of what addresses the table of a layer whose activation is one.
    convolve
        Gives the convolution of a place. All nodes before have been handed out by then.

    Raises
    ------
    HwgenError
        Nodes that do not fit what they take.
    """
    edges, names = {network.source: port}, {network.source: port_node}
    end = network.ends[0]
    for placed in network.layers:
        taken = tuple(edges[source] for source in placed.sources)
        sources = tuple(names[source] for source in placed.sources)
        image = network.side == "decoder" and placed is end
        place = Place(placed, taken, sources, exponents[placed.name], arguments.get(placed.name, 0), image)
        for node in nodes_of(placed.layer, place, convolve):
            yield node, sources
            taken, sources = (node.infer(*taken),), (node.name,)
        edges[placed.name], names[placed.name] = taken[0], sources[0]
