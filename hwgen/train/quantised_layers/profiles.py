"""Biases and PReLU slopes of every profile behind a quantised convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwgen.train.profiles import Chosen
from hwgen.train.quantisers import QuantPReLU


class ProfiledQuantActivation(nn.Module):
    """`hwgen.train.profiles.ProfiledActivation` on accumulators, (N, C, H, W) to the same.

    Parameters
    ----------
    activation
        The one that all profiles have in common; a PReLU keeps its parameter's name, `weight`.
    channels, profiles
        C, and the number of profiles.
    chosen
        Shared by all layers of a network.
    biased
        Whether the convolution has biases of every profile.
    """

    def __init__(
        self, activation: nn.Module, channels: int, profiles: int, chosen: Chosen, biased: bool = True
    ) -> None:
        super().__init__()
        self.chosen, self.prelu = chosen, isinstance(activation, QuantPReLU)
        if biased:
            self.bias_offset = nn.Parameter(torch.zeros(profiles, channels))
        self.biased = biased
        if isinstance(activation, QuantPReLU):
            self.bits, self.fraction, self.weight = activation.bits, activation.fraction, activation.weight
            self.slope_offset = nn.Parameter(torch.zeros(profiles, channels))
        else:
            self.activation = activation

    def scaled_slopes(self) -> Tensor:
        """(profiles, C) PReLU slopes in steps of 2**-fraction, float64."""
        return (self.weight + self.slope_offset).detach().double() * 2.0**self.fraction

    def slopes(self) -> Tensor:
        """(profiles, C) PReLU slopes, rounded half to even and saturated; the gradient is that of what they are of."""
        real, limit = self.weight + self.slope_offset, 2.0 ** (self.bits - 1)
        integers = self.scaled_slopes().round().clamp(-limit, limit - 1.0)
        return real + (integers * 2.0**-self.fraction - real).detach()

    def offsets(self, scale: Tensor) -> Tensor:
        """(profiles, C) integers to be added to the biases, whose step is `scale` (C,)."""
        return (self.bias_offset.detach().double() / scale.double()).round()

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """Accumulators (N, C, H, W), multiples of `scale` (C,), to activated ones; all but exact while training."""
        if self.biased:
            offset = self.bias_offset if self.training else (self.offsets(scale) * scale).to(x)
            x = x + self.chosen.of(offset)
        if not self.prelu:
            result: Tensor = self.activation(x)
            return result
        return torch.where(x > 0, x, x * self.chosen.of(self.slopes()).to(x))
