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
from hwgen.lower.fork import ForkLowering
from hwgen.option_values import Engine
from hwgen.rewrite.hardware import INPUT, Fork, HardwareGraph, InputFraming, SymbolPacker
from hwgen.rewrite.pipeline import hardware_graph


@dataclass(frozen=True, eq=False)
class Design:
    """A graph on a board at a frame size, before anything is chosen.

    Parameters
    ----------
    graph
        The network's.
    board
        The board that it is sized for.
    width, height
        Of the frame in pixels.
    engine
        Of its convolutions.
    """

    graph: Graph
    board: Board
    width: int
    height: int
    engine: Engine = "direct"

    @cached_property
    def hardware(self) -> HardwareGraph:
        """The graph of the hardware."""
        return hardware_graph(self.graph)

    @cached_property
    def streams(self) -> dict[str, Stream]:
        """Streams of the input port and of every node in a frame, by name."""
        graph, hardware = self.graph, self.hardware
        shapes = graph.shapes(self.width, self.height)
        port = hardware.ports[0]
        rows, columns, channels = shapes[graph.source]
        values = Stream(rows, columns, channels, graph.input)
        words = graph.symbols(self.width, self.height)
        found = {INPUT: values if port.payload == "pixels" else Stream(1, words, 2, graph.input, symbols=True)}
        for node in hardware.nodes:
            before = found[hardware.inputs[node.name][0]]
            if isinstance(node, Node) and node.name in shapes:
                edge = graph.edges[node.name]
                found[node.name] = Stream(*shapes[node.name], edge.type, edge.symbols)
            elif isinstance(node, Node):  # put in by a rewrite
                found[node.name] = Stream(
                    *node.output_shape((before.rows, before.columns, before.channels)), node.output
                )
            elif isinstance(node, InputFraming):
                found[node.name] = before
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
            found[node.name] = lowering(
                node, inputs, self.streams[node.name], consumers, self.board.half_block_luts
            )
            found[node.name].engine = self.engine
        self._estimate_forks(found)
        return found

    def _estimate_forks(self, lowerings: dict[str, Lowering[Any]]) -> None:
        """Estimate the beats in forks' branches while others catch up: sizing counts on it, before depths are exact.

        A node lags behind the port by what its windows need; where branches meet, the quicker ones wait, and with them
        all that stands before, up to a fork that holds what comes meanwhile.
        """
        hardware = self.hardware
        lags: dict[str, float] = {INPUT: 0.0}
        for name, one in lowerings.items():
            lags[name] = max(lags[source] for source in hardware.inputs[name]) + one.lag
        waits: dict[str, float] = {}
        for name, one in reversed(lowerings.items()):
            found = []
            for consumer, _ in hardware.consumers[name]:
                meets = len(hardware.inputs[consumer]) > 1
                wait = lags[consumer] - lowerings[consumer].lag - lags[name] if meets else 0.0
                found.append(max(wait, 0.0) + waits[consumer])
            if isinstance(one, ForkLowering):
                # A branch that a line buffer follows holds next to nothing itself.
                single = [lowerings[consumer].takes_single_beats for consumer, _ in hardware.consumers[name]]
                one.held = [wait if alone else 0.0 for wait, alone in zip(found, single, strict=True)]
                found = [wait - held for wait, held in zip(found, one.held, strict=True)]
            waits[name] = max(found, default=0.0)

    @property
    def least_frame_cycles(self) -> int:
        """The fewest cycles that a frame must last for its predictions to hold."""
        return max(one.least_frame_cycles for one in self.lowerings.values())
