"""What the nodes of a graph can reach: bounds of every channel, from the graph's own integers.

Intervals with a step (`hwgen.ir.spans`) are propagated from the port to the last node, channel by channel, as if every
value that a node takes were chosen on its own. So bounds are wide rather than narrow: what lies outside of them no
frame can reach; what lies inside, a frame may reach or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import (
    Add,
    Alamouti,
    AveragePool,
    Concat,
    Convolution,
    DepthToSpace,
    Gain,
    MatrixProduct,
    MaxPool,
    Power,
    Receive,
    SpaceToDepth,
    Table,
)
from hwgen.ir.nodes.matrix_product import COEFFICIENT
from hwgen.ir.rounding import Rule, rule_of
from hwgen.ir.spans import Spans, accumulators, all_channels, sums, union
from hwgen.numerics.formats import POWER
from hwgen.numerics.integer import IntArray, round_shift


@dataclass(frozen=True)
class Reach:
    """What one node can reach.

    taken : of its first input
    wide : of the integers that `rule` rounds, in one set or more; none where nothing is rounded
    accumulators : of a convolution, in front of its PReLU
    out : of its output
    """

    taken: Spans
    out: Spans
    wide: tuple[Spans, ...] = ()
    rule: Rule | None = None
    accumulators: Spans | None = None

    def beyond(self, up: bool) -> IntArray:
        """(C,): by how much the rounded sums can exceed the limit of the output, upwards or downwards; a large negative
        number where there are none."""
        assert self.rule is not None, "nothing is rounded"
        found = np.full(self.out.low.shape, np.iinfo(np.int64).min)
        for spans in self.wide:
            ends = round_shift(spans.high if up else spans.low, self.rule.shift)
            excess = ends - self.rule.high if up else self.rule.low - ends
            found = np.where(spans.low <= spans.high, np.maximum(found, excess), found)
        return found


def reaches(graph: Graph, width: int, height: int) -> dict[str, Reach]:
    """What every node can reach in frames of that size, whatever is sent and whatever coefficients come with it."""
    shapes = graph.shapes(width, height)
    port = graph.edges[graph.source]
    edges = {graph.source: Spans.of(port.type, port.channels)}
    found: dict[str, Reach] = {}
    for node in graph.nodes:
        names = graph.inputs[node.name]
        taken = [
            edges[name]
            if node.takes_symbols == graph.edges[name].symbols
            else _converted(edges[name], 2 if node.takes_symbols else graph.input_channels)
            for name in names
        ]
        values = math.prod(shapes[names[0]])
        found[node.name] = reach(node, *taken, values=values)
        edges[node.name] = found[node.name].out
    return found


def _converted(spans: Spans, channels: int) -> Spans:
    """Values as parts of symbols, or the other way round; the last Q of an odd number of values is 0."""
    one = all_channels(spans).with_zero()
    return one.part(np.zeros(channels, dtype=np.int64))


@singledispatch
def reach(node: Node, *taken: Spans, values: int) -> Reach:
    """What a node can reach for inputs that can take these; `values` is how many there are in a frame."""
    raise TypeError(f"no bounds of {type(node).__name__}")


@reach.register
def _(node: Convolution, *taken: Spans, values: int) -> Reach:
    acc = accumulators(node, taken[0])
    if node.slope is None:
        return _rounded(node, taken, [acc], acc)
    positive = acc.within(0, None).scaled(1 << node.slope_fraction)
    return _rounded(node, taken, [positive, acc.within(None, -1).scaled(node.slope)], acc)


@reach.register
def _(node: Gain, *taken: Spans, values: int) -> Reach:
    return _rounded(node, taken, [taken[0].scaled(node.scale)])


@reach.register
def _(node: Receive, *taken: Spans, values: int) -> Reach:
    return _rounded(node, taken, [taken[0].scaled(node.scale)])


@reach.register
def _(node: Add, *taken: Spans, values: int) -> Reach:
    return _rounded(node, taken, [sums(*taken)])


@reach.register
def _(node: AveragePool, *taken: Spans, values: int) -> Reach:
    one = taken[0].with_zero() if node.padding else taken[0]
    area = node.kernel**2
    return _rounded(node, taken, [Spans(one.low * area, one.high * area, one.step).scaled(node.multiplier)])


@reach.register
def _(node: Power, *taken: Spans, values: int) -> Reach:
    """A value x of a frame of energy E becomes x sqrt(k P / E), by a gain that is at most 2**-14 too large. As E is at
    least x * x, sqrt(k P) is the largest."""
    symbols, power = (values + 1) // 2, node.power / 2**POWER.fraction
    most = math.ceil(math.sqrt(symbols * power) * 2**-node.output_exponent * (1 + 2**-13)) + 1
    x = taken[0]
    first, last = np.where(x.low < 0, -2 * most, 0), np.where(x.high > 0, 2 * most, 0)
    wide = Spans(first, last, (first < last).astype(np.int64))  # in halves: any of them may be a tie
    ones, (low, high) = np.ones(node.channels, dtype=np.int64), node.output.bounds
    rule = Rule(ones, low * ones, high * ones, 0 * ones)
    return Reach(x, wide.rounded(rule), (wide,), rule)


@reach.register
def _(node: MatrixProduct, *taken: Spans, values: int) -> Reach:
    x = taken[0]
    largest = int(np.maximum(np.abs(x.low), np.abs(x.high)).max()) * COEFFICIENT.magnitude * 2 * node.columns
    both = np.full(2, largest, dtype=np.int64)
    return _rounded(node, taken, [Spans(-both, both, np.minimum(both, 1))])


@reach.register
def _(node: Alamouti, *taken: Spans, values: int) -> Reach:
    return _rounded(node, taken, [union([taken[0], taken[0].scaled(-1)])])


@reach.register
def _(node: MaxPool, *taken: Spans, values: int) -> Reach:
    return Reach(taken[0], taken[0])


@reach.register
def _(node: Concat, *taken: Spans, values: int) -> Reach:
    parts = ([getattr(one, key) for one in taken] for key in ("low", "high", "step"))
    return Reach(taken[0], Spans(*(np.concatenate(part) for part in parts)))


@reach.register
def _(node: SpaceToDepth, *taken: Spans, values: int) -> Reach:
    return Reach(taken[0], taken[0].part(np.repeat(np.arange(node.channels), node.factor**2)))


@reach.register
def _(node: DepthToSpace, *taken: Spans, values: int) -> Reach:
    area = node.factor**2
    return Reach(taken[0], union([taken[0].part(slice(place, None, area)) for place in range(area)]))


@reach.register
def _(node: Table, *taken: Spans, values: int) -> Reach:
    low, high, step = [], [], []
    for first, last, by in zip(taken[0].low, taken[0].high, taken[0].step, strict=True):
        given = node.values[np.arange(first, last + 1, max(by, 1)) & ((1 << node.input.bits) - 1)]
        low.append(given.min(initial=1 << 16) if given.size else 1)
        high.append(given.max(initial=-1 << 16) if given.size else 0)
        step.append(int(np.gcd.reduce(given - given[0])) if given.size else 0)
    return Reach(taken[0], Spans(*(np.array(part, dtype=np.int64) for part in (low, high, step))))


def _rounded(node: Node, taken: Sequence[Spans], wide: Sequence[Spans], acc: Spans | None = None) -> Reach:
    rule = rule_of(node)
    assert rule is not None, "kinds that round have one"
    return Reach(taken[0], union([part.rounded(rule) for part in wide]), tuple(wide), rule, acc)
