"""Networks whose profiles share their kernels: each range of SNRs has biases, slopes and symbols' gains of its own.

A transmitter for a good channel says other things than one for a bad channel, and a receiver trusts what it gets more.
Most of that is in the share of the power that each channel of the symbols gets, and in how far a correction goes:
numbers per channel, not kernels. So a profile costs a few tables; kernels of its own would cost the memory of all
weights.

Per profile there are, beside the network's own parameters:

    encoder.I.activation.bias_offset, decoder...    (profiles, C)  added before the activation
    encoder.I.activation.slope_offset, decoder...   (profiles, C)  added to a PReLU's slopes
    transmit_gain, receive_gain                     (profiles, C)  natural logarithms of the factors on the symbols
    latent_power                                    (profiles,)    as in `DeepJSCC`

All but the powers begin at zero, so that all profiles begin as one network without profiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from hwgen.spec.model import Channel
from hwgen.spec.network import Network
from hwgen.train.channel import normalise_average, symbol_power, through
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.float_layers import Convolution, Sum


class Chosen:
    """The profile of each image in a batch, int64 (N,); (1,) where all have the same."""

    def __init__(self) -> None:
        self.index = torch.zeros(1, dtype=torch.int64)

    def of(self, table: Tensor) -> Tensor:
        """(profiles, C) -> (N or 1, C, 1, 1): the rows of the images' profiles."""
        return table[self.index.to(table.device)][:, :, None, None]

    def take(self, profile: int) -> None:
        """Set one profile for all images."""
        self.index = torch.tensor([profile])

    def at(self, snr_db: Tensor | float, bounds: Sequence[float]) -> None:
        """Set the profile of each SNR in dB, (N,) or one for all images; a bound belongs to the profile above it."""
        snr_db = torch.as_tensor(snr_db, dtype=torch.float32).reshape(-1)
        self.index = torch.bucketize(snr_db.cpu(), torch.tensor(bounds), right=True)


def transmit_each(latent: Tensor, chosen: Chosen, mean_power: Tensor, power: float, update: bool) -> Tensor:
    """Latents (N, C, H, W) to symbols, by one factor for each profile (`hwgen.train.channel.normalise_average`).

    Parameters
    ----------
    mean_power
        (profiles,), in place: every profile's average.
    """
    sent = torch.empty_like(latent)
    index = chosen.index.expand(len(latent)).to(latent.device)
    for profile in index.unique().tolist():
        own = index == profile
        sent[own] = normalise_average(latent[own], mean_power[profile], power, update)
    return sent


class Profiled(Protocol):
    """A network with profiles, in floating point or quantised."""

    profiles: int
    chosen: Chosen
    latent_power: Tensor
    receive_gain: nn.Parameter

    def encode(self, images: Tensor) -> Tensor: ...


@torch.no_grad()
def measure_powers(network: Profiled, batches: Iterable[Tensor]) -> None:
    """Measure the power of every profile's latent over these images (any sizes), for one gain each.

    The receiver's gains take back what the transmitter's change, so that its network sees what it was trained for.
    """
    sums, count = torch.zeros(network.profiles, dtype=torch.float64), 0
    for images in batches:
        count += len(images)
        for profile in range(network.profiles):
            network.chosen.take(profile)
            sums[profile] += symbol_power(network.encode(images)).double().sum()
    found = sums / count
    change = 0.5 * torch.log(found / network.latent_power.double())
    network.receive_gain.add_(change.to(network.receive_gain)[:, None])
    network.latent_power.copy_(found)


class ProfiledActivation(nn.Module):
    """A bias and an activation of each profile, (N, C, H, W) to the same.

    Parameters
    ----------
    activation
        The one that all profiles have in common; a PReLU keeps its parameter's name, `weight`.
    channels
        C.
    profiles
        Their number.
    chosen
        Shared by all layers of a network.
    """

    weight: Tensor | None

    def __init__(self, activation: nn.Module, channels: int, profiles: int, chosen: Chosen) -> None:
        super().__init__()
        self.chosen = chosen
        self.bias_offset = nn.Parameter(torch.zeros(profiles, channels))
        self.weight = None
        if isinstance(activation, nn.PReLU):
            self.weight = activation.weight
            self.slope_offset = nn.Parameter(torch.zeros(profiles, channels))
        else:
            self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.chosen.of(self.bias_offset)
        if self.weight is None:
            result: Tensor = self.activation(x)
            return result
        slopes = self.weight[None, :, None, None] + self.chosen.of(self.slope_offset)
        return torch.where(x > 0, x, x * slopes)


class ProfiledDeepJSCC(DeepJSCC):
    """As `DeepJSCC` with one factor for the power of all images, and several profiles that share its kernels.

    Parameters
    ----------
    bounds
        SNRs in dB, ascending, at which one profile ends and the next begins: one fewer than there are profiles.

    Raises
    ------
    ValueError
        The bounds are not ascending, or there are none.
    """

    def __init__(
        self, encoder: Network, decoder: Network, bounds: Sequence[float], channel: Channel | None = None
    ) -> None:
        if not bounds or list(bounds) != sorted(set(bounds)):
            raise ValueError(f"bounds: wanted one SNR or several that ascend, got {list(bounds)}")
        super().__init__(encoder, decoder, channel, average=True)
        self.bounds, self.chosen = tuple(bounds), Chosen()
        self.profiles = len(bounds) + 1
        for graph in (self.encoder, self.decoder):
            for placed, module in zip(graph.network.layers, graph, strict=True):
                if isinstance(module, (Convolution, Sum)):
                    channels = placed.given.channels
                    module.activation = ProfiledActivation(module.activation, channels, self.profiles, self.chosen)
        channels = encoder.last.given.channels
        self.transmit_gain = nn.Parameter(torch.zeros(self.profiles, channels))
        self.receive_gain = nn.Parameter(torch.zeros(self.profiles, channels))
        self.latent_power = torch.zeros(self.profiles)  # the buffer of the base, one for each profile

    def choose(self, snr_db: Tensor | float) -> None:
        """Take the profile of each SNR in dB, (N,) or one for all images, for what follows."""
        self.chosen.at(snr_db, self.bounds)

    def encode(self, images: Tensor) -> Tensor:
        """Latent before normalisation, with the gains of its channels; float32."""
        return super().encode(images) * self.chosen.of(self.transmit_gain).exp()

    def decode(self, received: Tensor) -> Tensor:
        """Received symbols -> images, float32, in 0..1 in evaluation."""
        return super().decode(received * self.chosen.of(self.receive_gain).exp())

    def transmit(self, images: Tensor) -> Tensor:
        """Images -> symbols of the wanted power; while training each profile's average follows its images."""
        return transmit_each(self.encode(images), self.chosen, self.latent_power, self.power, update=self.training)

    def forward(self, images: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
        self.choose(snr_db)
        return self.decode(through(self.channel, self.transmit(images), snr_db, generator))
