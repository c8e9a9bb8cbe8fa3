"""Structured channel pruning: channels are really removed, on both sides of every layer, along branches too.

`hwgen.spec.channel_groups` says which channels go together (those that meet in a sum, a depthwise layer's with its
input's, both parts of a complex one) and how many of each group the specification leaves, any number. The
specification's criterion (`hwgen.train.criteria`) scores them by what would go with them: the weights of every
convolution that makes or reads one of them, with batch normalisation folded in, or the values that these give.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hwgen.spec.channel_groups import ChannelGroups, channel_groups
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import pruned
from hwgen.train.scores import Scores

State = dict[str, Tensor]


@torch.no_grad()
def prune(parent: DeepJSCC, spec: ModelSpec, crops: Crops | None = None) -> DeepJSCC:
    """A trained parent -> the network with the specification's surviving channels.

    The weights of surviving channels are the parent's; ``parent`` is left as it is. What reaches the output of encoder
    and decoder keeps all its channels: they are the symbols and the image.

    Parameters
    ----------
    crops
        For criteria that look at features or gradients.

    Raises
    ------
    HwgenError
        The criterion needs images and there are none, or batch normalisation that a layer has not.
    """
    state = {name: value.detach().cpu() for name, value in parent.state_dict().items()}
    if spec.pruning.criterion == "none":  # the parent's shapes, and tables of profiles, which no group of channels has
        result = pruned(spec)
        result.load_state_dict(state)
        return result
    scores = Scores(state, spec, crops)
    smaller = {name: value for name, value in state.items() if "." not in name}  # the power is no layer's
    for network in (spec.parent("encoder"), spec.parent("decoder")):
        channels = channel_groups(network)
        alive = _alive(network, channels, spec.surviving_units(network.side), scores)
        smaller |= _selected(state, network, channels, alive)
    # into a fresh network: its shapes are the specification's, so a wrong removal cannot pass
    result = pruned(spec)
    result.load_state_dict(smaller)
    return result


def _alive(network: Network, channels: ChannelGroups, counts: Sequence[int], scores: Scores) -> set[int]:
    """The units that stay: of every group the ones with the highest scores, group after group in the network's order.

    What went before no longer counts in the scores of what comes after.
    """
    alive = {unit for stream in channels.streams.values() for unit in stream}
    for group, count in zip(channels.groups, counts, strict=True):
        if group.fixed:
            continue
        order = torch.argsort(scores.of(network, channels, group, alive), stable=True)
        # ties by index: the same on every machine
        alive -= {group.units[index] for index in order[: len(group.units) - count].tolist()}
    return alive


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
