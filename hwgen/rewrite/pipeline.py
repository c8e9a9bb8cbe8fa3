"""The rewrites that make a design's graph of a network's, in their order."""

from __future__ import annotations

from collections.abc import Callable

from hwgen.ir.graph import Graph
from hwgen.rewrite.attach_ports import attach_ports
from hwgen.rewrite.hardware import HardwareGraph
from hwgen.rewrite.insert_converters import insert_converters
from hwgen.rewrite.insert_forks import insert_forks
from hwgen.rewrite.insert_framing import insert_framing
from hwgen.rewrite.split_patches import split_patches

REWRITES: tuple[Callable[[HardwareGraph], HardwareGraph], ...] = (
    split_patches, insert_converters, insert_forks, insert_framing,
)  # fmt: skip
"""The steps from a network with its ports to the hardware's graph, in order."""


def hardware_graph(graph: Graph) -> HardwareGraph:
    """The graph of the hardware that computes a network."""
    found = attach_ports(graph)
    for rewrite in REWRITES:
        found = rewrite(found)
    return found
