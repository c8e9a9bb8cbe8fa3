"""Winograd's minimal filtering of a row of taps: two neighbouring outputs with fewer products than taps.

Two outputs of a row of r taps at a stride of 1 take 2 r products, or r + 1 by Winograd's F(2, r) (S. Winograd,
Arithmetic Complexity of Computations, 1980). With inputs d and taps g:

    F(2, 2):  (d0 - d1) g0,  d1 (g0 + g1),  (d2 - d1) g1
              y0 = 1st + 2nd,  y1 = 2nd + 3rd
    F(2, 3):  (d0 - d2) g0,  (d1 + d2) (g0 + g1 + g2),  (d2 - d1) (g0 - g1 + g2),  (d3 - d1) g2
              2 y0 = 2 * 1st + 2nd + 3rd,  2 y1 = 2nd - 3rd + 2 * 4th

Every output is computed twofold, so that all factors are integers: twice an output is even, nothing is lost. A row of
any length falls into blocks of three, two or one taps; at a stride s, tap j = s m + r meets every s-th column, so the
taps of each remainder r are a row at a stride of 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

BLOCKS = {1: (1,), 2: (2,), 3: (3,), 4: (2, 2)}
"""Blocks of F(2, r) for rows of up to four taps; longer rows take blocks of three until at most four taps are left."""
CONTROLS = 4
"""Bits beside a word: it counts for the first sum, for the second, twice, and is taken from the second."""


@dataclass(frozen=True)
class Step:
    """One product of a row of taps.

    Parameters
    ----------
    first
        Column of the pair's window whose input is taken.
    second
        Column of another one, None: no other.
    sign
        With which that one is added, 1 or -1; 0 where there is none.
    taps
        The weight is the sum of the row's taps with these factors.
    adds
        Multiples of the product that twice the first and twice the second output get.
    """

    first: int
    second: int | None
    sign: int
    taps: tuple[int, ...]
    adds: tuple[int, int]

    def largest(self, bits: int) -> int:
        """The largest magnitude of what the weight meets, for signed inputs of so many bits."""
        if self.sign == 0:
            return 1 << (bits - 1)
        return (1 << bits) if self.sign > 0 else (1 << bits) - 1


def _blocks(taps: int) -> tuple[int, ...]:
    return BLOCKS[taps] if taps in BLOCKS else (3, *_blocks(taps - 3))


@cache
def steps(kernel_width: int, stride: int) -> tuple[Step, ...]:
    """The products of a row of taps for two neighbouring outputs; columns count from the first output's first tap."""
    found: list[Step] = []

    def weight(factors: dict[int, int]) -> tuple[int, ...]:
        return tuple(factors.get(tap, 0) for tap in range(kernel_width))

    for rest in range(min(stride, kernel_width)):
        place = 0
        for block in _blocks(len(range(rest, kernel_width, stride))):
            g = [(place + j) * stride + rest for j in range(block)]
            d = [(place + j) * stride + rest for j in range(block + 1)]
            if block == 1:
                found += [
                    Step(d[0], None, 0, weight({g[0]: 1}), (2, 0)),
                    Step(d[1], None, 0, weight({g[0]: 1}), (0, 2)),
                ]
            elif block == 2:
                found += [
                    Step(d[0], d[1], -1, weight({g[0]: 1}), (2, 0)),
                    Step(d[1], None, 0, weight({g[0]: 1, g[1]: 1}), (2, 2)),
                    Step(d[2], d[1], -1, weight({g[1]: 1}), (0, 2)),
                ]
            else:
                found += [
                    Step(d[0], d[2], -1, weight({g[0]: 1}), (2, 0)),
                    Step(d[1], d[2], 1, weight({g[0]: 1, g[1]: 1, g[2]: 1}), (1, 1)),
                    Step(d[2], d[1], -1, weight({g[0]: 1, g[1]: -1, g[2]: 1}), (1, -1)),
                    Step(d[3], d[1], -1, weight({g[2]: 1}), (0, 2)),
                ]
            place += block
    return tuple(found)


def transformed(weight: np.ndarray, stride: int) -> np.ndarray:
    """(O, I, rows, columns) -> int64 (O, I, rows, steps): the weight of every product."""
    matrix = np.array([step.taps for step in steps(weight.shape[3], stride)], dtype=np.int64)
    return weight.astype(np.int64) @ matrix.T
