"""The quantiser of received parts against plain integers, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge
from hwgen.ir.nodes import Receive
from hwgen.ir.types import IntType


@pytest.mark.parametrize(("imag_bits", "imag_left"), [(0, 0), (5, 3), (4, 1)])
def test_equals_plain_integers(imag_bits: int, imag_left: int) -> None:
    node = Receive("r", 4, 5, IntType(8, True), -7, imag_bits=imag_bits, imag_left=imag_left)
    x = np.random.default_rng(0).integers(-6000, 6000, (4, 5, 4))
    x[0] = 16 * np.arange(20).reshape(5, 4)  # ties
    wanted = []
    for index, v in enumerate(x.reshape(-1).tolist()):
        if imag_bits and index % 2:
            low = -(1 << imag_bits - 1)
            wanted.append(naive_requantise(v, 5 + imag_left, low, -low - 1) << imag_left)
        else:
            wanted.append(naive_requantise(v, 5, -128, 127))
    assert node.execute(x).reshape(-1).tolist() == wanted
    assert node.output_shape((4, 5, 4)) == (4, 5, 4)
    assert node.infer(Edge(4, SYMBOL, SYMBOL_EXPONENT)) == Edge(4, IntType(8, True), -7)


def test_infer_refuses() -> None:
    node = Receive("r", 4, 5, IntType(8, True), -7)
    for edge, message in (
        (Edge(5, SYMBOL, -12), "r.in_channels: wanted 5, got 4"),
        (Edge(4, IntType(8, True), -12), "r.input: wanted 8 bits, signed, got"),
        (Edge(4, SYMBOL, -11), "r.input_exponent: wanted -11, got -12"),
    ):
        with pytest.raises(HwgenError) as error:
            node.infer(edge)
        assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "r.channels: wanted an integer 1..4096, got 0"),
        ({"shift": 41}, "r.shift: wanted an integer -16..40, got 41"),
        ({"shift": 4}, "r.shift: wanted 5, from the exponents, got 4"),
        ({"output": IntType(9, True)}, "r.output.bits: wanted an integer 2..8, got 9"),
        ({"output": IntType(8, False)}, "r.output.signed: wanted True, got False"),
        ({"output_exponent": 65}, "r.output_exponent: wanted an integer -64..64, got 65"),
        ({"input": IntType(8, True)}, "r.input: wanted 16 bits, signed, got"),
        ({"input_exponent": -11}, "r.input_exponent: wanted -12, got -11"),
        ({"imag_left": 1}, "r.imag_left: wanted 0 without imag_bits, got 1"),
        ({"imag_bits": 1}, "r.imag_bits: wanted 0, or at least 2, got 1"),
        ({"imag_bits": 6, "imag_left": 3}, "r.imag_bits: wanted at most 5 beside imag_left 3, got 6"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = dict(name="r", channels=4, shift=5, output=IntType(8, True), output_exponent=-7)
    with pytest.raises(HwgenError) as error:
        Receive(**(arguments | changes))
    assert message in str(error.value)
