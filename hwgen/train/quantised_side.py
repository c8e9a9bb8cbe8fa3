"""One side of the quantised network: its layers, and one scale wherever branches meet.

Outputs that share an exponent (`hwgen.assembly.exponents`) may have types of their own, an unsigned branch and a signed
one, so every layer keeps its quantiser; what they have in common is the exponent, which is set for all of them at once
and stored under the name of the first one alone (`share_scales`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hwgen.assembly.exponents import bounds, groups, pixel_layers, settled
from hwgen.numerics.formats import PIXEL
from hwgen.spec.network import Network
from hwgen.train.calibration import Calibrations
from hwgen.train.layer_graph import LayerGraph
from hwgen.train.quantised_layers.layer import PLAIN, QuantisedLayer, Requantised, Rounding
from hwgen.train.quantised_layers.make import makes_image, quantised_layer
from hwgen.train.quantisers import QuantParts, sample, set_exponents, threshold

ROUNDS = 4
"""Times that scales are chosen at most: a branch that comes late can move the scale of one whose values were used."""


class QuantSide(LayerGraph):
    """The quantised layers of a side.

    Parameters
    ----------
    port
        What quantises the input; its module stands elsewhere.
    held
        Whether the port's scale has no choice.
    by
        How scales are chosen.
    """

    def __init__(self, network: Network, port: Rounding, held: bool, by: Calibrations = PLAIN) -> None:
        super().__init__(network, lambda placed: quantised_layer(placed, network))
        self._by = by
        self._groups, self._bounds = groups(network), bounds(network)
        self._held = {self._groups[network.source]: port.exponent} if held else {}
        self._held |= {self._groups[name]: PIXEL.exponent for name in pixel_layers(network)}
        self._roundings = {network.source: port}
        for placed, layer in zip(network.layers, self, strict=True):
            if isinstance(layer, Requantised) and layer.rounding is not None:
                self._roundings[placed.name] = layer.rounding
        for name, rounding in self._roundings.items():
            if (group := self._groups[name]) in self._held:
                set_exponents(rounding.quantiser, self._held[group], rounding.magnitude_bits)

    def exponent(self, name: str) -> int:
        """Exponent of a layer's output, or of the port's."""
        group = self._groups[name]
        return self._roundings[group].exponent if group in self._roundings else self._held[group]

    @property
    def free(self) -> list[str]:
        """The groups whose exponent is a choice, by their first names, in the layers' order."""
        found = dict.fromkeys(self._groups[name] for name in self._roundings)
        return [group for group in found if group not in self._held]

    def scales(self) -> dict[str, int]:
        """The exponent of every group."""
        return {group: self.exponent(group) for group in dict.fromkeys(self._groups.values())}

    def set_scales(self, wanted: Mapping[str, int]) -> None:
        """Set the exponents of groups as near to those wanted as the bounds between them allow."""
        found = settled(wanted, self._bounds, self._held, self.network.side)
        for name, rounding in self._roundings.items():
            set_exponents(rounding.quantiser, found[self._groups[name]], rounding.magnitude_bits)

    def members(self) -> list[tuple[Rounding, ...]]:
        """The quantisers of every group of outputs with one scale, in the layers' order."""
        found: dict[str, list[Rounding]] = {}
        for name, rounding in self._roundings.items():
            found.setdefault(self._groups[name], []).append(rounding)
        return [tuple(group) for group in found.values()]

    def fit_weights(self) -> None:
        """Choose the scales of the present weights."""
        for layer in self._layers():
            layer.fit_weights(self._by)

    @torch.no_grad()
    def calibrate(self, x: Tensor, keep: bool = False) -> Any:
        """Choose the scales of all outputs, layer after layer, those of a group for all its members' values together.

        Parameters
        ----------
        x
            (N, C, H, W) real values at the port.
        keep
            Leave the scales as they are.

        Returns
        -------
        The side's quantised output.
        """
        values: dict[str, Tensor] = {}
        for _ in range(0 if keep else ROUNDS):
            if not self._choose_all(x, values):
                break
        return self(self._roundings[self.network.source].quantiser(x))

    def _choose_all(self, x: Tensor, values: dict[str, Tensor]) -> bool:
        """Once through all layers; whether a scale changed after values of it had been used.

        values : of the layers' outputs before their rounding, from the last time where not replaced yet
        """
        source, used, late = self.network.source, set[str](), False
        if source not in self._held:
            values[source] = x
            self._choose(source, values)
        outputs: dict[str, Any] = {source: self._roundings[source].quantiser(x)}
        for placed, layer in zip(self.network.layers, self._layers(), strict=True):
            inputs = [outputs[name] for name in placed.sources]
            used |= {self._groups[name] for name in placed.sources}
            if makes_image(placed, self.network):
                break
            layer.prepare(self._by, *inputs)
            if placed.name in self._roundings:
                values[placed.name] = layer.values(*inputs)
                late |= bool(self._choose(placed.name, values) & used)
            outputs[placed.name] = layer(*inputs)
        return late

    def _choose(self, name: str, values: Mapping[str, Tensor]) -> set[str]:
        """Choose the scale of a layer's group; the groups whose exponent changed, as bounds may move others."""
        group = self._groups[name]
        before = {self._groups[known]: self.exponent(known) for known in values} | self._held
        wanted = before | ({} if group in self._held else {group: self._best(group, values)})
        after = settled(wanted, self._bounds, self._held, self.network.side)
        for member in values:
            if self._groups[member] == group or after[self._groups[member]] != before[self._groups[member]]:
                self._roundings[member].set(after[self._groups[member]], values[member], self._by.activations)
        return {one for one in after if after[one] != before[one]}

    def _best(self, group: str, values: Mapping[str, Tensor]) -> int:
        members = [name for name in values if self._groups[name] == group]
        first = self._roundings[members[0]]
        if len(members) == 1 and isinstance(first.quantiser, QuantParts):
            return first.quantiser.best(values[members[0]], self._by.activations)
        samples = []
        for name in members:
            rounding, found = self._roundings[name], sample(values[name])
            samples.append((found if rounding.signed else found.relu(), *rounding.range))
        return self._by.activations.exponent(samples)

    def _layers(self) -> Iterable[QuantisedLayer]:
        for layer in self:
            assert isinstance(layer, QuantisedLayer)
            yield layer


def share_scales(module: nn.Module, groups: Iterable[tuple[Rounding, ...]]) -> None:
    """Keep the scale of a group of quantisers under the first one's name in a module's state, and no other.

    Parameters
    ----------
    groups
        Quantisers below the module, of one scale each group.
    """
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    shared: dict[str, tuple[str, int]] = {}
    for first, *others in groups:
        for other in others:
            more = other.magnitude_bits - first.magnitude_bits  # a threshold is exponent + magnitude bits
            shared[names[id(threshold(other.quantiser))]] = names[id(threshold(first.quantiser))], more

    def leave_out(module: nn.Module, state: dict[str, Tensor], prefix: str, metadata: object) -> None:
        for name in shared:
            state.pop(prefix + name, None)

    def fill_in(module: nn.Module, state: dict[str, Tensor], prefix: str, *rest: object) -> None:
        for name, (first, more) in shared.items():
            if prefix + first in state:
                state[prefix + name] = state[prefix + first] + more

    module.register_state_dict_post_hook(leave_out)
    module.register_load_state_dict_pre_hook(fill_in)
