"""The static gain against plain integers, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT, Edge
from hwgen.ir.nodes import Gain
from hwgen.ir.types import IntType


def test_equals_plain_integers() -> None:
    x = np.arange(-128, 128).reshape(16, 8, 2)
    for factor, shift in [(1, 1), (40960, 7), (65535, 0), (3, -4), (9, 30)]:
        node = Gain("gain", 2, factor, 16, shift, IntType(8, True))
        wanted = [naive_requantise(v * factor, shift, -32768, 32767) for v in range(-128, 128)]
        assert node.execute(x).reshape(-1).tolist() == wanted


def test_infer() -> None:
    node = Gain("gain", 4, 9, 16, 3, IntType(8, True))
    assert node.infer(Edge(4, IntType(8, True), -5)) == Edge(4, SYMBOL, SYMBOL_EXPONENT)  # whatever the exponent
    with pytest.raises(HwgenError, match="gain.in_channels: wanted 5, got 4"):
        node.infer(Edge(5, IntType(8, True), -5))
    with pytest.raises(HwgenError, match="gain.input: wanted 7 bits, signed"):
        node.infer(Edge(4, IntType(7, True), -5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factor": 0}, "gain.factor: wanted an integer 1..65535, got 0"),
        ({"factor": 70000}, "gain.factor: wanted an integer 1..65535, got 70000"),
        ({"factor_bits": 17}, "gain.factor_bits: wanted an integer 1..16, got 17"),
        ({"shift": 41}, "gain.shift: wanted an integer -16..40, got 41"),
        ({"input": IntType(9, True)}, "gain.input.bits: wanted an integer 2..8, got 9"),
        ({"output": IntType(8, True)}, "gain.output: wanted 16 bits, signed, got"),
        ({"output_exponent": -11}, "gain.output_exponent: wanted -12, got -11"),
        ({"channels": 0}, "gain.channels: wanted an integer 1..4096, got 0"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"name": "gain", "channels": 4, "factor": 9, "factor_bits": 16, "shift": 3}
    with pytest.raises(HwgenError) as error:
        Gain(**(arguments | {"input": IntType(8, True)} | changes))
    assert message in str(error.value)
