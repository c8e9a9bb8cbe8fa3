"""A graph on a board, for one frame size: the hardware's graph, its streams, and the hardware side of every node."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hwgen.board import Board
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.lower import lowering
from hwgen.lower.base import Lowering, Stream
from hwgen.rewrite.hardware import INPUT, Fork, HardwareGraph, SymbolPacker
from hwgen.rewrite.pipeline import hardware_graph


@dataclass(frozen=True, eq=False)
class Design:
    """What is known before anything is chosen.

    Parameters
    ----------
    graph
        The network's.
    board
        What it is sized for.
    width, height
        Of the frame in pixels.
    """

    graph: Graph
    board: Board
    width: int
    height: int

    @cached_property
    def hardware(self) -> HardwareGraph:
        """The graph of the hardware."""
        return hardware_graph(self.graph)

    @cached_property
    def streams(self) -> dict[str, Stream]:
        """What the input port and every node give in a frame, by name."""
        graph, hardware = self.graph, self.hardware
        shapes = graph.shapes(self.width, self.height)
        port = hardware.ports[0]
        rows, columns, channels = shapes[graph.source]
        values = Stream(rows, columns, channels, graph.input)
        words = graph.symbols(self.width, self.height)
        found = {INPUT: values if port.payload == "pixels" else Stream(1, words, 2, graph.input, symbols=True)}
        for node in hardware.nodes:
            before = found[hardware.inputs[node.name][0]]
            if isinstance(node, Node):
                edge = graph.edges[node.name]
                found[node.name] = Stream(*shapes[node.name], edge.type, edge.symbols)
            elif isinstance(node, SymbolPacker):
                found[node.name] = Stream(1, (before.values + 1) // 2, 2, before.type, symbols=True)
            else:
                # A converter of symbols to values stands before the latent; all others keep the frame.
                found[node.name] = values if before.symbols else before
        return found

    @cached_property
    def lowerings(self) -> dict[str, Lowering[Any]]:
        """The hardware side of every node, in topological order."""
        found = {}
        for node in self.hardware.nodes:
            inputs = tuple(self.streams[name] for name in self.hardware.inputs[node.name])
            consumers = len(self.hardware.consumers[node.name]) if isinstance(node, Fork) else 1
            found[node.name] = lowering(node, inputs, self.streams[node.name], consumers)
        return found

    @property
    def least_frame_cycles(self) -> int:
        """What a frame must last for its predictions to hold."""
        return max(one.least_frame_cycles for one in self.lowerings.values())
