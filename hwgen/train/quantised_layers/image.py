"""The layer that makes the image: unrounded while training, 8-bit pixels in evaluation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hwgen.ir.nodes.table import TABLE, TABLE_EXPONENT, sigmoid_values
from hwgen.numerics.formats import PIXEL
from hwgen.spec.network import Placed
from hwgen.train.float_layers import LeakyClamp
from hwgen.train.quantised_layers.add import QuantAdd
from hwgen.train.quantised_layers.convolution import QuantLayer
from hwgen.train.quantised_layers.layer import Stage
from hwgen.train.quantisers import plain, rounded


class QuantImageLayer(QuantLayer):
    """A convolution behind which pixels are rounded, by a clamp or by the table of a sigmoid."""

    def __init__(self, placed: Placed) -> None:
        super().__init__(placed, decoder=True, quantise=False)

    def forward(self, *inputs: Any) -> Tensor:
        """(N, C, H, W) in 0..1, in evaluation multiples of 2**-8 below 1."""
        if self.training:
            return self.values(*inputs)
        arguments = self.inner(*inputs)
        if not arguments:
            return pixels(plain(self.conv(*inputs)))
        ((argument, exponent),) = arguments
        table = torch.from_numpy(sigmoid_values(TABLE.bits, exponent)).to(argument)
        return table[(argument * 2.0**-exponent).long() % len(table)] * PIXEL.scale

    def inner(self, *inputs: Any) -> tuple[Stage, ...]:
        """The addresses of a sigmoid's table."""
        if not isinstance(self.activation, nn.Sigmoid):
            return ()
        return ((rounded(plain(self.conv(*inputs)), TABLE.bounds, TABLE_EXPONENT), TABLE_EXPONENT),)


class QuantImageAdd(QuantAdd):
    """A sum that is the image."""

    def __init__(self, placed: Placed) -> None:
        super().__init__(placed, quantise=False)
        self.activation = LeakyClamp()

    def forward(self, *inputs: Any) -> Tensor:
        """(N, C, H, W) in 0..1, in evaluation multiples of 2**-8 below 1."""
        total = self.values(*inputs)
        return self.activation(total) if self.training else pixels(total)


def pixels(x: Tensor) -> Tensor:
    """Rounded half to even and saturated at 0 and 255, which is the clamp."""
    return rounded(x, PIXEL.bounds, PIXEL.exponent)
