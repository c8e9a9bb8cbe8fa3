"""Tables of activations between layers: sigmoid, tanh, silu."""

from __future__ import annotations

import numpy as np

from hwgen.ir.types import IntType
from hwgen.numerics.integer import IntArray


def table_values(activation: str, input: IntType, input_exponent: int, output: IntType, exponent: int) -> IntArray:
    """(2**input.bits,) integers of a function of signed integers, rounded half to even and saturated.

    Parameters
    ----------
    activation
        "sigmoid", "tanh" or "silu" (x * sigmoid(x)).
    """
    codes = np.arange(1 << input.bits, dtype=np.int64)
    x = np.where(codes < 1 << (input.bits - 1), codes, codes - (1 << input.bits)) * 2.0**input_exponent
    gate = 1.0 / (1.0 + np.exp(-x))
    real = {"sigmoid": gate, "tanh": np.tanh(x), "silu": x * gate}[activation]
    return np.clip(np.rint(real * 2.0**-exponent), *output.bounds).astype(np.int64)
