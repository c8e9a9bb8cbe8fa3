"""The graph of a design: a network's nodes, and what stands between them because they are streams in hardware.

A hardware node has no arithmetic of its own: it takes pixels apart, pairs values up, or copies a stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node

INPUT = "s_axis"
OUTPUT = "m_axis"
COEFFICIENTS = "s_coef"
Payload: TypeAlias = Literal["pixels", "symbols", "coefficients"]


@dataclass(frozen=True)
class Port:
    """An AXI4-Stream of the design: its name, which way it goes, and what a beat is."""

    name: str
    direction: Literal["input", "output"]
    payload: Payload


@dataclass(frozen=True)
class HardwareNode:
    """A component without a counterpart in the network; `name` is that of its module below the top."""

    name: str


@dataclass(frozen=True)
class InputFraming(HardwareNode):
    """Frames of whole length at the input port, and of coefficients, so many words each, where there are any.

    Parameters
    ----------
    coefficient_words
        Of a frame.
    profiles
        Of which each frame has one.
    takers
        Names of the nodes that need to know it.
    """

    coefficient_words: int
    profiles: int = 1
    takers: tuple[str, ...] = ()


@dataclass(frozen=True)
class PixelSerialiser(HardwareNode):
    """Whole pixels to single values, where the node behind it takes its channels one by one."""


@dataclass(frozen=True)
class PixelPacker(HardwareNode):
    """Single values to whole pixels, with TLAST."""


@dataclass(frozen=True)
class SymbolPacker(HardwareNode):
    """Values to symbols, two to one, with TLAST."""


@dataclass(frozen=True)
class SymbolUnpacker(HardwareNode):
    """Symbols to values."""


@dataclass(frozen=True)
class Fork(HardwareNode):
    """One stream to several consumers: a beat moves when all of them have room."""


AnyNode: TypeAlias = Node | HardwareNode


@dataclass(frozen=True, eq=False)
class HardwareGraph:
    """Nodes in topological order with their sources, and the design's ports.

    Parameters
    ----------
    network
        The graph that it computes.
    nodes
        Network nodes and hardware nodes, every one behind its sources; the last one gives the output.
    inputs
        Of every node the names of its sources; INPUT is the port.
    ports
        In the order of the module's ports.

    Raises
    ------
    HwgenError
        A name that stands twice, a source that does not come before.
    """

    network: Graph
    nodes: tuple[AnyNode, ...]
    inputs: Mapping[str, tuple[str, ...]]
    ports: tuple[Port, ...]

    def __post_init__(self) -> None:
        seen = {INPUT}
        for node in self.nodes:
            if node.name in seen:
                wanted = f"names beside {INPUT} and those of converters, forks (NAME_fork) and patches (NAME_patches)"
                raise HwgenError("nodes", wanted, node.name)
            if missing := [name for name in self.inputs[node.name] if name not in seen]:
                raise HwgenError(f"{node.name}.inputs", "nodes before it", ", ".join(missing))
            seen.add(node.name)

    @cached_property
    def by_name(self) -> dict[str, AnyNode]:
        """Every node by its name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def consumers(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Who takes the output of the port and of every node: (node, which of its inputs), in the nodes' order."""
        found: dict[str, list[tuple[str, int]]] = {INPUT: [], **{node.name: [] for node in self.nodes}}
        for node in self.nodes:
            for place, source in enumerate(self.inputs[node.name]):
                found[source].append((node.name, place))
        return {name: tuple(taken) for name, taken in found.items()}

    @property
    def sink(self) -> str:
        """The node that gives the output."""
        return self.nodes[-1].name

    @property
    def branches(self) -> frozenset[str]:
        """Nodes that stand between a fork and a node where several streams meet: another way leads past them."""
        behind: set[str] = set()
        for node in self.nodes:
            if any(name in behind or isinstance(self.by_name.get(name), Fork) for name in self.inputs[node.name]):
                behind.add(node.name)
        before: set[str] = set()
        for node in reversed(self.nodes):
            if any(name in before or len(self.inputs[name]) > 1 for name, _ in self.consumers[node.name]):
                before.add(node.name)
        return frozenset(behind & before)

    @property
    def image_channels(self) -> int:
        """Values of a pixel at the port of pixels."""
        network = self.network
        return network.input_channels if self.ports[0].payload == "pixels" else network.edges[network.sink].channels

    def port(self, name: str) -> Port | None:
        """The port of that name, if the design has it."""
        return next((port for port in self.ports if port.name == name), None)
