"""Which layers contribute most to what is received: those that pruning by the utility's gradient protects.

After Zheng et al., who protect the top 30 % of the layers. A layer's contribution is the mean over its units of the
score that criterion `usc` gives them (`hwgen.train.criteria.utility`): dB, up to a factor, that a unit's gate moves.
Layers whose channels go together (`hwgen.spec.channel_groups`) count as one.
"""

from __future__ import annotations

import math
from fractions import Fraction

import torch

from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Side
from hwgen.spec.pruning import Pruning
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.prune import everything, state_of
from hwgen.train.scores import SIDES, Scores


@torch.no_grad()
def contributions(parent: DeepJSCC, spec: ModelSpec, crops: Crops) -> dict[tuple[Side, tuple[str, ...]], float]:
    """Mean score of criterion `usc` of each group of convolutions whose channels may go, in dB up to a factor, by side
    and names, in the network's order."""
    pruning = Pruning(criterion="usc", ratio=0.0)
    scores = Scores(state_of(parent), spec.model_copy(update={"pruning": pruning}), crops)
    alive, found = everything(spec), dict[tuple[Side, tuple[str, ...]], float]()
    for side in SIDES:
        network = spec.parent(side)
        channels = channel_groups(network)
        for group in channels.groups:
            if not group.fixed:
                score = scores.of(network, channels, group, set(alive[side]))
                found[side, tuple(group.channels)] = float(score.double().mean())
    return found


def most_contributing(parent: DeepJSCC, spec: ModelSpec, crops: Crops, share: float) -> dict[str, list[str]]:
    """Layers by side, as `pruning.protected` has them: the share of the groups with the highest scores, rounded up."""
    found = contributions(parent, spec, crops)
    ranked = sorted(found, key=lambda group: -found[group])[: math.ceil(Fraction(str(share)) * len(found))]
    chosen: dict[str, list[str]] = {side: [] for side in SIDES}
    for side, names in (group for group in found if group in ranked):
        chosen[side] += [name for name in names if name not in chosen[side]]
    return chosen
