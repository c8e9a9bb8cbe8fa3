"""Convolutions of patches without window logic: blocks of pixels become channels, and a 1x1 convolution follows."""

from __future__ import annotations

from dataclasses import replace

from hwgen.ir.nodes import ComplexConv2d, Conv2d, SpaceToDepth
from hwgen.rewrite.hardware import AnyNode, HardwareGraph

SUFFIX = "_patches"


def split_patches(graph: HardwareGraph) -> HardwareGraph:
    """NAME, whose kernel is its stride, becomes NAME_patches and a 1x1 convolution NAME.

    Channel c of row i, column j of a block is channel c * k * k + i * k + j of the pixel: the order in which a weight
    (out, in, k, k) has its entries. Layers with groups and complex ones stay as they are: their channels have an order
    of their own.
    """
    nodes: list[AnyNode] = []
    inputs = dict(graph.inputs)
    for node in graph.nodes:
        if isinstance(node, Conv2d) and node.patches and node.groups == 1 and not isinstance(node, ComplexConv2d):
            name = node.name + SUFFIX
            nodes.append(SpaceToDepth(name, node.in_channels, node.input, node.input_exponent, node.stride))
            inputs[name], inputs[node.name] = inputs[node.name], (name,)
            channels = node.in_channels * node.stride**2
            node = replace(
                node, in_channels=channels, weight=node.weight.reshape(node.out_channels, channels, 1, 1),
                kernel=1, kernel_height=1, kernel_width=1, stride=1,
            )  # fmt: skip
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes), inputs=inputs)
