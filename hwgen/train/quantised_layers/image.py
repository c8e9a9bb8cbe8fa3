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
        return self.values(*inputs) if self.training else self.stages(*inputs)[-1][0]

    def stages(self, *inputs: Any) -> tuple[Stage, ...]:
        """The pixels; those of a sigmoid behind the table's addresses."""
        accumulators = plain(self.conv(*inputs))
        if not isinstance(self.activation, nn.Sigmoid):
            return (pixels(accumulators),)
        argument = rounded(accumulators, TABLE.bounds, TABLE_EXPONENT)
        codes = (argument * 2.0**-TABLE_EXPONENT).long()
        table = torch.from_numpy(sigmoid_values(TABLE.bits, TABLE_EXPONENT)).to(argument)
        return (argument, TABLE_EXPONENT), (table[codes % len(table)] * PIXEL.scale, PIXEL.exponent)


class QuantImageAdd(QuantAdd):
    """A sum that is the image."""

    def __init__(self, placed: Placed) -> None:
        super().__init__(placed, quantise=False)
        self.activation = LeakyClamp()

    def forward(self, *inputs: Any) -> Tensor:
        """(N, C, H, W) in 0..1, in evaluation multiples of 2**-8 below 1."""
        total = self.values(*inputs)
        return self.activation(total) if self.training else pixels(total)[0]


def pixels(x: Tensor) -> Stage:
    """Rounded half to even and saturated at 0 and 255, which is the clamp."""
    return rounded(x, PIXEL.bounds, PIXEL.exponent), PIXEL.exponent
