"""The largest value or the average of every window."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from hwgen.spec.branches import AveragePool, MaxPool
from hwgen.spec.network import Placed
from hwgen.train.quantised_layers.layer import Requantised, Unchanged
from hwgen.train.quantisers import plain


class QuantMaxPool(Unchanged):
    """The largest of integers is one of them."""

    def __init__(self, placed: Placed) -> None:
        super().__init__()
        assert isinstance(placed.layer, MaxPool)
        self.windows = placed.layer.kernel, placed.layer.step, placed.layer.padding

    def values(self, *inputs: Any) -> Tensor:
        """The largest value of every window."""
        return nn.functional.max_pool2d(plain(inputs[0]), *self.windows)


class QuantAveragePool(Requantised):
    """The average of a power of two of values is exact before its rounding; another one is far from every tie."""

    def __init__(self, placed: Placed) -> None:
        super().__init__()
        assert isinstance(placed.layer, AveragePool)
        self.windows = placed.layer.kernel, placed.layer.step, placed.layer.padding
        self._round_to(placed.given.bits, placed.given.signed)

    def values(self, *inputs: Any) -> Tensor:
        """The average of every window."""
        return nn.functional.avg_pool2d(plain(inputs[0]), *self.windows)
