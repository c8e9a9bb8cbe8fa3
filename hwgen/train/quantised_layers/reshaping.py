"""Concatenation, blocks of pixels as channels, and channels as blocks of pixels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hwgen.spec.branches import DepthToSpace, SpaceToDepth
from hwgen.spec.network import Placed
from hwgen.train.quantised_layers.layer import Unchanged
from hwgen.train.quantisers import plain


class QuantConcat(Unchanged):
    """Branches of one scale and type."""

    def values(self, *inputs: Any) -> Tensor:
        """All inputs' channels."""
        return torch.cat([plain(x) for x in inputs], dim=1)


class QuantSpaceToDepth(Unchanged):
    """torch's pixel_unshuffle."""

    def __init__(self, placed: Placed) -> None:
        super().__init__()
        assert isinstance(placed.layer, SpaceToDepth)
        self.factor = placed.layer.factor

    def values(self, *inputs: Any) -> Tensor:
        """Blocks as channels."""
        return nn.functional.pixel_unshuffle(plain(inputs[0]), self.factor)


class QuantDepthToSpace(Unchanged):
    """torch's pixel_shuffle."""

    def __init__(self, placed: Placed) -> None:
        super().__init__()
        assert isinstance(placed.layer, DepthToSpace)
        self.factor = placed.layer.factor

    def values(self, *inputs: Any) -> Tensor:
        """Channels as blocks."""
        return nn.functional.pixel_shuffle(plain(inputs[0]), self.factor)
