"""Complex convolutions against plain complex integers, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.ir_samples import conv_values
from support.naive import naive_requantise

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge
from hwgen.ir.nodes import ComplexConv2d
from hwgen.ir.nodes.complex_conv2d import complex_weight
from hwgen.ir.types import IntType

KIND = IntType(6, True)


def values(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    real, imag = (rng.integers(-15, 16, (3, 2, 3, 3)) for _ in range(2))
    v = conv_values(rng, "c", (4, 6), 3, 1, "none", KIND, -3, 5, 8, (3, 3))
    return v | {"weight": complex_weight(real, imag)} | changes


@pytest.mark.parametrize(("imag_bits", "imag_left"), [(0, 0), (5, 2)])
def test_equals_complex_integers(imag_bits: int, imag_left: int) -> None:
    shift = np.full(6, 3)
    shift[1::2] += imag_left
    v = values(imag_bits=imag_bits, imag_left=imag_left, shift=shift)
    node = ComplexConv2d(**v)
    x = np.random.default_rng(1).integers(-32, 32, (4, 5, 4))
    wanted = []
    for y in range(4):
        for z in range(5):
            for o in range(3):
                re, im = (int(b) for b in v["bias"][2 * o : 2 * o + 2])
                for i in range(3):
                    for j in range(3):
                        row, column = y + i - 1, z + j - 1
                        if not (0 <= row < 4 and 0 <= column < 5):
                            continue
                        for c in range(2):
                            a, b = (int(part) for part in x[row, column, 2 * c : 2 * c + 2])
                            p, q = int(node.weight_real[o, c, i, j]), int(node.weight_imag[o, c, i, j])
                            re, im = re + p * a - q * b, im + p * b + q * a
                wanted.append(naive_requantise(re, 3, -128, 127))
                low = -(1 << (imag_bits or 8) - 1)
                wanted.append(naive_requantise(im, 3 + imag_left, low, -low - 1) << imag_left)
    assert node.execute(x).reshape(-1).tolist() == wanted
    assert node.output_shape((4, 5, 4)) == (4, 5, 6)
    assert node.macs((4, 5, 4)) == 20 * 6 * 9 * 4
    assert node.infer(Edge(4, KIND, -3)) == Edge(6, IntType(8, True), -4)


BROKEN = values()["weight"].copy()
BROKEN[1, 1] += 1 - 2 * (BROKEN[1, 1] > 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 2, "weight": BROKEN[:, :2]}, "c.groups: wanted 1 of complex channels, got 2"),
        ({"weight": BROKEN}, "c.weight: wanted the structure of a complex convolution, got another"),
        ({"in_channels": 3, "weight": BROKEN[:, :3]},
         "c.in_channels: wanted real and imaginary parts: an even number, got 3"),
        ({"shift": np.array([3, 4] * 3), "weight_exponent": np.array([-4, -5] * 3)},
         "c.weight_exponent: wanted one for both parts of a channel, got two"),
        ({"imag_bits": 5, "imag_left": 2}, "c.shift[1]: wanted 5, from the exponents, got 3"),
    ],
)  # fmt: skip
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        ComplexConv2d(**values(**changes))
    assert message in str(error.value)


def test_infer_refuses() -> None:
    with pytest.raises(HwgenError, match="c.in_channels: wanted 6, got 4"):
        ComplexConv2d(**values()).infer(Edge(6, KIND, -3))
