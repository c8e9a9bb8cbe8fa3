"""Converters where two neighbours do not speak of the same thing: whole pixels, single values, complex symbols."""

from __future__ import annotations

from dataclasses import replace

from hwgen.ir.node import Node
from hwgen.rewrite.hardware import (
    INPUT,
    OUTPUT,
    AnyNode,
    HardwareGraph,
    HardwareNode,
    PixelPacker,
    PixelSerialiser,
    SymbolPacker,
    SymbolUnpacker,
)

PIXELS = "pixels"
SYMBOLS = "symbols"
"""Names of the converters' modules: those of the streams that they stand at."""


def insert_converters(graph: HardwareGraph) -> HardwareGraph:
    """A converter on every edge that joins values with pixels or symbols.

    Pixels of the input port are taken apart, of the output port put together. Values become symbols before the first
    node that takes them or before the output port, symbols become values behind the last node that gives them.
    """
    ports = {name: port.payload for name in (INPUT, OUTPUT) if (port := graph.port(name)) is not None}
    nodes: list[AnyNode] = []
    inputs: dict[str, tuple[str, ...]] = {}
    given = {INPUT: ports[INPUT]}  # what flows out of a node
    alias: dict[str, str] = {}  # the converter that stands behind a node

    def converted(source: str, wanted: str) -> str:
        if given[source] == wanted:
            return source
        if source not in alias:
            made: HardwareNode = {
                ("pixels", "values"): PixelSerialiser(PIXELS),
                ("values", "pixels"): PixelPacker(PIXELS),
                ("values", "symbols"): SymbolPacker(SYMBOLS),
                ("symbols", "values"): SymbolUnpacker(SYMBOLS),
            }[given[source], wanted]
            nodes.append(made)
            inputs[made.name] = (source,)
            alias[source] = made.name
        return alias[source]

    for node in graph.nodes:
        wanted = "symbols" if isinstance(node, Node) and node.takes_symbols else "values"
        own = tuple(converted(source, wanted) for source in graph.inputs[node.name])
        nodes.append(node)
        inputs[node.name] = own
        given[node.name] = wanted  # type: ignore[assignment]  # what takes symbols gives symbols
    converted(graph.sink, ports[OUTPUT])
    return replace(graph, nodes=tuple(nodes), inputs=inputs)
