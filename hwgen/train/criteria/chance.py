"""The control: scores that know nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def random(seed: int) -> Callable[[Evidence], Tensor]:
    """Uniformly distributed scores whatever the weights: what any other criterion is to be compared with."""
    generator = torch.Generator().manual_seed(seed)
    return lambda evidence: torch.rand(len(evidence.kernels[0]), generator=generator)
