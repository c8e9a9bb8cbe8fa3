"""Pruning criteria: how important each channel of a layer is, as a function of the weights that go with it.

A criterion takes the kernels that a channel drags along, one (channels, weights) tensor for the layer that makes the
channels and one for each that reads them, and gives a score per channel; those of the smallest scores are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Criterion: TypeAlias = Callable[[Sequence[Tensor]], Tensor]
"""Kernels, (channels, weights) float each, to scores, (channels,) float; scores of several channels may be added."""
Name: TypeAlias = Literal["l1", "l2", "random"]


def l1(kernels: Sequence[Tensor]) -> Tensor:
    """The sum of all weights' magnitudes (Li et al., Pruning Filters for Efficient ConvNets, 2017)."""
    return torch.stack([kernel.abs().sum(1) for kernel in kernels]).sum(0)


def l2(kernels: Sequence[Tensor]) -> Tensor:
    """The sum of all weights' squares, which orders channels as their L2 norm does."""
    return torch.stack([kernel.square().sum(1) for kernel in kernels]).sum(0)


def random(seed: int) -> Criterion:
    """Uniformly distributed scores whatever the weights: what any other criterion is to be compared with."""
    generator = torch.Generator().manual_seed(seed)
    return lambda kernels: torch.rand(len(kernels[0]), generator=generator)


def criterion(name: str, seed: int) -> Criterion:
    """The criterion of a specification's `pruning.criterion`; `seed` is that of the random one.

    Raises
    ------
    ValueError
        A name that is none.
    """
    found = {"l1": l1, "l2": l2, "random": random(seed)}
    if name not in found:
        raise ValueError(f"criterion: wanted {', '.join(found)}, got {name!r}")
    return found[name]
