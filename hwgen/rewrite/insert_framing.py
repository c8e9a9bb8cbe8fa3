"""Framers between a design's input ports and everything else."""

from __future__ import annotations

from dataclasses import replace

from hwgen.ir.node import Node
from hwgen.rewrite.hardware import INPUT, HardwareGraph, InputFraming

FRAMER = "framer"
"""Name of the module."""


def insert_framing(graph: HardwareGraph) -> HardwareGraph:
    """What takes the port takes its frames, each of whole length; those of coefficients are framed beside them.

    Nodes with numbers of every profile get each frame's from here.
    """
    takers = tuple(node.name for node in graph.nodes if isinstance(node, Node) and node.profiles > 1)
    made = InputFraming(FRAMER, graph.network.coefficient_words, graph.network.profiles, takers)
    inputs = {
        name: tuple(FRAMER if source == INPUT else source for source in sources)
        for name, sources in graph.inputs.items()
    }
    return replace(graph, nodes=(made, *graph.nodes), inputs={FRAMER: (INPUT,), **inputs})
