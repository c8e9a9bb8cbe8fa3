"""Weight formats: grids, codes and bits, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest

from hwgen.errors import HwgenError
from hwgen.numerics.weight_format import Codebook, Uniform


@pytest.mark.parametrize("bits", range(2, 9))
def test_uniform(bits: int) -> None:
    own = Uniform(bits)
    largest = 2 ** (bits - 1) - 1
    assert own.bounds == (-largest, largest)
    assert own.grid.tolist() == list(range(-largest, largest + 1))
    assert own.storage_bits == bits
    assert own.encode(own.grid).tolist() == own.decode(own.grid).tolist() == own.grid.tolist()


def test_codebook() -> None:
    own = Codebook(5, (-15, -2, 0, 7))
    assert own.index_bits == own.storage_bits == 2
    assert own.grid.tolist() == [-15, -2, 0, 7]
    weight = np.array([[7, 7], [-2, -15], [0, 0]])
    codes = own.encode(weight)
    assert codes.tolist() == [[3, 3], [1, 0], [2, 2]]
    assert own.decode(codes).tolist() == weight.tolist()
    assert Codebook(8, tuple(range(-64, 64))).storage_bits == 7


def test_repeated_values_are_the_first_of_them() -> None:
    """Where k-means found fewer values than indices."""
    own = Codebook(4, (-7, 2, 2, 2))
    assert own.encode(np.array([2, -7])).tolist() == [1, 0]
    assert own.decode(np.arange(4)).tolist() == [-7, 2, 2, 2]
    assert Codebook(2, (1, 1)).encode(np.array([1])).tolist() == [0]


@pytest.mark.parametrize(
    ("bits", "values", "message"),
    [
        (9, (0, 1), "weight_bits: wanted an integer 2..8, got 9"),
        (4, (0,), "codebook: wanted a power of two of values, 2..8, got 1"),
        (4, (0, 1, 2), "codebook: wanted a power of two of values, 2..8, got 3"),
        (4, tuple(range(-7, 9)), "codebook: wanted a power of two of values, 2..8, got 16"),
        (4, (-8, 0), "codebook: wanted an integer -7..7, got -8"),
        (4, (2, 1), "codebook: wanted ascending values, got (2, 1)"),
        (4, (0.0, 1), "codebook: wanted an integer -7..7, got 0.0"),
    ],
)
def test_codebooks_that_are_refused(bits: int, values: tuple[int, ...], message: str) -> None:
    with pytest.raises(HwgenError) as error:
        Codebook(bits, values)
    assert message in str(error.value)


def test_a_width_that_is_refused() -> None:
    with pytest.raises(HwgenError, match="weight_bits: wanted an integer 2..8, got 1"):
        Uniform(1)
