"""Feature similarity: of two units with nearly the same maps one is enough."""

from __future__ import annotations

import torch
from torch import Tensor

from hwgen.train.criteria.evidence import Evidence


def dissimilarity(evidence: Evidence) -> Tensor:
    """1 - |cosine| to the most similar of the units that are left when its own turn comes.

    Unit after unit goes: of the pair with the largest |cosine| between its maps the one with less energy. Scores so
    ascend in the order of removal, and both of a pair never go for each other's sake. A unit of zeros goes first.
    """
    rows = torch.cat([values.flatten(1).double() for values in evidence.features], dim=1)
    energy = rows.square().sum(1)
    unit = rows / energy.sqrt().clamp(min=1e-30)[:, None]
    cosine = (unit @ unit.T).abs()
    cosine[energy == 0] = 1.0
    cosine[:, energy == 0] = 1.0
    cosine.fill_diagonal_(-1.0)
    scores = torch.zeros(len(rows), dtype=torch.float64)
    for left in range(len(rows), 1, -1):
        first, second = divmod(int(cosine.argmax()), len(rows))
        gone = first if energy[first] <= energy[second] else second
        scores[gone] = (1.0 - cosine[first, second]).clamp(min=0.0)
        cosine[gone] = cosine[:, gone] = -2.0
        if left == 2:
            scores[second if gone == first else first] = 1.0
    return scores
