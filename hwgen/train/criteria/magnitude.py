"""Magnitudes of weights."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def l1(evidence: Evidence) -> Tensor:
    """The sum of all weights' magnitudes (Li et al., Pruning Filters for Efficient ConvNets, ICLR 2017)."""
    return torch.stack([kernel.abs().sum(1) for kernel in evidence.kernels]).sum(0)


def l2(evidence: Evidence) -> Tensor:
    """The sum of all weights' squares, which orders channels as their L2 norm does."""
    return torch.stack([kernel.square().sum(1) for kernel in evidence.kernels]).sum(0)
