"""Power normalisation: the numeric contract's rule for a whole frame, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge
from hwgen.ir.nodes import Power
from hwgen.ir.types import IntType
from hwgen.numerics.complex import power_gain


@pytest.mark.parametrize("spread", [1, 20, 128])
def test_equals_plain_integers(spread: int) -> None:
    x = np.random.default_rng(spread).integers(-spread, spread, (3, 5, 3))
    node = Power("power", 3, 70000, IntType(8, True))
    values = x.reshape(-1).tolist()
    gain, shift = power_gain(sum(v * v for v in values), 23, 70000)
    wanted = [naive_requantise(v * gain, shift, -32768, 32767) for v in values]
    assert node.execute(x).reshape(-1).tolist() == wanted
    assert node.output_shape((3, 5, 3)) == (3, 5, 3)


def test_infer() -> None:
    node = Power("power", 3, 70000, IntType(8, True))
    assert node.infer(Edge(3, IntType(8, True), 5)) == Edge(3, SYMBOL, SYMBOL_EXPONENT)
    with pytest.raises(HwgenError, match="power.in_channels: wanted 5, got 3"):
        node.infer(Edge(5, IntType(8, True), 5))
    with pytest.raises(HwgenError, match="power.input: wanted 7 bits, signed"):
        node.infer(Edge(3, IntType(7, True), 5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "power.channels: wanted an integer 1..4096, got 0"),
        ({"power": 0}, "power.power: wanted an integer 1..1048576, got 0"),
        ({"input": IntType(9, True)}, "power.input.bits: wanted an integer 2..8, got 9"),
        ({"output": IntType(8, True)}, "power.output: wanted 16 bits, signed, got"),
        ({"output_exponent": -11}, "power.output_exponent: wanted -12, got -11"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"name": "power", "channels": 3, "power": 9, "input": IntType(8, True)}
    with pytest.raises(HwgenError) as error:
        Power(**(arguments | changes))
    assert message in str(error.value)
