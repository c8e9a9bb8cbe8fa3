"""Structured channel pruning: channels are really removed, on both sides of every layer, along branches too.

`hwgen.spec.channel_groups` says which channels go together (those that meet in a sum, a depthwise layer's with its
input's, both parts of a complex one) and how many of each group the specification leaves, any number. The
specification's criterion (`hwgen.train.criteria`) scores them by what would go with them: the weights of every
convolution that makes or reads one of them, with batch normalisation folded in, or the values that these give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from hwgen.spec.channel_groups import ChannelGroups, channel_groups
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network, Placed, Side
from hwgen.train.channel_smoothing import smoothed_kernels
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import pruned
from hwgen.train.scores import SIDES, Scores

State: TypeAlias = dict[str, Tensor]
Alive: TypeAlias = Mapping[Side, frozenset[int]]
"""Units of each side's `hwgen.spec.channel_groups` that are left."""


@torch.no_grad()
def prune(parent: DeepJSCC, spec: ModelSpec, crops: Crops | None = None) -> DeepJSCC:
    """A trained parent -> the network with the specification's surviving channels, at once.

    The weights of surviving channels are the parent's; ``parent`` is left as it is. What reaches the output of encoder
    and decoder keeps all its channels: they are the symbols and the image. Of pruning's keys `rounds` and `soft` are
    training's (`hwgen.train.pruning_schedule`).

    Parameters
    ----------
    crops
        For criteria that look at features or gradients, and for smoothing.

    Raises
    ------
    HwgenError
        The criterion needs images and there are none, or batch normalisation that a layer has not.
    """
    state = state_of(parent)
    result = pruned(spec)
    if spec.pruning.criterion == "none":  # the parent's shapes, and tables of profiles, which no group of channels has
        result.load_state_dict(state)
        return result
    # into a fresh network: its shapes are the specification's, so a wrong removal cannot pass
    result.load_state_dict(without(state, spec, survivors(state, spec, crops), crops))
    return result


def state_of(network: DeepJSCC) -> State:
    """Its tensors, which stay as they are."""
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def everything(spec: ModelSpec) -> Alive:
    """All units of the dense parent."""
    return {side: frozenset(unit for stream in channel_groups(spec.parent(side)).streams.values() for unit in stream)
            for side in SIDES}  # fmt: skip


def survivors(
    state: State,
    spec: ModelSpec,
    crops: Crops | None = None,
    counts: Mapping[Side, Sequence[int]] | None = None,
    alive: Alive | None = None,
) -> Alive:
    """The units that the criterion leaves.

    Parameters
    ----------
    state
        Of the dense parent.
    counts
        How many of each group; by default the specification's.
    alive
        Units that have not gone before; by default all.
    """
    scores, before = Scores(state, spec, crops), alive or everything(spec)
    found: dict[Side, frozenset[int]] = {}
    for side in SIDES:
        network = spec.parent(side)
        wanted = spec.surviving_units(side) if counts is None else counts[side]
        found[side] = _left(network, channel_groups(network), wanted, scores, before[side])
    return found


def without(state: State, spec: ModelSpec, alive: Alive, crops: Crops | None = None) -> State:
    """The dense parent's state without what is not alive; smoothed where the specification says so.

    Raises
    ------
    HwgenError
        Smoothing has no images.
    """
    if spec.pruning.smoothing:
        state = state | smoothed_kernels(state, spec, alive, crops)
    smaller = {name: value for name, value in state.items() if "." not in name}  # the power is no layer's
    for name, value, indices in _indexed(state, spec, alive):
        for dimension, index in enumerate(indices):
            value = value.index_select(dimension, index)
        smaller[name] = value
    return smaller


def spread(small: State, state: State, spec: ModelSpec, alive: Alive) -> State:
    """The inverse of `without`: the dense parent's shapes, what is not alive being zero."""
    found = {name: value for name, value in small.items() if "." not in name}
    for name, value, indices in _indexed(state, spec, alive):
        whole = torch.zeros_like(value)
        whole[indices if len(indices) < 2 else (indices[0][:, None], indices[1][None])] = small[name]
        found[name] = whole if indices else small[name]
    return found


def _left(network: Network, channels: ChannelGroups, counts: Sequence[int], scores: Scores,
          before: frozenset[int]) -> frozenset[int]:  # fmt: skip
    """The units that stay: of every group the ones with the highest scores, group after group in the network's order.

    What went before no longer counts in the scores of what comes after.
    """
    alive = set(before)
    for group, count in zip(channels.groups, counts, strict=True):
        if group.fixed:
            continue
        order = torch.argsort(scores.of(network, channels, group, alive), stable=True)
        # ties by index: the same on every machine
        present = [unit for index in order.tolist() if (unit := group.units[index]) in alive]
        alive -= set(present[: len(present) - count])
    return frozenset(alive)


def _indexed(state: State, spec: ModelSpec, alive: Alive) -> list[tuple[str, Tensor, tuple[Tensor, ...]]]:
    """Every layer's tensors, and which indices of their first dimensions belong to what is alive."""
    found = []
    for side in SIDES:
        network = spec.parent(side)
        kept = {name: torch.tensor([i for i, unit in enumerate(stream) if unit in alive[side]], dtype=torch.long)
                for name, stream in channel_groups(network).streams.items()}  # fmt: skip
        for placed in network.layers:
            at = f"{side}.{placed.index}."
            outputs, inputs = kept[placed.name], kept[placed.sources[0]]
            found += [(name, value, _indices(placed, value.ndim, outputs, inputs))
                      for name, value in state.items() if name.startswith(at)]  # fmt: skip
    return found


def _indices(placed: Placed, dimensions: int, outputs: Tensor, inputs: Tensor) -> tuple[Tensor, ...]:
    layer = placed.layer
    assert isinstance(layer, Layer), "nothing else has tensors"
    if dimensions < 4:
        return (outputs,) if dimensions == 1 else ()
    if layer.complex:
        return outputs[::2] // 2, inputs[::2] // 2
    if isinstance(layer, DecoderLayer):
        return inputs, outputs
    if layer.groups == layer.channels > 1:
        return (outputs,)  # a depthwise layer's outputs see all of their own inputs
    return outputs, inputs[: len(inputs) // placed.groups]
