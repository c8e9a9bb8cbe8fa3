"""Utility: what a unit's values are worth to the received image."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def utility(evidence: Evidence) -> Tensor:
    """The gradient of the mean PSNR by a gate on a unit, its magnitude image by image, then the mean.

    A gate g = 1 multiplies the unit's maps: dL/dg = sum of value x gradient (Molchanov et al., Pruning Convolutional
    Neural Networks for Resource Efficient Inference, ICLR 2017, equation 7). The loss is the mean PSNR up to a factor,
    and so is Usc where it is not clipped (`hwgen.metrics.semantic`), with PSNR as its quality: Zheng et al.'s gradient
    of Usc.
    """
    pairs = zip(evidence.features, evidence.feature_gradients, strict=True)
    gates = [(values * gradient).sum((1, 3, 4)).abs().mean(1) for values, gradient in pairs]
    return torch.stack(gates).sum(0)
