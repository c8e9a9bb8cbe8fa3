"""Layers with one rule of their arithmetic wrong: which frames tell them from the right ones?

For every layer each of `WRONG` is put in place of its rule, and the outputs for the layer's true inputs are compared
value by value, as `verify` compares every stream. A wrong rule is found where they differ; it is equivalent where the
graph's bounds prove that they never do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwgen.ir.node import Node
from hwgen.ir.nodes import Convolution
from hwgen.ir.reach import Reach
from hwgen.ir.rounding import Rounding, Rule, rounding, rule_of
from hwgen.numerics.integer import IntArray, round_shift
from hwgen.verify.bounds import Bounds
from hwgen.verify.meter import Meter

Shifting = Callable[[IntArray, IntArray], IntArray]


def half_up(wide: IntArray, shift: IntArray) -> IntArray:
    """wide * 2**-shift, ties to the integer above."""
    right = np.maximum(shift, 0)
    return (wide + ((np.int64(1) << right) >> 1)) >> right << np.maximum(-shift, 0)


def half_down(wide: IntArray, shift: IntArray) -> IntArray:
    """wide * 2**-shift, ties to the integer below."""
    right = np.maximum(shift, 0)
    return (wide + np.where(shift > 0, ((np.int64(1) << right) >> 1) - 1, 0)) >> right << np.maximum(-shift, 0)


def floor(wide: IntArray, shift: IntArray) -> IntArray:
    """wide * 2**-shift, to the integer below."""
    return wide >> np.maximum(shift, 0) << np.maximum(-shift, 0)


def toward_zero(wide: IntArray, shift: IntArray) -> IntArray:
    """wide * 2**-shift, to the integer that is nearer to 0."""
    return np.sign(wide) * floor(np.abs(wide), shift)


ROUNDINGS: dict[str, tuple[Shifting, str]] = {
    "half up": (half_up, "ties_down"),
    "half down": (half_down, "ties_up"),
    "floor": (floor, "exact"),
    "toward zero": (toward_zero, "exact"),
}
"""Wrong rules of rounding, and the case without which they do no harm; "exact": where nothing is rounded at all."""
SATURATIONS = {
    "no lower limit": "saturated_low",
    "no upper limit": "saturated_high",
    "upper limit before rounding": "rounded_beyond",
}
"""Wrong rules of saturation (what is beyond wraps around), and the case without which they do no harm."""
BRANCHES = {
    "PReLU without positive branch": "positive",
    "PReLU without negative branch": "negative",
    "PReLU with 0 for a negative branch": "negative",
}
"""Wrong PReLUs: the slope for all values, for none, ReLU; and the case without which they do no harm."""
WRONG = (*SATURATIONS, *ROUNDINGS, *BRANCHES)


def limited(rounded: IntArray, rule: Rule, low: bool = True, high: bool = True) -> IntArray:
    """Limited where it should be, else as many of the low bits as the output's range needs; on the output's grid."""
    if low:
        rounded = np.maximum(rounded, rule.low)
    if high:
        rounded = np.minimum(rounded, rule.high)
    if not (low and high):
        size = np.int64(1) << np.ceil(np.log2(rule.high - rule.low + 1)).astype(np.int64)
        rounded = (rounded - rule.low) % size + rule.low
    return rounded << rule.left


def output(node: Node, found: Rounding, wrong: str | None = None) -> IntArray:
    """A layer's output for what it rounds, by a wrong rule or, for None, by the right ones."""
    rule, wide = found.rule, found.wide
    if wrong in BRANCHES:
        assert isinstance(node, Convolution) and found.accumulators is not None and node.slope is not None
        acc, fraction = found.accumulators, node.slope_fraction
        wide = {
            "PReLU without positive branch": acc * node.slope,
            "PReLU without negative branch": acc << fraction,
            "PReLU with 0 for a negative branch": np.maximum(acc, 0) << fraction,
        }[wrong]
    shifting = ROUNDINGS[wrong][0] if wrong in ROUNDINGS else round_shift
    rounded = shifting(wide, rule.shift)
    if wrong == "upper limit before rounding":
        beyond = floor(wide, rule.shift) > rule.high
        return limited(np.where(beyond, rule.high, rounded), rule, high=False)
    return limited(rounded, rule, low=wrong != "no lower limit", high=wrong != "no upper limit")


def rules_of(node: Node) -> tuple[str, ...]:
    """The wrong rules that a node can have. "upper limit before rounding" is not asked of a power normalisation: its
    factor depends on all values of a frame, and frames that show it are left to the component's own tests."""
    found = WRONG if getattr(node, "slope", None) is not None else (*SATURATIONS, *ROUNDINGS)
    return found if rule_of(node) is not None else tuple(one for one in found if one != "upper limit before rounding")


def equivalent(node: Node, wrong: str, bounds: Bounds, reach: Reach) -> bool:
    """Whether it is proven that a wrong rule changes nothing."""
    if wrong in ("floor", "toward zero"):
        return _exact(reach)
    if wrong in BRANCHES:
        assert isinstance(node, Convolution) and node.slope is not None
        same = 0 if wrong == "PReLU with 0 for a negative branch" else 1 << node.slope_fraction
        return BRANCHES[wrong] in bounds.unreachable or bool((node.slope == same).all())
    case = SATURATIONS.get(wrong) or ROUNDINGS[wrong][1]
    return case in bounds.unreachable


def _exact(reach: Reach) -> bool:
    assert reach.rule is not None
    units = np.int64(1) << np.maximum(reach.rule.shift, 0)
    return all(
        bool(((spans.low > spans.high) | ((spans.low % units == 0) & (spans.step % units == 0))).all())
        for spans in reach.wide
    )


class Detector(Meter):
    """A meter that also tries the wrong rules on every layer; `missed` are those that no frame has told apart yet."""

    def __init__(self) -> None:
        super().__init__()
        self.missed: dict[str, set[str]] = {}

    def answer(self, node: Node, *inputs: IntArray) -> IntArray:
        """The node's output."""
        found = rounding(node, *inputs, coefficients=self.coefficients)
        out = super().answer(node, *inputs)
        if found is None:
            return out
        assert np.array_equal(output(node, found), out), f"{node.name}: the rules here are not the node's"
        missed = self.missed.setdefault(node.name, set(rules_of(node)))
        missed -= {wrong for wrong in missed if not np.array_equal(output(node, found, wrong), out)}
        return out
