"""Matrix products of symbols against plain Python complex integers, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOLS, Edge
from hwgen.ir.nodes import MatrixProduct
from hwgen.ir.types import IntType


@pytest.mark.parametrize(("rows", "columns", "tables"), [(1, 1, 3), (2, 3, 1), (2, 2, 2)])
def test_equals_plain_integers(rows: int, columns: int, tables: int) -> None:
    rng = np.random.default_rng(rows)
    flags = tuple(bool(column % 2) for column in range(columns))
    node = MatrixProduct("m", rows, columns, flags, tables)
    x = rng.integers(-32768, 32768, (1, 6 * columns, 2))
    x[0, :2, 1] = -32768
    c = rng.integers(-900, 900, (tables, rows, columns, 2))
    wanted = []
    for group in range(6):
        for row in range(rows):
            re = im = 0
            for column in range(columns):
                a, b = (int(v) for v in x[0, group * columns + column])
                if flags[column]:
                    b = min(-b, 32767)
                p, q = (int(v) for v in c[group % tables, row, column])
                re, im = re + p * a - q * b, im + p * b + q * a
            wanted.append([naive_requantise(part, 10, -32768, 32767) for part in (re, im)])
    assert node.execute(x, coefficients=c).tolist() == [wanted]
    assert node.output_shape(x.shape) == (1, 6 * rows, 2)
    assert node.words_in(6 * rows) == 6 * columns
    assert node.coefficient_words == tables * rows * columns
    assert node.infer(SYMBOLS) == SYMBOLS


def test_what_does_not_fit_is_refused() -> None:
    node = MatrixProduct("m", 2, 3, (False,) * 3)
    x = np.zeros((1, 6, 2), dtype=np.int64)
    with pytest.raises(HwgenError, match=r"m: coefficients: wanted integers of shape \(1, 2, 3, 2\), got None"):
        node.execute(x)
    with pytest.raises(HwgenError, match=r"m: coefficients: wanted .*, got \(1, 3, 2, 2\)"):
        node.execute(x, coefficients=np.zeros((1, 3, 2, 2), dtype=np.int64))
    with pytest.raises(HwgenError, match="m: wanted symbols in groups of 3, got 7"):
        node.output_shape((1, 7, 2))
    with pytest.raises(HwgenError, match="m: wanted symbols in groups of 2, got 7"):
        node.words_in(7)
    with pytest.raises(HwgenError, match="m.inputs: wanted symbols, got values"):
        node.infer(Edge(2, IntType(16, True), -12))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 9}, "m.rows: wanted an integer 1..8, got 9"),
        ({"columns": 0}, "m.columns: wanted an integer 1..8, got 0"),
        ({"tables": 4097}, "m.tables: wanted an integer 1..4096, got 4097"),
        ({"conjugate": (False,)}, "m.conjugate: wanted 2 truth values, got (False,)"),
        ({"conjugate": (0, 1)}, "m.conjugate: wanted 2 truth values, got (0, 1)"),
        ({"output": IntType(8, True)}, "m.output: wanted 16 bits, signed, as the input, got"),
        ({"output_exponent": -11}, "m.output_exponent: wanted -12, got -11"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = dict(name="m", rows=2, columns=2, conjugate=(False, True))
    with pytest.raises(HwgenError) as error:
        MatrixProduct(**(arguments | changes))
    assert message in str(error.value)
