"""A node's values before they are rounded and saturated, and counts of what the rounding does to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from hwgen.ir.node import Node
from hwgen.ir.nodes import Add, Alamouti, AveragePool, Convolution, Gain, MatrixProduct, Power, Receive
from hwgen.ir.nodes.matrix_product import COEFFICIENT_FRACTION
from hwgen.numerics.complex import alamouti_exact, matrix_sums, power_gain
from hwgen.numerics.integer import IntArray, bounds, prelu, round_shift


@dataclass(frozen=True)
class Met:
    """Counts of values that were limited at either end, and of others that were ties, rounded to the even integer
    below them or above; both of these are values that the output can have. `rounded_beyond` are those limited values
    that only rounding took beyond the largest one."""

    saturated_low: int
    saturated_high: int
    ties_down: int
    ties_up: int
    rounded_beyond: int

    def __add__(self, other: Met) -> Met:
        return Met(
            self.saturated_low + other.saturated_low, self.saturated_high + other.saturated_high,
            self.ties_down + other.ties_down, self.ties_up + other.ties_up,
            self.rounded_beyond + other.rounded_beyond,
        )  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """How a node's wide integers become its output: out = min(max(round(wide * 2**-shift), low), high) << left.

    shift, low, high, left : (C,) int64
    """

    shift: IntArray
    low: IntArray
    high: IntArray
    left: IntArray

    def part(self, channels: slice) -> Rule:
        """Of some channels alone."""
        return Rule(self.shift[channels], self.low[channels], self.high[channels], self.left[channels])


@dataclass(frozen=True)
class Rounding:
    """A step from wide integers to a node's output, by a `Rule`.

    wide : (H, W, C) int64
    accumulators : (H, W, C) int64 of a convolution, in front of its PReLU; None of other kinds
    """

    wide: IntArray
    rule: Rule
    accumulators: IntArray | None = None

    def part(self, channels: slice) -> Rounding:
        """The values of some channels alone."""
        acc = None if self.accumulators is None else self.accumulators[..., channels]
        return Rounding(self.wide[..., channels], self.rule.part(channels), acc)

    def met(self) -> Met:
        """Counts of the values that are limited and of those that are ties."""
        rule = self.rule
        rounded = round_shift(self.wide, rule.shift)
        below, above = rounded < rule.low, rounded > rule.high
        right = np.maximum(rule.shift, 0)
        rest = self.wide & ((np.int64(1) << right) - 1)
        floor = self.wide >> right
        between = (floor >= rule.low) & (floor < rule.high)
        tie = (rule.shift > 0) & (rest == (np.int64(1) << right) >> 1) & between
        odd = (floor & 1).astype(bool)
        counted = (below, above, tie & ~odd, tie & odd, above & (rule.shift > 0) & (floor == rule.high))
        return Met(*(int(those.sum()) for those in counted))


@singledispatch
def rule_of(node: Node) -> Rule | None:
    """The rule by which a node rounds; None of a kind that rounds nothing, or whose shift is every frame's own."""
    return None


@singledispatch
def rounding(node: Node, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding | None:
    """The rounding of a node for its inputs (H, W, C) int64; None of a kind that rounds nothing.

    coefficients : (tables, rows, columns, 2) int64 of a `MatrixProduct`
    """
    return None


@rule_of.register
def _(node: Convolution) -> Rule:
    shift = node.shift if node.slope is None else node.shift + node.slope_fraction
    made = _made(node, node.out_channels, shift, node.coarse)
    if node.activation != "clip":
        return made
    return Rule(made.shift, made.low, np.minimum(made.high, node.ceiling), made.left)


@rounding.register
def _(node: Convolution, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    acc = node.accumulate(inputs[0])
    wide = acc if node.slope is None else prelu(acc, node.slope, node.slope_fraction)
    return Rounding(wide, _rule(node), acc)


@rule_of.register
def _(node: Gain) -> Rule:
    return _made(node, node.channels, node.shift)


@rounding.register
def _(node: Gain, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    return Rounding(inputs[0] * node.scale, _rule(node))


@rule_of.register
def _(node: Receive) -> Rule:
    return _made(node, node.channels, node.shifts, node.coarse)


@rounding.register
def _(node: Receive, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    return Rounding(inputs[0] * node.scale, _rule(node))


@rule_of.register
def _(node: Add) -> Rule:
    return _made(node, node.channels, node.shift)


@rounding.register
def _(node: Add, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    return Rounding(inputs[0] + inputs[1], _rule(node))


@rule_of.register
def _(node: AveragePool) -> Rule:
    return _made(node, node.channels, node.shift)


@rounding.register
def _(node: AveragePool, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    return Rounding(node.windows(inputs[0], 0).sum(axis=(3, 4)) * node.multiplier, _rule(node))


@rounding.register
def _(node: Power, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    (x,) = inputs
    gain, shift = power_gain(int((x * x).sum()), (x.size + 1) // 2, node.power)
    return Rounding(x * gain, _made(node, node.channels, shift))


@rule_of.register
def _(node: MatrixProduct) -> Rule:
    return _made(node, node.out_channels, COEFFICIENT_FRACTION)


@rounding.register
def _(node: MatrixProduct, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    assert coefficients is not None, "the node's own `execute` refuses that"
    return Rounding(matrix_sums(inputs[0][0], coefficients, node.conjugate)[None], _rule(node))


@rule_of.register
def _(node: Alamouti) -> Rule:
    return _made(node, node.out_channels, 0)


@rounding.register
def _(node: Alamouti, *inputs: IntArray, coefficients: IntArray | None = None) -> Rounding:
    return Rounding(alamouti_exact(inputs[0][0])[None], _rule(node))


def _rule(node: Node) -> Rule:
    rule = rule_of(node)
    assert rule is not None, "this module has one for the kinds that ask"
    return rule


def _made(node: Node, channels: int, shift: IntArray | int, coarse: tuple[int, int] | None = None) -> Rule:
    """With the limits of the node's output; odd channels have their own grid where it is `coarse`: (bits, left)."""
    low, high = (np.full(channels, end, dtype=np.int64) for end in node.output.bounds)
    left = np.zeros(channels, dtype=np.int64)
    if coarse is not None:
        low[1::2], high[1::2] = bounds(coarse[0], node.output.signed)
        left[1::2] = coarse[1]
    return Rule(np.broadcast_to(np.asarray(shift, dtype=np.int64), channels), low, high, left)
