"""Which power of two becomes a scale: by a range that it has to cover, or by what each candidate costs.

Scales are powers of two (docs/numeric_contract.md). A calibration that gives a range takes the smallest one with which
the range is covered, as Brevitas's fixed-point quantisers do (`CeilSte`); one that gives a cost tries the smallest one
that clips nothing and `CANDIDATES` - 1 below it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

CANDIDATES = 5
"""Exponents tried: the smallest one that clips nothing, and the next smaller ones."""
ACTIVATION_EXPONENTS = (-24, 24)
WEIGHT_EXPONENTS = (-24, 16)
"""The smallest and the largest exponent of a scale."""

Sample: TypeAlias = tuple[Tensor, int, int]
"""Values of any shape and the smallest and the largest integer that they become."""
Range: TypeAlias = Callable[[Tensor], tuple[float, float]]
"""(values,) float64 to the smallest and the largest value that is to be covered."""
Cost: TypeAlias = Callable[[Tensor, Sequence[int], int, int], Mapping[int, float]]
"""(values,) float64, exponents, smallest and largest integer to what each exponent costs; least is best."""


class Calibration(ABC):
    """Chooses exponents e of scales 2**e. Where all values are zero, 0."""

    @abstractmethod
    def exponent(self, samples: Sequence[Sample], limits: tuple[int, int] = ACTIVATION_EXPONENTS) -> int:
        """One exponent for all samples, within limits."""

    @abstractmethod
    def pair(
        self, real: Sample, imag: Sample, most: int, limits: tuple[int, int] = ACTIVATION_EXPONENTS
    ) -> tuple[int, int]:
        """Exponents of real and of imaginary parts; the latter's is 0 .. ``most`` above the former's."""

    @abstractmethod
    def above(self, sample: Sample, lowest: int, most: int) -> int:
        """An exponent from ``lowest`` to ``lowest`` + ``most``."""


@dataclass(frozen=True)
class ByRange(Calibration):
    """The smallest scale that covers a range of the values."""

    covered: Range

    def exponent(self, samples: Sequence[Sample], limits: tuple[int, int] = ACTIVATION_EXPONENTS) -> int:
        """The largest one that a sample needs: all ranges are covered."""
        tops = [top for one in samples if (top := self._top(one)) is not None]
        return min(max(max(tops), limits[0]), limits[1]) if tops else 0

    def pair(
        self, real: Sample, imag: Sample, most: int, limits: tuple[int, int] = ACTIVATION_EXPONENTS
    ) -> tuple[int, int]:
        """The smallest ones with which both ranges are covered."""
        tops = self._top(real), self._top(imag)
        wanted = [top for top in (tops[0], None if tops[1] is None else tops[1] - most) if top is not None]
        if not wanted:
            return 0, 0
        first = min(max(max(wanted), limits[0]), limits[1] - most)
        return first, self.above(imag, first, most)

    def above(self, sample: Sample, lowest: int, most: int) -> int:
        """The smallest one with which the range is covered, where it is that of one of them."""
        top = self._top(sample)
        return lowest if top is None else min(max(top, lowest), lowest + most)

    def _top(self, sample: Sample) -> int | None:
        values, low, high = sample
        return covering(*self.covered(_flat(values)), low, high)


@dataclass(frozen=True)
class ByCost(Calibration):
    """The scale of the least cost; of equal ones the smallest."""

    cost: Cost

    def exponent(self, samples: Sequence[Sample], limits: tuple[int, int] = ACTIVATION_EXPONENTS) -> int:
        """The one with the least sum of all samples' costs."""
        flat = [(_flat(values), low, high) for values, low, high in samples]
        tops = [top for one in flat if (top := _unclipped(*one)) is not None]
        if not tops:
            return 0
        candidates = range(max(tops), min(tops) - CANDIDATES, -1)
        costs = [self.cost(one, candidates, low, high) for one, low, high in flat]
        best = min((sum(cost[e] for cost in costs), e) for e in candidates)[1]
        return int(min(max(best, limits[0]), limits[1]))

    def pair(
        self, real: Sample, imag: Sample, most: int, limits: tuple[int, int] = ACTIVATION_EXPONENTS
    ) -> tuple[int, int]:
        """Those of the least sum of both costs."""
        parts = [(_flat(values), low, high) for values, low, high in (real, imag)]
        tops = [_unclipped(*part) for part in parts]
        wanted = [top for top in (tops[0], None if tops[1] is None else tops[1] - most) if top is not None]
        if not wanted:
            return 0, 0
        first = min(max(max(wanted), limits[0] + CANDIDATES - 1), limits[1] - most)
        lowest = first - CANDIDATES + 1
        of_real = self.cost(parts[0][0], range(lowest, first + 1), *parts[0][1:])
        of_imag = self.cost(parts[1][0], range(lowest, first + most + 1), *parts[1][1:])
        return min(((e, e + left) for e in of_real for left in range(most + 1)),
                   key=lambda pair: (of_real[pair[0]] + of_imag[pair[1]], pair))  # fmt: skip

    def above(self, sample: Sample, lowest: int, most: int) -> int:
        """The one of the least cost."""
        values, low, high = sample
        costs = self.cost(_flat(values), range(lowest, lowest + most + 1), low, high)
        return min(costs, key=lambda e: (costs[e], e))


def covering(least: float, largest: float, low: int, high: int) -> int | None:
    """The smallest e for which the integers low .. high times 2**e reach from least to largest; None of zeros alone."""
    wanted = max(largest / high if high else 0.0, least / low if low else 0.0)
    return math.ceil(math.log2(wanted)) if wanted > 0.0 else None


def _flat(values: Tensor) -> Tensor:
    return values.detach().reshape(-1).double()


def _unclipped(flat: Tensor, low: int, high: int) -> int | None:
    return covering(float(flat.min()), float(flat.max()), low, high)
