"""Wrong rules of arithmetic: each is what it says, by fractions in plain Python; what is called harmless is."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from support.ir_samples import conv_values

from hwgen.ir.nodes import Conv2d, Gain
from hwgen.ir.reach import reach
from hwgen.ir.rounding import Rule, rounding
from hwgen.ir.spans import Spans
from hwgen.ir.types import IntType
from hwgen.verify.bounds import layer_bounds
from hwgen.verify.wrong_rules import ROUNDINGS, SATURATIONS, WRONG, Detector, equivalent, limited, output, rules_of

BY_HAND = {
    "half up": lambda value: math.floor(value + Fraction(1, 2)),
    "half down": lambda value: math.ceil(value - Fraction(1, 2)),
    "floor": math.floor,
    "toward zero": math.trunc,
}


@pytest.mark.parametrize("name", list(ROUNDINGS))
def test_roundings(name: str) -> None:
    for shift in (-2, 0, 1, 3):
        wide = np.arange(-40, 41)
        got = ROUNDINGS[name][0](wide, np.full(81, shift))
        wanted = [BY_HAND[name](Fraction(int(value)) / Fraction(2) ** shift) for value in wide]
        assert got.tolist() == wanted, shift


def test_what_is_not_limited_wraps() -> None:
    one = np.ones(1, dtype=np.int64)
    rule = Rule(0 * one, -8 * one, 7 * one, one)
    values = np.array([[-9], [-8], [7], [8], [23]])
    assert limited(values, rule)[:, 0].tolist() == [-16, -16, 14, 14, 14]
    assert limited(values, rule, low=False)[:, 0].tolist() == [14, -16, 14, 14, 14]
    assert limited(values, rule, high=False)[:, 0].tolist() == [-16, -16, 14, -16, 14]


def layer(activation: str = "prelu", **changes: object) -> Conv2d:
    values = conv_values(np.random.default_rng(4), "c", (1, 1), 1, 1, activation, IntType(6, True), -2, 8, 5, (2, 2))
    one = np.ones(1, dtype=np.int64)
    return Conv2d(**values | {"weight": one.reshape(1, 1, 1, 1), "bias": 0 * one, "slope": 24 * one} | changes)


def found_on(node: Conv2d, *values: int) -> set[str]:
    detector = Detector()
    detector.answer(node, np.array(values).reshape(1, -1, 1))
    return set(WRONG) - detector.missed["c"]


def test_each_wrong_rule_is_found_by_the_value_that_it_is_about() -> None:
    """Values times 1/4, those below 0 times 24/64, too; the output has 4 bits."""
    node = layer(output=IntType(4, True))
    assert found_on(node, 0, 1) == set()
    assert found_on(node, 2) == {"half up"}
    assert found_on(node, 6) == {"half down", "floor", "toward zero", "PReLU without positive branch"}
    assert found_on(node, 31) == {"no upper limit", "upper limit before rounding", "PReLU without positive branch"}
    others = *range(-32, 14), *range(16, 32)  # but 14 and 15, quarters of which are below 4 and rounded to it
    assert "upper limit before rounding" not in found_on(layer(output=IntType(3, True)), *others)
    assert found_on(node, -16) == {"half up", "toward zero", *WRONG[-2:]}
    assert "no lower limit" not in found_on(node, *range(-32, 0)), "the slope keeps all of them above the limit"
    assert "no lower limit" in found_on(layer(output=IntType(4, True), slope=np.array([127])), -32)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_proven_equivalent_changes_nothing(seed: int) -> None:
    """All inputs of one layer: a wrong rule that any of them tells apart is not called equivalent."""
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(2, 7))
    activation = str(rng.choice(["none", "relu", "prelu"]))
    slope = np.array([int(rng.choice([0, 64, 32, -64, 5]))]) if activation == "prelu" else None
    shift = int(rng.integers(-1, 4))
    values = conv_values(rng, "c", (1, 1), 1, 1, activation, IntType(bits, True), -2, 8, 5, (shift, shift))
    weight = np.array([int(rng.choice([0, 1, 2, 4, 8]))]).reshape(1, 1, 1, 1)
    bias = np.array([int(rng.choice([0, 1, 8, 200]))])
    node = Conv2d(**values | {"weight": weight, "bias": bias, "slope": slope})
    every = np.arange(-(1 << bits - 1), 1 << bits - 1).reshape(1, -1, 1)
    found = rounding(node, every)
    assert found is not None
    reached = reach(node, Spans.of(node.input, 1), values=1)
    bounds = layer_bounds(node, reached, (1, 1))
    for wrong in rules_of(node):
        changes = not np.array_equal(output(node, found, wrong), node.execute(every))
        assert not (changes and equivalent(node, wrong, bounds, reached)), wrong


def test_a_gain_that_only_shifts_left_rounds_nothing() -> None:
    node = Gain("g", 1, 3, 4, -2, IntType(4, True))
    reached = reach(node, Spans.of(node.input, 1), values=1)
    bounds = layer_bounds(node, reached, (1, 1))
    assert all(equivalent(node, wrong, bounds, reached) for wrong in rules_of(node))
    assert set(rules_of(node)) == {*SATURATIONS, *ROUNDINGS}
