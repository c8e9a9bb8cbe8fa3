"""The LUT form of MacArray: every weight width, every shape of its trees."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.mac_bench import check_sums, worst_cases

from hwgen.numerics.integer import bounds
from hwgen.rtl.packing import LUT
from hwgen.rtl.weights import weight_limit


@pytest.mark.parametrize("activation", [signed(1), unsigned(1), signed(4), signed(8), unsigned(8)], ids=repr)
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 8])
def test_worst_cases(bits: int, activation: Shape) -> None:
    for lanes in (1, 2, 3, 5, 8, 13) if bits < 4 else (1, 4, 7):
        weight, windows = worst_cases(2, lanes, bits, activation, seed=lanes)
        check_sums(weight, windows, pe=2, simd=lanes, activation=activation, bits=bits, packing=LUT)


@pytest.mark.parametrize(("bits", "lanes", "activation"), [
    (1, 5, signed(2)), (2, 3, signed(2)), (2, 3, unsigned(2)), (3, 2, signed(2)), (3, 2, unsigned(1)),
    (4, 1, signed(4)),
])  # fmt: skip
def test_every_weight_and_activation(bits: int, lanes: int, activation: Shape) -> None:
    largest, (low, high) = weight_limit(bits), bounds(activation.width, activation.signed)
    weights = np.mgrid[lanes * [slice(-largest, largest + 1, 2 if bits == 1 else 1)]].reshape(lanes, -1).T
    windows = np.mgrid[lanes * [slice(low, high + 1)]].reshape(lanes, -1).T
    windows = windows[:: -(-len(windows) // 16)]
    check_sums(weights.reshape(-1, lanes, 1, 1), windows.reshape(-1, 1, 1, lanes), pe=3, simd=lanes,
               activation=activation, bits=bits, packing=LUT)  # fmt: skip
