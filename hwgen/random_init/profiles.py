"""Random numbers of each profile: biases, slopes and factors around those of a graph with one profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import Convolution, Gain, Receive
from hwgen.ir.nodes.convolution import BIAS_BITS, accumulator_bits
from hwgen.numerics.integer import bounds

BIAS_STEPS = 24
"""Biases of two profiles differ by up to so many steps of the layer's output, twice."""
RECEIVE_FRACTION = 12
"""Fraction bits of received values' factors."""
TIE_BITS = 9
"""Lowest bits that are zero in the factors of some channels."""


def with_profiles(graph: Graph, limits: Sequence[float], rng: np.random.Generator) -> Graph:
    """The graph with a profile for each range between limits, SNRs in dB; the first has the graph's biases and slopes.

    Received values whose imaginary parts have a grid of their own have no factors.
    """
    profiles = len(limits) + 1
    nodes = tuple(_profiled(node, profiles, rng) for node in graph.nodes)
    return replace(graph, nodes=nodes, profiles=profiles, profile_limits=tuple(limits))


def _profiled(node: Node, profiles: int, rng: np.random.Generator) -> Node:
    if isinstance(node, Convolution):
        return _convolution(node, profiles, rng)
    if isinstance(node, Gain):
        assert isinstance(node.factor, int), "a graph with one profile"
        high = bounds(node.factor_bits, False)[1]
        factor = node.factor * rng.integers(48, 97, (profiles, node.channels)) // 64
        return replace(node, factor=np.clip(factor, 1, high))
    if isinstance(node, Receive) and not node.imag_bits:
        one = 1 << RECEIVE_FRACTION
        factor = rng.integers(one // 2, 2 * one, (profiles, node.channels))
        # Every second channel's has few bits: a product is then a tie for one value in a few hundred.
        factor[:, ::2] = factor[:, ::2] >> TIE_BITS << TIE_BITS
        return replace(node, factor=factor, factor_fraction=RECEIVE_FRACTION)
    return node


def _convolution(node: Convolution, profiles: int, rng: np.random.Generator) -> Convolution:
    # Whole steps of the output: what is a tie in one profile is one in all.
    steps = rng.integers(-BIAS_STEPS, BIAS_STEPS + 1, (profiles, node.out_channels))
    steps[0] = 0
    low, high = bounds(BIAS_BITS, True)
    bias = np.clip(node.bias + (steps << np.clip(node.shift, 0, BIAS_BITS)), low + 1, high)
    slope = node.slope
    if slope is not None:
        span = bounds(node.slope_bits, True)
        others = rng.integers(span[0], span[1] + 1, (profiles - 1, node.out_channels))
        slope = np.concatenate([slope[None], others])
    needed = max(node.accumulator_bits, accumulator_bits(node.weight, bias, node.input))
    return replace(node, bias=bias, slope=slope, accumulator_bits=needed)
