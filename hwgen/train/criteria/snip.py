"""Connection sensitivity (SNIP)."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def snip(evidence: Evidence) -> Tensor:
    """The sum of |gradient x weight| over all weights (Lee et al., SNIP, ICLR 2019, equation 5, without the constant).

    SNIP removes single weights of an untrained network; here a unit goes by the sum over its weights, in a trained one.
    """
    pairs = zip(evidence.kernels, evidence.gradients, strict=True)
    return torch.stack([(kernel * gradient).abs().sum(1) for kernel, gradient in pairs]).sum(0)
