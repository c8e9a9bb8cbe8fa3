"""Structured channel pruning: channels are really removed, on both sides of every layer, along branches too.

`hwgen.spec.channel_groups` says which channels go together (those that meet in a sum, a depthwise layer's with its
input's, both parts of a complex one) and how many of each group the specification leaves, any number. The
specification's criterion (`hwgen.train.criteria`) scores them by all weights that would go with them: those of every
convolution that makes or reads one of them, with batch normalisation folded in.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hwgen.spec.channel_groups import ChannelGroups, Group, channel_groups
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network
from hwgen.train.batch_norm import fold_batch_norm
from hwgen.train.criteria import Criterion, criterion, l1
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.kernels import stream_kernel
from hwgen.train.network import pruned

State = dict[str, Tensor]


@torch.no_grad()
def prune(parent: DeepJSCC, spec: ModelSpec) -> DeepJSCC:
    """A trained parent -> the network with the specification's surviving channels.

    The weights of surviving channels are the parent's; ``parent`` is left as it is. What reaches the output of encoder
    and decoder keeps all its channels: they are the symbols and the image.
    """
    state = {name: value.detach().cpu() for name, value in parent.state_dict().items()}
    if spec.pruning.criterion == "none":  # the parent's shapes, and tables of profiles, which no group of channels has
        result = pruned(spec)
        result.load_state_dict(state)
        return result
    folded = fold_batch_norm(state, spec)
    score = _criterion(spec)
    smaller = {name: value for name, value in state.items() if "." not in name}  # the power is no layer's
    for network in (spec.parent("encoder"), spec.parent("decoder")):
        channels = channel_groups(network)
        kernels = {placed.name: stream_kernel(folded, network.side, placed).float()
                   for placed in network.layers if isinstance(placed.layer, Layer)}  # fmt: skip
        alive = _alive(network, channels, spec.surviving_units(network.side), kernels, score)
        smaller |= _selected(state, network, channels, alive)
    # into a fresh network: its shapes are the specification's, so a wrong removal cannot pass
    result = pruned(spec)
    result.load_state_dict(smaller)
    return result


def _criterion(spec: ModelSpec) -> Criterion:
    """The specification's; where nothing is pruned, any."""
    name = spec.pruning.criterion
    return l1 if name == "none" else criterion(name, spec.training.seed if spec.training else 0)


def _alive(
    network: Network,
    channels: ChannelGroups,
    counts: Sequence[int],
    kernels: dict[str, Tensor],
    score: Criterion,
) -> set[int]:
    """The units that stay: of every group the ones with the highest scores, group after group in the network's order.

    What went before no longer counts in the scores of what comes after.
    """
    alive = {unit for stream in channels.streams.values() for unit in stream}
    for group, count in zip(channels.groups, counts, strict=True):
        if group.fixed:
            continue
        scores = score(group_kernels(network, channels, group, kernels, alive))
        order = torch.argsort(scores, stable=True)  # ties by index: the same on every machine
        alive -= {group.units[index] for index in order[: len(group.units) - count].tolist()}
    return alive


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


def _selected(state: State, network: Network, channels: ChannelGroups, alive: set[int]) -> State:
    """The state of one side with the channels of units that are alive."""
    kept = {name: torch.tensor([i for i, unit in enumerate(stream) if unit in alive], dtype=torch.long)
            for name, stream in channels.streams.items()}  # fmt: skip
    found: State = {}
    for placed in network.layers:
        at, layer = f"{network.side}.{placed.index}.", placed.layer
        for name, value in ((name, value) for name, value in state.items() if name.startswith(at)):
            assert isinstance(layer, Layer), "nothing else has tensors"
            outputs, inputs = kept[placed.name], kept[placed.sources[0]]
            if value.ndim == 1:
                value = value[outputs]
            elif value.ndim == 4 and layer.complex:
                value = value[outputs[::2] // 2][:, inputs[::2] // 2]
            elif value.ndim == 4 and isinstance(layer, DecoderLayer):
                value = value[inputs][:, outputs]
            elif value.ndim == 4 and layer.groups == layer.channels > 1:
                value = value[outputs]  # a depthwise layer's outputs see all of their own inputs
            elif value.ndim == 4:
                value = value[outputs][:, inputs[: len(inputs) // placed.groups]]
            found[name] = value
    return found
