"""The weights of channels that can only be removed together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hwgen.spec.channel_groups import ChannelGroups, Group
from hwgen.spec.network import Network


def group_kernels(
    network: Network, channels: ChannelGroups, group: Group, kernels: dict[str, Tensor], alive: set[int]
) -> list[Tensor]:
    """The weights of a group's units in every convolution that makes or reads them, (units, weights) each, each once.

    Parameters
    ----------
    kernels
        By the convolutions' names, (out, in, rows, columns) of the stream.
    alive
        Units that other convolutions still have.
    """
    found = []
    for placed in network.layers:
        if placed.name not in kernels:
            continue
        kernel = kernels[placed.name]
        given, taken = channels.streams[placed.name], channels.streams[placed.sources[0]]
        for own, other, rows in ((given, taken, kernel), (taken, given, _once(kernel, given, taken).transpose(0, 1))):
            indices: dict[int, list[int]] = {unit: [] for unit in group.units}
            for index, unit in enumerate(own):
                if unit in indices:
                    indices[unit].append(index)
            most = max(len(some) for some in indices.values())
            if most == 0:
                continue
            left = [i for i, unit in enumerate(other) if unit in alive]
            some = rows if len(left) == len(other) else rows[:, left]
            if all(len(one) == most for one in indices.values()):
                found.append(some[[i for unit in group.units for i in indices[unit]]].reshape(len(group.units), -1))
                continue
            flat = some.flatten(1)  # not as many of every unit: what is missing weighs nothing
            found.append(torch.stack([
                torch.cat([flat[indices[unit]].flatten(), flat.new_zeros((most - len(indices[unit])) * flat.shape[1])])
                for unit in group.units
            ]))  # fmt: skip
    return found


def _once(kernel: Tensor, given: Sequence[int], taken: Sequence[int]) -> Tensor:
    """A kernel without the weights between channels of one unit: those count where the unit is made."""
    if set(given).isdisjoint(taken):
        return kernel
    between = torch.tensor(given)[:, None] != torch.tensor(taken)[None, :]
    return kernel * between[:, :, None, None]
