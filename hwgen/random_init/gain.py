"""A random static gain."""

from __future__ import annotations

import numpy as np

from hwgen.ir.nodes import Gain
from hwgen.ir.types import IntType


def random_gain(rng: np.random.Generator, channels: int, kind: IntType) -> Gain:
    """A gain for which the largest latent values saturate and every eighth or so value is a tie.

    x * factor * 2**-shift is a tie where x is an odd multiple of 2**t and factor = odd << j, shift = t + 1 + j.
    """
    headroom = kind.bits if kind.signed else kind.bits + 1
    t = min(2, headroom - 2)
    # Of 1024: what the largest value becomes of full scale. Little more than 1, for saturated codes look alike.
    if kind.signed:
        ratio = int(rng.integers(1055, 1147))
    else:
        ratio = int(rng.integers(1030, 1055)) * 2**kind.bits // kind.magnitude
    odd = ((ratio << 16 - headroom + t + 1) // 1024) | 1
    j = int(rng.integers(0, 17 - odd.bit_length()))
    return Gain("gain", channels, factor=odd << j, factor_bits=16, shift=t + 1 + j, input=kind)
