"""What stands around the convolutions: its cycles and its resources.

    tx   pixels -> [serialiser] -> convolutions -> gain or power -> symbols -> [precoder]
    rx   symbols -> [equaliser] -> values -> received -> convolutions -> [table] -> pixels

Each of these passes a value in every cycle, so none makes a design slower than a convolution's stream does. The FIFOs
of a transmitter's gain and packer are as shallow as the design allows (`buffers.py`). All others have the few places
with which they pass a value in every cycle by themselves, so nothing ever waits because of them: each adds its latency
and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from types import MappingProxyType

from amaranth.hdl import Shape

from hwgen.ir.graph import Gain, Graph, IntType, Node, Receive, Table
from hwgen.passes.plan import Plan
from hwgen.rtl import gain as rtl_gain, table as rtl_table
from hwgen.rtl.pixels import PixelPacker, PixelSerialiser
from hwgen.rtl.primitives import Cost
from hwgen.rtl.received import Received
from hwgen.rtl.symbols import SymbolPacker, SymbolUnpacker

Places = Mapping[str, int]
OWN: Places = MappingProxyType({})
"""Every buffer has as many places as its component takes by itself."""


def shape_of(kind: IntType) -> Shape:
    """A value's type as Amaranth has it."""
    return Shape(kind.bits, kind.signed)


def head_latency(plan: Plan) -> int:
    """Cycles from the first accepted beat to the first one that the first convolution can take."""
    if plan.graph.side == "tx":
        return PixelSerialiser.latency if plan.serialised else 0
    return SymbolUnpacker.latency + Received.latency


def tail_latency(plan: Plan) -> int:
    """Cycles from the last convolution's last value to TLAST."""
    graph = plan.graph
    if graph.side == "tx":
        return rtl_gain.Gain.latency + SymbolPacker.latency
    return (rtl_table.Table.latency if isinstance(graph.nodes[-1], Table) else 0) + PixelPacker.latency


def end_cycles(graph: Graph, width: int, height: int) -> int:
    """Cycles that a frame takes at least of what stands around the convolutions, beyond a value in each."""
    return 0


def node_cycles(node: Node, graph: Graph, width: int, height: int) -> int:
    """Cycles that a frame takes at least of what computes `node`, which is no convolution: one for each value."""
    rows, columns, channels = graph.shapes(width, height)[node.name]
    return rows * columns * channels


def bounded(graph: Graph) -> bool:
    """Whether the buffers behind the convolutions are as shallow as the design allows."""
    return isinstance(graph.nodes[-1], Gain)


def end_places(graph: Graph, width: int, height: int) -> tuple[dict[str, int], dict[str, int]]:
    """The depth of the buffers before and behind the convolutions that are not chosen, by name."""
    before: dict[str, int] = {}
    behind: dict[str, int] = {}
    if graph.side == "rx":
        before["symbols"] = SymbolUnpacker.places
        before |= {f"{node.name}.fifo": Received.places for node in graph.nodes if isinstance(node, Receive)}
        behind |= {f"{node.name}.fifo": rtl_table.Table.places for node in graph.nodes if isinstance(node, Table)}
        behind["pixels.fifo"] = PixelPacker.places
    return before, behind


@singledispatch
def node_cost(node: Node, graph: Graph, width: int, height: int, family: str, places: Places) -> Cost:
    """The cost of what computes `node`, which is no convolution."""
    raise TypeError(f"node: wanted one that stands around the convolutions, got {type(node).__name__}")


@node_cost.register
def _(node: Gain, graph: Graph, width: int, height: int, family: str, places: Places) -> Cost:
    own = places.get(node.name, rtl_gain.Gain.places)
    return rtl_gain.Gain.cost_of(shape_of(node.input), node.factor, node.shift, shape_of(node.output), family, own)


@node_cost.register
def _(node: Receive, graph: Graph, width: int, height: int, family: str, places: Places) -> Cost:
    return Received.cost_of(shape_of(node.input), node.shift, shape_of(node.output), family, node.coarse)


@node_cost.register
def _(node: Table, graph: Graph, width: int, height: int, family: str, places: Places) -> Cost:
    return rtl_table.Table.cost_of(shape_of(node.input), family, node.output.bits)


def pixels_cost(graph: Graph, places: Places = OWN) -> Cost:
    """What stands before a transmitter's first layer that takes its channels one by one.

    places : of the buffers that have fewer than by default, here and below (see `Plan`)
    """
    return PixelSerialiser.cost_of(graph.input_channels, graph.input.bits, places.get("pixels", PixelSerialiser.places))


def end_costs(
    graph: Graph, width: int, height: int, family: str, places: Places = OWN
) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """The cost of every component before and behind the convolutions, by name, in the order of the data."""
    values = latent_values(graph, width, height)
    before: dict[str, Cost] = {}
    behind: dict[str, Cost] = {}

    def add(costs: dict[str, Cost], nodes: tuple[Node, ...]) -> None:
        costs.update({node.name: node_cost(node, graph, width, height, family, places) for node in nodes})

    symbol_nodes = tuple(node for node in graph.nodes if node is graph.symbol_node)
    first, last = graph.nodes.index(graph.convolutions[0]), graph.nodes.index(graph.convolutions[-1])
    if graph.side == "rx":
        add(before, symbol_nodes)
        before["symbols"] = SymbolUnpacker.cost_of(values, graph.input.bits)
        add(before, graph.nodes[len(symbol_nodes) : first])
        add(behind, graph.nodes[last + 1 :])
        behind["pixels"] = PixelPacker.cost_of(width * height, family)
        return before, behind
    add(behind, graph.nodes[last + 1 : len(graph.nodes) - len(symbol_nodes)])
    bits = graph.value_nodes[-1].output.bits
    behind["symbols"] = SymbolPacker.cost_of(values, family, bits, places.get("symbols", SymbolPacker.places))
    add(behind, symbol_nodes)
    return before, behind


def latent_values(graph: Graph, width: int, height: int) -> int:
    """Values of a frame where they are symbols' parts."""
    shapes = graph.shapes(width, height)
    rows, columns, channels = shapes["symbols" if graph.side == "rx" else graph.value_nodes[-1].name]
    return rows * columns * channels
