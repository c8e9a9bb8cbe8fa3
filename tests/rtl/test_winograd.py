"""Winograd's products of a row of taps, against the definition of a convolution."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwgen.rtl.winograd import Step, steps, transformed


@pytest.mark.parametrize(("taps", "stride"), [*itertools.product(range(1, 12), (1, 2, 3))])
def test_twice_both_outputs(taps: int, stride: int) -> None:
    """As polynomials in taps and inputs: every coefficient of the products' sums, not some values of it."""
    found = np.zeros((2, taps + stride, taps), dtype=np.int64)  # output, column, tap
    for step in steps(taps, stride):
        product = np.zeros((taps + stride, taps), dtype=np.int64)
        product[step.first] += step.taps
        if step.second is not None:
            product[step.second] += step.sign * np.array(step.taps)
        found += np.array(step.adds)[:, None, None] * product
    wanted = np.zeros_like(found)
    for output, tap in itertools.product(range(2), range(taps)):
        wanted[output, output * stride + tap, tap] = 2
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize(("taps", "stride", "products"), [
    (1, 1, 2), (2, 1, 3), (3, 1, 4), (4, 1, 6), (5, 1, 7), (6, 1, 8), (7, 1, 10), (9, 1, 12),
    (2, 2, 4), (3, 2, 5), (4, 2, 6), (5, 2, 7), (5, 3, 8), (9, 3, 12),
])  # fmt: skip
def test_number_of_products(taps: int, stride: int, products: int) -> None:
    """r + 1 for each block of r taps, where 2 taps would be."""
    assert len(steps(taps, stride)) == products


@pytest.mark.parametrize(("bits", "sign"), [*itertools.product((2, 4, 8), (-1, 0, 1))])
def test_largest_activation_is_reached_and_never_exceeded(bits: int, sign: int) -> None:
    ends = range(-(1 << (bits - 1)), 1 << (bits - 1))
    sums = {abs(a + sign * b) for a in ends for b in ends}
    assert max(sums) == Step(0, None if sign == 0 else 1, sign, (1,), (2, 0)).largest(bits)


def test_transformed_weights() -> None:
    weight = np.array([1, 20, 3, 4, 50])[None, None, None]
    assert transformed(weight, 1).tolist() == [[[[1, 24, -16, 3, 4, 54, 50]]]]
    assert transformed(weight, 2).tolist() == [[[[1, 54, 48, 50, 20, 24, 4]]]]
