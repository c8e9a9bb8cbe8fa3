"""What the search may change: surviving units of every channel group, weight and activation bits of every layer.

The engine form is not among it: sizing chooses for each layer the form with which the whole design is fastest
(`--engine best`), by an integer program, so no sampler could choose better.

A group's units survive or go together (`hwgen.spec.channel_groups`); those of ports and outputs stay. Activations keep
their bits where a sum reads them, since what meets in a sum has equal ones, at the latent, and at the image.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hwgen.search.rebase import SIDES
from hwgen.spec.bits import set_bits
from hwgen.spec.branches import Add
from hwgen.spec.channel_groups import channel_groups
from hwgen.spec.layers import Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network, Side

MOST_BITS = 8
LEAST_WEIGHT_BITS = 2

Choice = Mapping[str, int]
"""A point of the space: a whole number for each of its parameters."""


@dataclass(frozen=True)
class Parameter:
    """A whole number of the space.

    Parameters
    ----------
    side, place
        The network, and the group's or the convolution's number in it.
    kind
        "channels", "weight_bits" or "activation_bits".
    low, high
        The range, both ends included; `high` is what the parent has.
    """

    side: Side
    place: int
    kind: str
    low: int
    high: int

    @property
    def name(self) -> str:
        """Such as ``encoder.1.weight_bits``."""
        return f"{self.side}.{self.place}.{self.kind}"


@dataclass(frozen=True)
class Space:
    """The space of a parent: a specification without pruning, and its plain values (`hwgen.search.rebase`).

    Parameters
    ----------
    criterion
        By which channels are chosen: pruning's in the specifications made here.
    """

    spec: ModelSpec
    values: dict[str, Any]
    parameters: tuple[Parameter, ...]
    criterion: str = "l1"

    @property
    def whole(self) -> dict[str, int]:
        """The parent itself."""
        return {one.name: one.high for one in self.parameters}

    def narrowed(self, least: Mapping[str, int]) -> Space:
        """With higher low ends of some parameters, by name."""
        found = [replace(one, low=min(one.high, max(one.low, least.get(one.name, 0)))) for one in self.parameters]
        return replace(self, parameters=tuple(found))

    def of_kind(self, kind: str) -> list[Parameter]:
        return [one for one in self.parameters if one.kind == kind]

    def prunes(self, choice: Choice) -> bool:
        """Whether a point has fewer channels than the parent."""
        return any(choice[one.name] < one.high for one in self.of_kind("channels"))

    def specification(self, choice: Choice) -> dict[str, Any]:
        """A point's specification, plain values."""
        found = copy.deepcopy(self.values)
        counts = {}
        for side in SIDES:
            network = self.spec.parent(side)  # type: ignore[arg-type]
            if not getattr(self.spec, side):
                continue
            counts[side] = _counts(network, {one.place: choice[one.name] for one in self.parameters
                                             if one.side == side and one.kind == "channels"})  # fmt: skip
            entries = [entry for entry, layer in zip(found[side], getattr(self.spec, side), strict=True)
                       if isinstance(layer, Layer)]  # fmt: skip
            for one in self.parameters:
                if one.side == side and one.kind != "channels":
                    set_bits(entries[one.place], one.kind, choice[one.name])
        if self.of_kind("channels"):
            found["pruning"] = {"criterion": self.criterion, "channels": counts}
        return found


def space(
    spec: ModelSpec,
    values: dict[str, Any],
    least_channels: float = 0.25,
    least_weight_bits: int = LEAST_WEIGHT_BITS,
    least_activation_bits: int = MOST_BITS,
    criterion: str = "l1",
) -> Space:
    """The space of a parent.

    Parameters
    ----------
    spec : without pruning
    values : its plain values
    least_channels : share of each group's units that stays at least; 1 leaves channels alone
    least_weight_bits, least_activation_bits : 2 to 8; 8 leaves them alone
    """
    found: list[Parameter] = []
    prunable = not (spec.training is not None and spec.training.profiles)
    for side in SIDES:
        if not getattr(spec, side):
            continue
        network = spec.parent(side)  # type: ignore[arg-type]
        for place, group in enumerate(channel_groups(network).groups if prunable else ()):
            units = len(group.units)
            if (low := max(1, math.ceil(round(units * least_channels, 9)))) < units and not group.fixed:
                found.append(Parameter(network.side, place, "channels", low, units))
        kept = _kept(network)
        convolutions = [placed for placed in network.layers if isinstance(placed.layer, Layer)]
        for place, placed in enumerate(convolutions):
            layer = placed.layer
            assert isinstance(layer, Layer)
            for kind, low, fixed in (("weight_bits", least_weight_bits, False),
                                     ("activation_bits", least_activation_bits, placed.name in kept)):  # fmt: skip
                if (high := getattr(layer, kind)) > low and not fixed:
                    found.append(Parameter(network.side, place, kind, low, high))
    return Space(spec, values, tuple(found), criterion)


def key_of(values: object) -> str:
    """A short name of plain values: the same for the same ones."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _counts(network: Network, units: Mapping[int, int]) -> list[int]:
    """Surviving channels of every convolution, from the groups' units."""
    layers = {placed.name: placed.layer for placed in network.layers if isinstance(placed.layer, Layer)}
    left = dict.fromkeys(layers, 0)
    for place, group in enumerate(channel_groups(network).groups):
        for name, channels in group.channels.items():
            left[name] += units.get(place, len(group.units)) * channels
    return [count // layers[name].parts for name, count in left.items()]


def _kept(network: Network) -> set[str]:
    """Layers whose activations keep their bits: those whose values reach a sum or the output as they are."""
    found = set(network.fixed)
    for placed in reversed(network.layers):
        if isinstance(placed.layer, Add) or (placed.name in found and not isinstance(placed.layer, Layer)):
            found |= set(placed.sources)
    return found
