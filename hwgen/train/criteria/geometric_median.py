"""Filter pruning via geometric median (FPGM): what the other filters can stand for goes."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def geometric_median(evidence: Evidence) -> Tensor:
    """The sum of Euclidean distances to all units' weights: the smallest is the closest to their geometric median.

    He et al., Filter Pruning via Geometric Median for Deep Convolutional Neural Networks Acceleration, CVPR 2019,
    equation 8. A unit's weights are those of all its convolutions, in a row.
    """
    rows = torch.cat([kernel.double() for kernel in evidence.kernels], dim=1)
    return torch.stack([(rows - row).square().sum(1).sqrt().sum() for row in rows])
