"""First-order Taylor expansion of the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def taylor(evidence: Evidence) -> Tensor:
    """The square of what the loss changes by, to first order, where a unit's weights become 0, over its convolutions.

    (sum of gradient x weight)^2: Molchanov et al., Importance Estimation for Neural Network Pruning, CVPR 2019,
    section 3.2, for the whole set of a unit's weights in one convolution.
    """
    pairs = zip(evidence.kernels, evidence.gradients, strict=True)
    return torch.stack([(kernel * gradient).sum(1).square() for kernel, gradient in pairs]).sum(0)
