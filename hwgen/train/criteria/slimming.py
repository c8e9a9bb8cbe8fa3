"""Network slimming: the factors of batch normalisation."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def slimming(evidence: Evidence) -> Tensor:
    """The sum of |scale| behind the convolutions that make a unit (Liu et al., Network Slimming, ICCV 2017).

    The penalty on these scales that the paper trains with is not part of it.
    """
    return torch.stack([scale.abs().sum(1) for scale in evidence.scales]).sum(0)
