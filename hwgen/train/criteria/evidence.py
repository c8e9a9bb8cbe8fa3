"""What a criterion can look at: everything that goes with the units of one group of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from torch import Tensor


@dataclass(frozen=True)
class Evidence:
    """One group of `hwgen.spec.channel_groups`; every tensor's first axis is its units.

    Parameters
    ----------
    kernels
        (units, weights) of each convolution that makes or reads the units' channels, batch normalisation folded in.
    gradients
        The same of the loss's gradient by those weights; empty where nothing was observed, as the next two.
    features
        (units, channels, images, height, width) output of each convolution that makes the units' channels, behind its
        activation: `channels` of them belong to one unit.
    feature_gradients
        The same of the loss's gradient by those values.
    scales
        (units, channels) factor of the batch normalisation behind each convolution that makes them, where it has one.
    """

    kernels: Sequence[Tensor]
    gradients: Sequence[Tensor] = ()
    features: Sequence[Tensor] = ()
    feature_gradients: Sequence[Tensor] = ()
    scales: Sequence[Tensor] = ()

    def of(self, units: Tensor) -> Evidence:
        """That of some units, (units,) bool."""
        return Evidence(*([value[units] for value in getattr(self, field.name)] for field in fields(self)))
