"""Kullback-Leibler divergence of the quantised values' distribution from the values'.

S. Migacz, 8-bit Inference with TensorRT, GTC 2017. Of every scale,

    P   histogram of the values in fine cells, what is clipped in the outermost ones
    Q   every level's values, without those clipped, evenly over those of its cells that have any
    D = sum of P ln(P / Q), both of sum 1

There the candidates are ranges of whole cells; here scales are powers of two, and a level of the finest candidate has
`CELLS` cells. Exact zeros, of which rectified values have many, are an integer at every scale and do not count. In a
histogram of a few hundred values (weights, channel by channel) most cells have one value or none: D is then 0 where
nothing is clipped, and that scale is taken. Brevitas's `KLMinimizerThreshold` takes the counts as logits of P and Q,
which is another measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

CELLS = 2
SMALLEST = 1e-4
"""Q where only clipped values are, as MXNet smooths it."""


def divergence(values: Tensor, exponents: Sequence[int], low: int, high: int) -> dict[int, float]:
    """D of each exponent, in nats; 0 of values that are all zero, infinite where everything is clipped."""
    finest = min(exponents)
    found = values[values != 0]
    cells = (found * (CELLS * 2.0**-finest)).floor().long()
    return {exponent: _divergence(cells, CELLS << exponent - finest, low, high) for exponent in exponents}


def _divergence(cells: Tensor, each: int, low: int, high: int) -> float:
    """D of values in these cells, `each` of them a level; level n is from cell n * each - each / 2 on."""
    if not len(cells):
        return 0.0
    first, levels = low * each - each // 2, high - low + 1
    positions = cells - first
    inside = positions[(positions >= 0) & (positions < levels * each)]
    if not len(inside):
        return math.inf
    counts = torch.bincount(inside, minlength=levels * each).double()
    p = counts.clone()
    p[0] += int((positions < 0).sum())
    p[-1] += int((positions >= levels * each).sum())
    rows = counts.reshape(levels, each)
    q = (rows.sum(1, keepdim=True) / (rows > 0).sum(1, keepdim=True).clamp(min=1) * (rows > 0)).flatten()
    p, q = p / p.sum(), (q / q.sum()).clamp(min=SMALLEST * (q == 0))
    return float((p[p > 0] * (p[p > 0] / q[p > 0]).log()).sum())
