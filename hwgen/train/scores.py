"""Scores of a parent's groups of channels by the criterion of a specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.spec.channel_groups import ChannelGroups, Group, channel_groups
from hwgen.spec.layers import Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network, Side
from hwgen.train.batch_norm import fold_batch_norm
from hwgen.train.criteria import criterion
from hwgen.train.criteria.evidence import Evidence
from hwgen.train.criteria.observe import Observed, observe
from hwgen.train.data import Crops
from hwgen.train.group_kernels import group_kernels
from hwgen.train.kernels import stream_kernel

SIDES: tuple[Side, ...] = ("encoder", "decoder")


class Scores:
    """Gathers the evidence about each group and asks the criterion.

    Parameters
    ----------
    state
        Of the dense parent (`hwgen.train.network.dense`).
    crops
        For criteria that look at features or gradients: a batch is drawn with the training's seed.

    Raises
    ------
    HwgenError
        The criterion needs images and there are none, or batch normalisation that a layer has not.
    """

    def __init__(self, state: Mapping[str, Tensor], spec: ModelSpec, crops: Crops | None = None) -> None:
        seed = spec.training.seed if spec.training else 0
        check(spec)
        self._state, folded = state, fold_batch_norm(state, spec)
        self._criterion = criterion(spec.pruning.criterion, seed)
        self._kernels = {side: _kernels(folded, spec.parent(side)) for side in SIDES}
        self._observed: Observed | None = None
        self._gradients: dict[str, dict[str, Tensor]] = {}
        if self._criterion.observes:
            if crops is None:
                raise HwgenError(spec.where("pruning", "criterion"), "one that looks at weights alone, or images to "
                                 "observe the parent on", f"{spec.pruning.criterion} and no images")  # fmt: skip
            self._observed = observe(folded, spec, crops, seed)
            self._gradients = {side: _kernels(self._observed.gradients, spec.parent(side)) for side in SIDES}

    def of(self, network: Network, channels: ChannelGroups, group: Group, alive: set[int]) -> Tensor:
        """(units,) scores of a group.

        Parameters
        ----------
        network
            A side of the parent, and its groups of channels.
        alive
            Units whose weights count.
        """
        side = network.side
        kernels = group_kernels(network, channels, group, self._kernels[side], alive)
        scales = [self._state[name][_indices(channels.streams[placed.name], group)] for placed in network.layers
                  if placed.name in group.channels
                  and (name := f"{side}.{placed.index}.norm.weight") in self._state]  # fmt: skip
        evidence = Evidence(kernels, scales=scales)
        if self._observed is not None:
            gradients = group_kernels(network, channels, group, self._gradients[side], alive)
            features, slopes = (
                [values[side, name].transpose(0, 1)[_indices(channels.streams[name], group)] for name in group.channels]
                for values in (self._observed.features, self._observed.feature_gradients)
            )
            evidence = Evidence(kernels, gradients, features, slopes, scales)
        return self._scored(evidence, torch.tensor([unit in alive for unit in group.units]))

    def _scored(self, evidence: Evidence, present: Tensor) -> Tensor:
        """Scores of the units that are there; minus infinity of the others, which no score may depend on."""
        if bool(present.all()):
            return self._criterion.score(evidence)
        found = self._criterion.score(evidence.of(present))
        whole = torch.full((len(present),), -torch.inf, dtype=found.dtype)
        whole[present] = found
        return whole


def check(spec: ModelSpec) -> None:
    """Refuse a criterion that a specification's network has nothing for.

    Raises
    ------
    HwgenError
        It needs batch normalisation that a layer with prunable channels has not, or images, of which soft pruning
        shows it none.
    """
    name = spec.pruning.criterion
    if name == "none":
        return
    if spec.pruning.soft and criterion(name, 0).observes:
        raise HwgenError(spec.where("pruning", "soft"), "this key with a criterion that looks at weights alone", name)
    if not criterion(name, 0).normalised:
        return
    for side in SIDES if spec.decoder else SIDES[:1]:
        network = spec.parent(side)
        loose = {made for group in channel_groups(network).groups if not group.fixed for made in group.channels}
        for placed in network.layers:
            if placed.name in loose and not (isinstance(placed.layer, Layer) and placed.layer.batch_norm):
                wanted = f"another one, or batch_norm in {side}[{placed.index}], whose channels may go"
                raise HwgenError(spec.where("pruning", "criterion"), wanted, name)


def _kernels(state: Mapping[str, Tensor], network: Network) -> dict[str, Tensor]:
    """Every convolution's (out, in, rows, columns) of the stream."""
    return {placed.name: stream_kernel(state, network.side, placed).float() for placed in network.layers
            if isinstance(placed.layer, Layer)}  # fmt: skip


def _indices(stream: Sequence[int], group: Group) -> Tensor:
    """(units, channels) places of a group's units in a stream that has as many channels of each."""
    found: dict[int, list[int]] = {unit: [] for unit in group.units}
    for index, unit in enumerate(stream):
        if unit in found:
            found[unit].append(index)
    return torch.tensor(list(found.values()))
