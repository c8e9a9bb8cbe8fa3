"""Complex channels: real and imaginary part together."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def joint(evidence: Evidence) -> Tensor:
    """The mean magnitude of the louder one of a unit's parts: a unit goes only where all its parts are redundant.

    After Bian et al., whose complex weights go only where real and imaginary part are both small; here by the values
    that reach the next layer, over the convolutions that make them. Of a real channel, which has one part, its own.
    """
    parts = [values.abs().flatten(2).mean(2) for values in evidence.features]
    return torch.stack([part.max(1).values for part in parts]).sum(0)
