"""Tables of activations: every entry is the function's nearest integer."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from hwgen.assembly.tables import table_values
from hwgen.ir.types import IntType


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "silu"])
def test_tables_equal_plain_functions(activation: str) -> None:
    output = IntType(6, activation != "sigmoid")
    values = table_values(activation, IntType(8, True), -5, output, -5)
    low, high = output.bounds
    for place, value in enumerate(values.tolist()):
        x = (place - 256 if place >= 128 else place) / 32
        gate = 1 / (1 + math.exp(-x))
        real = {"sigmoid": gate, "tanh": math.tanh(x), "silu": x * gate}[activation]
        assert abs(value - min(max(Fraction(real) * 32, low), high)) <= Fraction(1, 2)
    assert np.unique(values).size > 8
