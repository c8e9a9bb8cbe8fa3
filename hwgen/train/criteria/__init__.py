"""Pruning criteria: how important each unit of a group of channels is; those of the smallest scores are removed.

A file a criterion, and the table of all of them, by the names that `pruning.criterion` of a specification has
(`hwgen.spec.pruning`, docs/model_spec.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from hwgen.train.criteria.apoz import positive_share
from hwgen.train.criteria.chance import random
from hwgen.train.criteria.evidence import Evidence
from hwgen.train.criteria.geometric_median import geometric_median
from hwgen.train.criteria.joint import joint
from hwgen.train.criteria.magnitude import l1, l2
from hwgen.train.criteria.mean_gradient import mean_gradient
from hwgen.train.criteria.rank import feature_rank
from hwgen.train.criteria.similarity import dissimilarity
from hwgen.train.criteria.slimming import slimming
from hwgen.train.criteria.snip import snip
from hwgen.train.criteria.taylor import taylor
from hwgen.train.criteria.utility import utility

Score: TypeAlias = Callable[[Evidence], Tensor]
"""Evidence to scores, (units,) float."""


@dataclass(frozen=True)
class Criterion:
    """A score and what it looks at.

    observes : whether it needs images, of which `hwgen.train.criteria.observe` makes features and gradients
    normalised : whether it needs batch normalisation behind every convolution whose channels may go
    """

    score: Score
    observes: bool = False
    normalised: bool = False


CRITERIA: Mapping[str, Criterion] = {
    "l1": Criterion(l1),
    "l2": Criterion(l2),
    "fpgm": Criterion(geometric_median),
    "taylor": Criterion(taylor, observes=True),
    "snip": Criterion(snip, observes=True),
    "mean_gradient": Criterion(mean_gradient, observes=True),
    "apoz": Criterion(positive_share, observes=True),
    "hrank": Criterion(feature_rank, observes=True),
    "similarity": Criterion(dissimilarity, observes=True),
    "joint": Criterion(joint, observes=True),
    "usc": Criterion(utility, observes=True),
    "slimming": Criterion(slimming, normalised=True),
}
"""All criteria but `random`, whose draws have a seed."""


def criterion(name: str, seed: int) -> Criterion:
    """The criterion of a specification's `pruning.criterion`; `seed` is that of the random one.

    Raises
    ------
    ValueError
        A name that is none.
    """
    found = {**CRITERIA, "random": Criterion(random(seed))}
    if name not in found:
        raise ValueError(f"criterion: wanted {', '.join(found)}, got {name!r}")
    return found[name]
