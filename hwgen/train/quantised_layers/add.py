"""Sum of two branches of one scale."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from hwgen.spec.branches import Add
from hwgen.spec.network import Placed
from hwgen.train.quantised_layers.layer import Requantised
from hwgen.train.quantisers import plain


class QuantAdd(Requantised):
    """Sum, then a rounding; a rectifier is the unsigned quantiser's own clamp at 0."""

    def __init__(self, placed: Placed, quantise: bool = True) -> None:
        super().__init__()
        assert isinstance(placed.layer, Add)
        self._round_to(placed.given.bits, placed.given.signed, quantise=quantise)

    def values(self, *inputs: Any) -> Tensor:
        """The sum."""
        first, second = inputs
        return plain(first) + plain(second)
