"""Complex convolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwgen.ir.nodes.conv2d import Conv2d
from hwgen.ir.types import check
from hwgen.numerics.integer import IntArray


@dataclass(frozen=True, eq=False)
class ComplexConv2d(Conv2d):
    """A complex convolution as the real one that computes it; channels 2c and 2c + 1 are real and imaginary part.

        weight[2o, 2c] = wr[o, c],  weight[2o, 2c + 1] = -wi[o, c],  weight[2o + 1, 2c] = wi[o, c],
        weight[2o + 1, 2c + 1] = wr[o, c]

    Both parts of an output channel share its weight's exponent. A complex MAC is four of `macs`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        at = self.name
        check(self.groups == 1, f"{at}.groups", "1 of complex channels", self.groups)
        for key in ("in_channels", "out_channels"):
            count = getattr(self, key)
            check(count % 2 == 0, f"{at}.{key}", "real and imaginary parts: an even number", count)
        real, imag = self.weight_real, self.weight_imag
        fits = (self.weight[1::2, 1::2] == real).all() and (self.weight[0::2, 1::2] == -imag).all()
        check(bool(fits), f"{at}.weight", "the structure of a complex convolution", "another")
        shared = (self.weight_exponent[0::2] == self.weight_exponent[1::2]).all()
        check(bool(shared), f"{at}.weight_exponent", "one for both parts of a channel", "two")

    @property
    def weight_real(self) -> IntArray:
        """(out_channels / 2, in_channels / 2, kernel, kernel)."""
        return self.weight[0::2, 0::2]

    @property
    def weight_imag(self) -> IntArray:
        """As `weight_real`."""
        return self.weight[1::2, 0::2]


def complex_weight(real: IntArray, imag: IntArray) -> IntArray:
    """(2 O, 2 I, K, K) weight of the real convolution that computes a complex one of (O, I, K, K) parts."""
    out, inner, *kernel = real.shape
    weight = np.empty((2 * out, 2 * inner, *kernel), dtype=np.int64)
    weight[0::2, 0::2], weight[0::2, 1::2] = real, -imag
    weight[1::2, 0::2], weight[1::2, 1::2] = imag, real
    return weight
