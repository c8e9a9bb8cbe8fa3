"""Storage formats of a convolution's weights: the integers that they may be, and the bits of each.

Arithmetic never sees the difference: multipliers, accumulators and rounding take the decoded integers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from hwgen.errors import HwgenError
from hwgen.numerics.integer import IntArray, bounds

WEIGHT_BITS = (2, 8)
"""Smallest and largest width of a decoded weight."""


def _check_int(value: object, where: str, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise HwgenError(where, f"an integer {low}..{high}", repr(value))


@dataclass(frozen=True)
class WeightFormat(ABC):
    """A set of integers of `weight_bits`, and a code for each.

    Parameters
    ----------
    weight_bits
        Signed width of a decoded weight, 2 to 8; narrow range: -(2**(weight_bits-1) - 1) .. 2**(weight_bits-1) - 1.
    """

    weight_bits: int

    @property
    def bounds(self) -> tuple[int, int]:
        """Smallest and largest weight of the narrow range."""
        largest = bounds(self.weight_bits, True)[1]
        return -largest, largest

    @property
    @abstractmethod
    def storage_bits(self) -> int:
        """Bits that memory holds for every weight."""

    @property
    @abstractmethod
    def grid(self) -> IntArray:
        """The integers that a weight may be, ascending."""

    @abstractmethod
    def encode(self, weight: IntArray) -> IntArray:
        """Codes in memory for weights of the grid, any shape."""

    @abstractmethod
    def decode(self, codes: IntArray) -> IntArray:
        """The inverse of `encode`."""


@dataclass(frozen=True)
class Uniform(WeightFormat):
    """Every integer of the narrow range, as itself."""

    def __post_init__(self) -> None:
        _check_int(self.weight_bits, "weight_bits", *WEIGHT_BITS)

    @property
    def storage_bits(self) -> int:
        """As the weight's width."""
        return self.weight_bits

    @property
    def grid(self) -> IntArray:
        """The narrow range."""
        low, high = self.bounds
        return np.arange(low, high + 1, dtype=np.int64)

    def encode(self, weight: IntArray) -> IntArray:
        """The weights themselves."""
        return np.asarray(weight, dtype=np.int64)

    def decode(self, codes: IntArray) -> IntArray:
        """The codes themselves."""
        return np.asarray(codes, dtype=np.int64)


@dataclass(frozen=True)
class Codebook(WeightFormat):
    """A few integers of the narrow range, found by k-means say; memory holds each weight's index among them.

    Parameters
    ----------
    values
        2**index_bits integers of the narrow range, ascending; index_bits is 1 .. weight_bits - 1. A value may be
        repeated, where k-means found fewer: a weight is encoded as the first of equal ones.

    Raises
    ------
    HwgenError
        Another number of values, values out of range or not ascending.
    """

    values: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_int(self.weight_bits, "weight_bits", *WEIGHT_BITS)
        count, most = len(self.values), 1 << self.weight_bits - 1
        if not 2 <= count <= most or count & (count - 1):
            raise HwgenError("codebook", f"a power of two of values, 2..{most}", str(count))
        for value in self.values:
            _check_int(value, "codebook", *self.bounds)
        if list(self.values) != sorted(self.values):
            raise HwgenError("codebook", "ascending values", str(self.values))

    @property
    def index_bits(self) -> int:
        """Bits of an index into the codebook."""
        return len(self.values).bit_length() - 1

    @property
    def storage_bits(self) -> int:
        """Those of an index."""
        return self.index_bits

    @property
    def grid(self) -> IntArray:
        """The codebook."""
        return np.array(self.values, dtype=np.int64)

    def encode(self, weight: IntArray) -> IntArray:
        """Indices into the codebook, from 0."""
        return np.searchsorted(self.grid, weight).astype(np.int64)

    def decode(self, codes: IntArray) -> IntArray:
        """The values at those indices."""
        return self.grid[codes]
