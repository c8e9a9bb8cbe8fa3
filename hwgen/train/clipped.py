"""Trained values that the integers of their grids do not reach: how many of a network clip, and where.

A weight's grid is chosen for the least squared error of its channel, which may clip the largest ones on purpose. A bias
has the grid of its accumulator, 32 bits of it, and a slope a fixed one: what clips there is an error of training or of
scales, and the hardware is as far from the float network as PyTorch's quantised one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hwgen.train.quantised_layers.convolution import QuantLayer
from hwgen.train.quantised_network import QuantDeepJSCC


@dataclass(frozen=True)
class Clipped:
    """Values of one kind in a layer that clip: `count` of `total`."""

    side: str
    layer: str
    kind: str
    count: int
    total: int

    def __str__(self) -> str:
        return f"{self.side} {self.layer}: {self.count:,} of {self.total:,} {self.kind} beyond their integers, clipped"


@torch.no_grad()
def clipped(network: QuantDeepJSCC) -> list[Clipped]:
    """Every layer's kinds of values of which some clip, in the network's order."""
    found = []
    for name, side in (("encoder", network.encoder), ("decoder", network.decoder)):
        for placed, layer in zip(side.network.layers, side, strict=True):
            if isinstance(layer, QuantLayer):
                counts = layer.clipped(side.exponent(placed.sources[0]))
                found += [Clipped(name, placed.name, kind, *count) for kind, count in counts.items() if count[0]]
    return found
