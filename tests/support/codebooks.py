"""Codebooks at the ends of what they may be, and weights made of their values."""

from __future__ import annotations

import numpy as np

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.weights import weight_limit


def corner_codebooks(weight_bits: int) -> list[Codebook]:
    """Both ends alone; one sign alone; the largest size; repeated values, up to all of them; bits that never differ."""
    limit, most = weight_limit(weight_bits), 1 << weight_bits - 1
    found = [
        (-limit, limit),
        (0, limit),
        (-limit, 0),
        (limit, limit),
        (-limit, -limit),
        tuple(range(-limit, most - limit)),
        tuple(range(-(most // 2), most // 2)),
    ]
    if weight_bits > 2:
        found += [(-limit, 0, 0, limit), (-limit, -1, 0, limit), (-limit, -limit, -limit, 1), (-2, -2, 2, 2)]
    return [Codebook(weight_bits, values) for values in found]


def nearest(weight: np.ndarray, codebook: Codebook) -> np.ndarray:
    """The weights, each the codebook's value that is nearest to it."""
    return codebook.grid[np.abs(weight[..., None] - codebook.grid).argmin(axis=-1)]
