"""Rank of feature maps (HRank)."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def feature_rank(evidence: Evidence) -> Tensor:
    """The mean rank of a unit's feature maps as matrices (Lin et al., HRank, CVPR 2020, equation 4)."""
    ranks = [torch.linalg.matrix_rank(values.double()).double().flatten(1).mean(1) for values in evidence.features]
    return torch.stack(ranks).mean(0)
