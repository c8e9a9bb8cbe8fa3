"""Average percentage of zeros (APoZ)."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def positive_share(evidence: Evidence) -> Tensor:
    """The share of a unit's values that are above 0: 1 - APoZ (Hu et al., Network Trimming, 2016, equation 1).

    APoZ counts zeros behind a ReLU. Behind a PReLU, where there are none, values up to 0 count as zeros.
    """
    return torch.stack([(values > 0).flatten(1).double().mean(1) for values in evidence.features]).mean(0)
