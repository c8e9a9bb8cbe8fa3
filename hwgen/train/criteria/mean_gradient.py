"""Mean gradients of feature maps."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def mean_gradient(evidence: Evidence) -> Tensor:
    """The mean magnitude of the loss's gradient by a unit's feature maps, over the convolutions that make them.

    Liu and Wu, Channel Pruning Based on Mean Gradient for Accelerating Convolutional Neural Networks, Signal
    Processing 156, 2019. No weight or value counts, only how far the loss would move with it.
    """
    return torch.stack([gradient.abs().flatten(1).mean(1) for gradient in evidence.feature_gradients]).mean(0)
