"""What stands around the convolutions: its cycles and its resources.

    tx   pixels -> [serialiser] -> convolutions -> gain or power -> symbols -> [precoder]
    rx   symbols -> [equaliser] -> values -> received -> convolutions -> [table] -> pixels

Each of these passes a value in every cycle, so none makes a design slower than a convolution's stream does. Frames that
are over before the next one's coefficients are loaded would wait for them: sizing refuses those. The FIFOs of a
transmitter's gain and packer are as shallow as the design allows (`buffers.py`), if nothing stands behind them. All
others have the few places with which they pass a value in every cycle by themselves, and a power normalisation holds
what comes until its gain is there: so nothing ever waits because of them, and each adds its latency and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch

from amaranth.hdl import Shape

from hwgen.ir.graph import (
    Alamouti,
    Convolution,
    Gain,
    Graph,
    IntType,
    MatrixProduct,
    Node,
    Power,
    Receive,
    Table,
)
from hwgen.plan.plan import Plan
from hwgen.rtl import alamouti as rtl_alamouti, gain as rtl_gain, power as rtl_power, table as rtl_table
from hwgen.rtl.complex_multiply import Form
from hwgen.rtl.matrix_product import MatrixProduct as rtl_matrix
from hwgen.rtl.pixels import PixelPacker, PixelSerialiser
from hwgen.rtl.primitives import Cost
from hwgen.rtl.received import Received
from hwgen.rtl.symbols import SymbolPacker, SymbolUnpacker

Places = Mapping[str, int]
LOADING = 4
"""Cycles that a frame must last beyond those of its coefficients' words, for their loading never to hold up a frame."""


def shape_of(kind: IntType) -> Shape:
    """A value's type as Amaranth has it."""
    return Shape(kind.bits, kind.signed)


@dataclass(frozen=True)
class Frame:
    """What the components around the convolutions depend on besides their nodes.

    family of the part; values of the latent; pixels of the image; places of buffers that have fewer than their own;
    form of a matrix product's multiplications
    """

    family: str
    values: int
    pixels: int
    places: Places = field(default_factory=dict)
    form: Form = "three"

    @property
    def symbols(self) -> int:
        """Symbols that the values make."""
        return (self.values + 1) // 2


def frame_of(plan: Plan) -> Frame:
    """Of a plan."""
    values = latent_values(plan.graph, plan.width, plan.height)
    return Frame(plan.board.family, values, plan.width * plan.height, plan.places, plan.form)


def latent_values(graph: Graph, width: int, height: int) -> int:
    """Values of a frame where they are symbols' parts."""
    shapes = graph.shapes(width, height)
    rows, columns, channels = shapes["symbols" if graph.side == "rx" else graph.value_nodes[-1].name]
    return rows * columns * channels


def symbol_groups(node: MatrixProduct, side: str, frame: Frame) -> int:
    """A matrix product's groups of symbols in a frame; the values' side is its input in a transmitter."""
    return frame.symbols // (node.columns if side == "tx" else node.rows)


# -- cycles ------------------------------------------------------------------------------------------------------------


def head_latency(plan: Plan) -> int:
    """Cycles from the first accepted beat to the first one that the first convolution can take."""
    if plan.graph.side == "tx":
        return PixelSerialiser.latency if plan.serialised else 0
    node = plan.graph.symbol_node
    # A group's symbols are taken one in every cycle.
    group = node.columns - 1 + rtl_matrix.latency_of(node.columns, plan.form) if isinstance(node, MatrixProduct) else 0
    return group + SymbolUnpacker.latency + Received.latency


def tail_latency(plan: Plan) -> int:
    """Cycles from the last convolution's last value to TLAST."""
    graph, frame = plan.graph, frame_of(plan)
    if graph.side == "rx":
        return sum(node_latency(node, frame) for node in graph.nodes if isinstance(node, Table)) + PixelPacker.latency
    behind = graph.nodes[len(graph.convolutions) :]
    return sum(node_latency(node, frame) for node in behind) + SymbolPacker.latency


@singledispatch
def node_latency(node: Node, frame: Frame) -> int:
    """Cycles from a frame's last value or symbol to its last result, where nothing waits."""
    raise TypeError(f"node: wanted one that stands around the convolutions, got {type(node).__name__}")


@node_latency.register
def _(node: Gain, frame: Frame) -> int:
    return rtl_gain.Gain.latency


@node_latency.register
def _(node: Power, frame: Frame) -> int:
    # Nothing leaves before all of the frame is there.
    return rtl_power.Power.latency_of(shape_of(node.input), frame.values) + frame.values - 1


@node_latency.register
def _(node: Table, frame: Frame) -> int:
    return rtl_table.Table.latency


@node_latency.register
def _(node: MatrixProduct, frame: Frame) -> int:
    return rtl_matrix.latency_of(node.columns, frame.form) + (node.rows - 1) * rtl_matrix.steps_of(node.columns)


@node_latency.register
def _(node: Alamouti, frame: Frame) -> int:
    return rtl_alamouti.Alamouti.latency + rtl_alamouti.Alamouti.pair_cycles - 1


def end_cycles(graph: Graph, width: int, height: int) -> int:
    """Cycles that a frame takes at least of what stands around the convolutions."""
    values = latent_values(graph, width, height)
    return max([values, *(node_cycles(node, graph, width, height) for node in graph.nodes if not _is_layer(node))])


def least_cycles(graph: Graph) -> int:
    """What a frame must last for its predictions to hold: in shorter ones, frames wait for their coefficients."""
    return graph.coefficient_words + LOADING if graph.coefficient_words else 0


def _is_layer(node: Node) -> bool:
    return isinstance(node, Convolution)


def node_cycles(node: Node, graph: Graph, width: int, height: int) -> int:
    """Cycles that a frame takes at least of what computes `node`, which is no convolution."""
    rows, columns, channels = graph.shapes(width, height)[node.name]
    values = latent_values(graph, width, height)
    match node:
        case Power():
            return rtl_power.Power.frame_cycles_of(shape_of(node.input), values)
        case MatrixProduct():
            # An odd last value's symbol takes as long as any.
            symbols = (values + 1) // 2
            groups = symbols // (node.columns if graph.side == "tx" else node.rows)
            return max(2 * symbols, groups * rtl_matrix.group_cycles_of(node.rows, node.columns))
        case Alamouti():
            return values + values % 2
    return rows * columns * channels


def bounded(graph: Graph) -> bool:
    """Whether the buffers behind the convolutions are as shallow as the design allows."""
    return isinstance(graph.nodes[-1], Gain)


# -- buffers and resources ---------------------------------------------------------------------------------------------


def end_places(plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """The depth of the buffers before and behind the convolutions that are not chosen, by name."""
    graph = plan.graph
    before: dict[str, int] = {}
    found: dict[str, int] = {}
    for node in graph.nodes:
        match node:
            case Convolution():
                before, found = before | found, {}
            case Gain() if not bounded(graph):
                found |= {f"{node.name}.fifo": rtl_gain.Gain.places, "symbols.fifo": SymbolPacker.places}
            case Power():
                depth = rtl_power.Power.depth_of(shape_of(node.input), frame_of(plan).values)
                found |= {f"{node.name}.ring": depth, f"{node.name}.fifo": rtl_power.Power.places}
                found["symbols.fifo"] = SymbolPacker.places
            case Receive():
                found |= {"symbols": SymbolUnpacker.places, f"{node.name}.fifo": Received.places}
            case Table():
                found[f"{node.name}.fifo"] = rtl_table.Table.places
            case MatrixProduct():
                found[f"{node.name}.fifo"] = rtl_matrix.places_of(node.columns, plan.form)
            case Alamouti():
                found[f"{node.name}.fifo"] = rtl_alamouti.Alamouti.places
    return before, found | ({"pixels.fifo": PixelPacker.places} if graph.side == "rx" else {})


@singledispatch
def node_cost(node: Node, side: str, frame: Frame) -> Cost:
    """The cost of what computes `node`, which is no convolution."""
    raise TypeError(f"node: wanted one that stands around the convolutions, got {type(node).__name__}")


@node_cost.register
def _(node: Gain, side: str, frame: Frame) -> Cost:
    own = frame.places.get(node.name, rtl_gain.Gain.places)
    shapes = shape_of(node.input), shape_of(node.output)
    return rtl_gain.Gain.cost_of(shapes[0], node.factor, node.shift, shapes[1], frame.family, own)


@node_cost.register
def _(node: Power, side: str, frame: Frame) -> Cost:
    return rtl_power.Power.cost_of(shape_of(node.input), frame.values, node.power, frame.family)


@node_cost.register
def _(node: Receive, side: str, frame: Frame) -> Cost:
    return Received.cost_of(shape_of(node.input), node.shift, shape_of(node.output), frame.family, node.coarse)


@node_cost.register
def _(node: Table, side: str, frame: Frame) -> Cost:
    return rtl_table.Table.cost_of(shape_of(node.input), frame.family, node.output.bits)


@node_cost.register
def _(node: MatrixProduct, side: str, frame: Frame) -> Cost:
    return rtl_matrix.cost_of(
        rows=node.rows,
        columns=node.columns,
        groups=symbol_groups(node, side, frame),
        family=frame.family,
        conjugate=node.conjugate,
        tables=node.tables,
        form=frame.form,
    )


@node_cost.register
def _(node: Alamouti, side: str, frame: Frame) -> Cost:
    return rtl_alamouti.Alamouti.cost_of(frame.symbols // 2, frame.family)


def pixels_cost(graph: Graph, places: Places) -> Cost:
    """What stands before a transmitter's first layer that takes its channels one by one.

    places : of the buffers that have fewer than by default (see `Plan`)
    """
    return PixelSerialiser.cost_of(graph.input_channels, graph.input.bits, places.get("pixels", PixelSerialiser.places))


def end_costs(graph: Graph, frame: Frame) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """The cost of every component before and behind the convolutions, by name, in the order of the data."""

    def of(nodes: Sequence[Node]) -> dict[str, Cost]:
        return {node.name: node_cost(node, graph.side, frame) for node in nodes}

    symbol_nodes = [] if graph.symbol_node is None else [graph.symbol_node]
    values = graph.value_nodes
    first, last = values.index(graph.convolutions[0]), values.index(graph.convolutions[-1])
    if graph.side == "rx":
        unpacker = SymbolUnpacker.cost_of(frame.values, graph.input.bits)
        before = of(symbol_nodes) | {"symbols": unpacker} | of(values[:first])
        return before, of(values[last + 1 :]) | {"pixels": PixelPacker.cost_of(frame.pixels, frame.family)}
    places = frame.places.get("symbols", SymbolPacker.places)
    packer = SymbolPacker.cost_of(frame.values, frame.family, values[-1].output.bits, places)
    return {}, of(values[last + 1 :]) | {"symbols": packer} | of(symbol_nodes)
