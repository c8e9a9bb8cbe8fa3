"""Iterative pruning: some channels go, what is left is trained on, and the criterion looks again.

Of k rounds, round r leaves n - floor((n - m) r / k) of a group's n units, where the specification leaves m. Each is
scored on the network as the round before left it; the criterion never sees what has gone.
"""

from __future__ import annotations

from collections.abc import Callable

from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.layers import Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Side
from hwgen.spec.pruning import Pruning, SurvivingChannels
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import pruned
from hwgen.train.prune import Alive, everything, spread, state_of, survivors, without
from hwgen.train.scores import SIDES


def pruned_in_rounds(
    parent: DeepJSCC, spec: ModelSpec, crops: Crops | None, train: Callable[[DeepJSCC, int], None]
) -> DeepJSCC:
    """The network with the specification's surviving channels, before the last round's training.

    Parameters
    ----------
    train
        Trains the network of a round, numbered from 1, in place; called for all rounds but the last.
    """
    rounds = spec.pruning.rounds
    state, alive = state_of(parent), everything(spec)
    for number in range(1, rounds + 1):
        counts = {side: counts_after(spec, side, number) for side in SIDES}
        alive = survivors(state, spec, crops, counts, alive)
        network = pruned(shaped(spec, alive))
        network.load_state_dict(without(state, spec, alive, crops))
        if number < rounds:
            train(network, number)
            state = spread(state_of(network), state, spec, alive)
    return network


def counts_after(spec: ModelSpec, side: Side, number: int) -> tuple[int, ...]:
    """Units that each group has left after this round."""
    groups = channel_groups(spec.parent(side)).groups
    sizes = [(len(group.units), left) for group, left in zip(groups, spec.surviving_units(side), strict=True)]
    return tuple(units - (units - left) * number // spec.pruning.rounds for units, left in sizes)


def shaped(spec: ModelSpec, alive: Alive) -> ModelSpec:
    """The specification whose pruned network has exactly these channels."""
    counts = {}
    for side in SIDES:
        network = spec.parent(side)
        streams = channel_groups(network).streams
        counts[side] = tuple(sum(unit in alive[side] for unit in streams[placed.name]) // placed.layer.parts
                             for placed in network.layers if isinstance(placed.layer, Layer))  # fmt: skip
    channels = SurvivingChannels(encoder=counts["encoder"], decoder=counts["decoder"])
    return spec.model_copy(update={"pruning": Pruning(criterion=spec.pruning.criterion, channels=channels)})
