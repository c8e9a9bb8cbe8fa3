"""Alamouti's code against its formula, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOLS, Edge
from hwgen.ir.nodes import Alamouti
from hwgen.ir.types import IntType


def test_equals_its_formula() -> None:
    x = np.random.default_rng(0).integers(-32768, 32768, (1, 10, 2))
    x[0, :2] = -32768
    wanted: list[tuple[int, int]] = []
    for first, second in zip(x[0, 0::2].tolist(), x[0, 1::2].tolist(), strict=True):
        (a, b), (c, d) = first, second
        wanted += [(a, b), (c, d), (min(-c, 32767), d), (a, min(-b, 32767))]
    found = Alamouti("code").execute(x)
    assert [tuple(symbol) for symbol in found[0].tolist()] == wanted
    assert Alamouti("code").output_shape((1, 10, 2)) == found.shape
    assert Alamouti("code").infer(SYMBOLS) == SYMBOLS


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(HwgenError, match="code: wanted an even number of symbols, got 3"):
        Alamouti("code").output_shape((1, 3, 2))
    with pytest.raises(HwgenError, match="code.inputs: wanted symbols, got values"):
        Alamouti("code").infer(Edge(2, IntType(16, True), -12))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": IntType(8, True)}, "code.output: wanted 16 bits, signed, as the input, got"),
        ({"output_exponent": -11}, "code.output_exponent: wanted -12, got -11"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        Alamouti("code", **changes)
    assert message in str(error.value)
