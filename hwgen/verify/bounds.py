"""Cases of a layer that no frame can meet, each with the reason, from the bounds of the graph."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import Convolution
from hwgen.ir.reach import Reach, reaches
from hwgen.ir.spans import Spans
from hwgen.ir.taps import touched, weights_per_tap

PARTS = {False: "even", True: "odd"}
UNSHIFTED = "nothing is shifted to the right, so nothing is rounded"


@dataclass(frozen=True)
class Bounds:
    """What is proven of one layer.

    unreachable : case, as `hwgen.verify.coverage` names it, to the reason why no frame meets it
    constant : channels whose output is the same in every frame
    idle : weights, not zero, that are never multiplied by anything but zero
    """

    unreachable: dict[str, str] = field(default_factory=dict)
    constant: frozenset[int] = frozenset()
    idle: int = 0


def bounds_of(graph: Graph, width: int, height: int) -> dict[str, Bounds]:
    """Proven bounds of every layer, by its name, for frames of `width` x `height` pixels."""
    shapes = graph.shapes(width, height)
    found = reaches(graph, width, height)
    sizes = {node.name: graph.input_shapes(node.name, shapes)[0] for node in graph.value_nodes}
    return {
        node.name: layer_bounds(node, found[node.name], sizes.get(node.name, (1, 1, 1))[:2]) for node in graph.nodes
    }


def layer_bounds(node: Node, reach: Reach, size: tuple[int, int]) -> Bounds:
    """Proven bounds of a node that takes frames of `size`, (rows, columns)."""
    constant = np.flatnonzero(reach.out.constant)
    reasons = _rounding(reach) | _branches(reach) if reach.rule is not None else {}
    if len(constant) == len(reach.out.low):
        reasons["channels"] = f"every channel has one value alone, the first one {int(reach.out.low[0])}"
    idle_weights = 0
    if isinstance(node, Convolution):
        inputs = (reach.taken.low != 0) | (reach.taken.high != 0)
        taps = touched(node, np.broadcast_to(inputs, (*size, node.in_channels)))
        weights = int((node.weight != 0).sum())
        idle_weights = weights - int(weights_per_tap(node)[taps].sum())
        if not weights:
            reasons["weights"] = "all weights are 0"
        elif idle_weights == weights:
            reasons["weights"] = "all inputs that the weights meet are 0"
    return Bounds(reasons, frozenset(constant.tolist()), idle_weights)


def _rounding(reach: Reach) -> dict[str, str]:
    """Reasons why a layer's values never saturate, or are never ties: by the case's key, of those that cannot occur."""
    rule = reach.rule
    assert rule is not None
    reasons = {}
    for key, up, side, limits in (
        ("saturated_low", False, "smallest", rule.low), ("saturated_high", True, "largest", rule.high),
    ):  # fmt: skip
        beyond = reach.beyond(up)
        channel = int(beyond.argmax())  # the one that comes nearest
        if (most := int(beyond[channel])) <= 0:
            limit = int(limits[channel])
            got = limit + most if up else limit - most
            reasons[key] = f"the {side} rounded sum is {got:,} (channel {channel}), the limit {limit:,}"
    shifted = bool((rule.shift > 0).any())
    for key, odd in (("ties_down", False), ("ties_up", True)):
        if not any(spans.tie(rule, odd).any() for spans in reach.wide):
            what = f"no sum that occurs lies half-way above an {PARTS[odd]} integer of the output"
            reasons[key] = what if shifted else UNSHIFTED
    if not any(spans.rounds_beyond(rule).any() for spans in reach.wide):
        what = "no sum that occurs is rounded from below the integer above the largest one"
        reasons["rounded_beyond"] = what if shifted else UNSHIFTED
    return reasons


def _branches(reach: Reach) -> dict[str, str]:
    """Reasons why no value takes a PReLU's positive branch, or its negative one; empty where no PReLU is."""
    acc = reach.accumulators
    if acc is None or len(reach.wide) == 1:
        return {}
    reasons = {}
    positive, negative = reach.wide
    if _empty(positive):
        reasons["positive"] = f"the largest accumulator is {int(acc.high.max()):,}, below 0"
    if _empty(negative):
        reasons["negative"] = f"the smallest accumulator is {int(acc.low.min()):,}, not below 0"
    return reasons


def _empty(spans: Spans) -> bool:
    return bool((spans.low > spans.high).all())
