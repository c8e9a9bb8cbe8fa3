"""A running average of a network's weights: less noisy than the last ones while the learning rate is still high."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

WARMUP = 10
"""After step t the decay is at most t / (t + WARMUP): the average soon forgets where it began."""


class Smoothed:
    """Exponential moving average of all floating-point weights and buffers, in their own precision.

    Attributes
    ----------
    weights : dict
        Averages by the names of the network's state.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in _floating(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """After optimiser step number `step`, counted from 1."""
        kept = min(self.decay, step / (step + WARMUP))
        now = _floating(network)
        torch._foreach_lerp_(list(self.weights.values()), [now[name] for name in self.weights], 1.0 - kept)

    @contextmanager
    def in_place(self, network: nn.Module) -> Iterator[None]:
        """The network with the averages for a while."""
        before = {name: value.detach().clone() for name, value in _floating(network).items()}
        self.load(network)
        try:
            yield
        finally:
            _copy(network, before)

    def load(self, network: nn.Module) -> None:
        """Give the network the averages for good."""
        _copy(network, self.weights)


def _floating(network: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in network.state_dict().items() if value.is_floating_point()}


@torch.no_grad()
def _copy(network: nn.Module, values: dict[str, Tensor]) -> None:
    for name, value in _floating(network).items():
        value.copy_(values[name])
