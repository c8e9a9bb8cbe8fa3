"""What a plan takes of a board, component by component, before anything is synthesised."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from amaranth.hdl import Shape

from hwgen.ir.graph import Conv2d, Gain, Graph
from hwgen.passes.plan import Plan
from hwgen.rtl import gain as rtl_gain
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.cost import LayerNumbers, convolution_cost
from hwgen.rtl.memory import rom_form
from hwgen.rtl.packing import W8A8
from hwgen.rtl.pixels import PixelSerialiser
from hwgen.rtl.primitives import Cost
from hwgen.rtl.symbols import SymbolPacker
from hwgen.rtl.weights import missing_of, pack_weights, varying_columns


def plan_costs(plan: Plan) -> dict[str, Cost]:
    """The cost of every component, by the name of its module below the top, in the order of the data."""
    graph, family = plan.graph, plan.board.family
    costs = {}
    if plan.pixel_lanes == 1:
        costs["pixels"] = pixels_cost(graph, plan.places)
    for node in graph.convolutions:
        folding = plan.foldings[node.name]
        costs[node.name] = convolution_cost(folding, layer_numbers(node), family, _columns(node, folding))
    return costs | end_costs(graph, plan.width, plan.height, family, plan.places)


def pixels_cost(graph: Graph, places: Mapping[str, int] = MappingProxyType({})) -> Cost:
    """What stands before a first layer that takes its channels one by one.

    places : of the buffers that have fewer than by default, here and below (see `Plan`)
    """
    return PixelSerialiser.cost_of(graph.input_channels, graph.input.bits, places.get("pixels", PixelSerialiser.places))


def end_costs(
    graph: Graph, width: int, height: int, family: str, places: Mapping[str, int] = MappingProxyType({})
) -> dict[str, Cost]:
    """The cost of what stands behind the convolutions, by name."""
    costs = {}
    for node in graph.nodes:
        if isinstance(node, Gain):
            shapes = Shape(node.input.bits, node.input.signed), Shape(node.output.bits, node.output.signed)
            own = places.get(node.name, rtl_gain.Gain.places)
            costs[node.name] = rtl_gain.Gain.cost_of(shapes[0], node.factor, node.shift, shapes[1], family, own)
    last = graph.nodes[-1]
    rows, columns, channels = graph.shapes(width, height)[last.name]
    costs["symbols"] = SymbolPacker.cost_of(
        rows * columns * channels, family, last.output.bits, places.get("symbols", SymbolPacker.places)
    )
    return costs


def _columns(node: Conv2d, folding: ConvolutionFolding) -> tuple[int, ...]:
    """What of the weight memories has to be stored: small weights repeat their signs. Logic makes equal bits once."""
    memories = pack_weights(
        node.weight,
        pe=folding.pe,
        simd=folding.window.simd,
        taps=folding.window.taps,
        bits=node.weight_bits,
        packing=folding.packing,
        activation=Shape(node.input.bits, node.input.signed),
    )
    form = rom_form(folding.window.cycles_per_pixel, folding.weights_in)
    return varying_columns(memories, distinct=form == "logic")


def layer_numbers(node: Conv2d) -> LayerNumbers:
    """What a convolution's cost depends on besides its folding."""
    # The multipliers that offset unsigned activations have the widest bias.
    activation = Shape(node.input.bits, node.input.signed)
    missing = missing_of(node.weight, simd=1, bits=node.weight_bits, packing=W8A8, activation=activation)
    return LayerNumbers.of(
        weight_bits=node.weight_bits,
        accumulator_bits=node.accumulator_bits,
        bias=(node.bias + missing).tolist(),
        shift=node.shift.tolist(),
        slope=None if node.slope is None else node.slope.tolist(),
        slope_fraction=node.slope_fraction,
        output=Shape(node.output.bits, node.output.signed),
    )
