"""The ports of a design, from what its network takes and gives."""

from __future__ import annotations

from hwgen.ir.graph import Graph
from hwgen.rewrite.hardware import COEFFICIENTS, INPUT, OUTPUT, HardwareGraph, Payload, Port


def attach_ports(graph: Graph) -> HardwareGraph:
    """The network's own nodes between a port of pixels or symbols and one of the other kind.

    A network with a complex matrix that comes with every frame has a port for its coefficients as well.
    """
    taken: Payload = "pixels" if graph.source == "pixels" else "symbols"
    given: Payload = "symbols" if taken == "pixels" else "pixels"
    ports = [Port(INPUT, "input", taken)]
    if graph.coefficient_words:
        ports.append(Port(COEFFICIENTS, "input", "coefficients"))
    ports.append(Port(OUTPUT, "output", given))
    inputs = {
        node.name: tuple(INPUT if name == graph.source else name for name in graph.inputs[node.name])
        for node in graph.nodes
    }
    return HardwareGraph(graph, graph.nodes, inputs, tuple(ports))
