"""Grouped and depthwise convolutions on the engine of all others, with weights of 0 between the groups.

Exact, and dear: an engine that skipped other groups' inputs would need a share 1 / groups of the multipliers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwgen.ir.nodes import Conv2d
from hwgen.rewrite.hardware import AnyNode, HardwareGraph


def fill_groups(graph: HardwareGraph) -> HardwareGraph:
    """Every convolution with several groups becomes one with a single group that gives the same sums."""
    return replace(graph, nodes=tuple(map(_filled, graph.nodes)))


def _filled(node: AnyNode) -> AnyNode:
    if not isinstance(node, Conv2d) or node.groups == 1:
        return node
    per_group = node.in_channels // node.groups, node.out_channels // node.groups
    weight = np.zeros((node.out_channels, node.in_channels, *node.weight.shape[2:]), dtype=np.int64)
    for group in range(node.groups):
        inputs, outputs = (slice(group * count, (group + 1) * count) for count in per_group)
        weight[outputs, inputs] = node.weight[outputs]
    # A codebook need not have 0.
    return replace(node, weight=weight, groups=1, codebook=None)
