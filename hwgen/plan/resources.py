"""What a plan takes of a board, component by component, before anything is synthesised."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Shape

from hwgen.ir.graph import Convolution, ConvTranspose2d
from hwgen.plan.ends import end_costs, frame_of, pixels_cost
from hwgen.plan.plan import Plan
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.cost import LayerNumbers, convolution_cost
from hwgen.rtl.memory import rom_form
from hwgen.rtl.packing import W8A8
from hwgen.rtl.primitives import Cost
from hwgen.rtl.weights import missing_of, pack_weights, phase_kernels, varying_columns


def plan_costs(plan: Plan) -> dict[str, Cost]:
    """The cost of every component, by the name of its module below the top, in the order of the data."""
    graph, family = plan.graph, plan.board.family
    before, behind = end_costs(graph, frame_of(plan))
    if plan.serialised:
        before = {"pixels": pixels_cost(graph, plan.places)}
    costs = {}
    for node in graph.convolutions:
        folding = plan.foldings[node.name]
        costs[node.name] = convolution_cost(folding, layer_numbers(node), family, _columns(node, folding))
    return before | costs | behind


def _columns(node: Convolution, folding: ConvolutionFolding) -> tuple[int, ...]:
    """What of the weight memories has to be stored: small weights repeat their signs. Logic makes equal bits once."""
    memories = pack_weights(
        folding.window.kernels(node.weight),
        pe=folding.pe,
        simd=folding.window.simd,
        taps=folding.window.taps,
        bits=node.weight_bits,
        packing=folding.packing,
        activation=Shape(node.input.bits, node.input.signed),
    )
    form = rom_form(folding.weight_rows, folding.weights_in)
    return varying_columns(memories, distinct=form == "logic")


def layer_numbers(node: Convolution) -> LayerNumbers:
    """What a convolution's cost depends on besides its folding."""
    # The multipliers that offset unsigned activations have the widest bias.
    activation = Shape(node.input.bits, node.input.signed)
    stride = node.stride if isinstance(node, ConvTranspose2d) else 1
    biases = [
        node.bias + missing_of(kernel, simd=1, bits=node.weight_bits, packing=W8A8, activation=activation)
        for kernel in phase_kernels(node.weight, stride)
    ]
    if all(np.array_equal(own, biases[0]) for own in biases):
        biases = biases[:1]
    return LayerNumbers.of(
        weight_bits=node.weight_bits,
        accumulator_bits=node.accumulator_bits,
        phases=len(biases),
        coarse=node.coarse,
        bias=np.concatenate(biases).tolist(),
        shift=node.shift.tolist(),
        slope=None if node.slope is None else node.slope.tolist(),
        slope_fraction=node.slope_fraction,
        output=Shape(node.output.bits, node.output.signed),
    )
