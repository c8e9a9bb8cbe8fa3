"""Activation scales by what comes out of the network: each in turn one step finer or coarser, where the loss falls.

`QuantSide.calibrate` chooses a scale for the least squared error of a layer's own values. Profiles share scales, and
those for bad channels have the largest values: the least error of all is then too coarse for good channels, where
errors of a hundredth count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hwgen.train.quantised_side import QuantSide

STEPS = (-1, 1)
ROUNDS = 3
MOST_STEPS = 4
"""Most steps of one group in one round."""
GAIN = 1e-4
"""Least fall of the loss that is worth a step: below it is noise."""


def search_scales(sides: Sequence[QuantSide], loss: Callable[[], float], rounds: int = ROUNDS) -> float:
    """Move the exponents of all groups that have a choice, in the layers' order, until none helps any more.

    Parameters
    ----------
    loss
        Of the network that the sides are of, with their scales as they are; deterministic.
    rounds
        Most times through all groups.

    Returns
    -------
    The loss with the scales that were found, at most that of those before.
    """
    best = loss()
    for _ in range(rounds):
        before = best
        for side in sides:
            for group in side.free:
                for step in STEPS:
                    reached = _follow(side, group, step, loss, best)
                    if reached < best:
                        best = reached
                        break  # the other direction is where it came from
        if best == before:
            break
    return best


def _follow(side: QuantSide, group: str, step: int, loss: Callable[[], float], best: float) -> float:
    """Step a group's exponent on as long as the loss falls below `best`; the loss then."""
    for _ in range(MOST_STEPS):
        before = side.scales()
        side.set_scales(before | {group: before[group] + step})
        found = loss()
        if found > best - GAIN:
            side.set_scales(before)
            break
        best = found
    return best
