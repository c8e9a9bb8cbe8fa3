"""What a plan takes of a board, component by component, before anything is synthesised."""

from __future__ import annotations

from amaranth.hdl import Shape

from hwgen.ir.graph import Conv2d, Gain, Graph
from hwgen.passes.plan import Plan
from hwgen.rtl.cost import LayerNumbers, convolution_cost, gain_dsp
from hwgen.rtl.packing import W8A8
from hwgen.rtl.primitives import Cost
from hwgen.rtl.weights import missing_of


def plan_costs(plan: Plan) -> dict[str, Cost]:
    """The cost of every component, by the name of its module below the top, in the order of the data."""
    family = plan.board.family
    costs = {}
    for node in plan.graph.nodes:
        if isinstance(node, Conv2d):
            costs[node.name] = convolution_cost(plan.foldings[node.name], layer_numbers(node), family)
    return costs | end_costs(plan.graph, family)


def end_costs(graph: Graph, family: str) -> dict[str, Cost]:
    """The cost of what stands behind the convolutions."""
    return {node.name: Cost(dsp=gain_dsp(node.factor, node.shift)) for node in graph.nodes if isinstance(node, Gain)}


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
