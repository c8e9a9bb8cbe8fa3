"""The quantised network whose profiles share their kernels: `hwgen.train.profiles` in integers.

Weights, shifts, exponents and types are shared. Each profile has, beside them,

    encoder.I.activation.bias_offset, decoder...    (profiles, C)  added to the bias (`hwgen.train.profile_biases`)
    encoder.I.activation.slope_offset, decoder...   (profiles, C)  added to a PReLU's slopes before these are rounded
    transmit_gain, receive_gain                     (profiles, C)  natural logarithms of the factors on the symbols
    latent_power                                    (profiles,)    average power of the latent with its gains

of which hardware has tables. A channel's factor in the transmitter is one 16-bit integer, the power's in it, with one
shift for all; in the receiver too, and what is received is rounded once, behind its factor.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.numerics.formats import SYMBOL
from hwgen.spec.layers import TABLES
from hwgen.train.channel import symbol_power, through
from hwgen.train.loop import log_mse
from hwgen.train.profile_biases import biased
from hwgen.train.profiles import Chosen, measure_powers, transmit_each
from hwgen.train.quantised_layers.convolution import QuantLayer
from hwgen.train.quantised_layers.make import makes_image
from hwgen.train.quantised_layers.profiles import ProfiledQuantActivation
from hwgen.train.quantised_network import GAIN_BITS, QuantDeepJSCC
from hwgen.train.quantisers import plain, rounded
from hwgen.train.scale_search import search_scales

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

LARGEST = 2**GAIN_BITS - 1


class ProfiledQuantDeepJSCC(QuantDeepJSCC):
    """As `QuantDeepJSCC` with a static gain, and several profiles that share its kernels.

    Raises
    ------
    HwgenError
        A layer that cannot have profiles: one with a table or a limit, a complex one, one that makes the image.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        assert spec.training is not None, "its profiles are there"
        self.bounds, self.chosen = spec.training.profiles, Chosen()
        self.profiles = len(self.bounds) + 1
        for side in (self.encoder, self.decoder):
            keep = biased(side.network)
            for placed, module in zip(side.network.layers, side, strict=True):
                if not isinstance(module, QuantLayer):
                    continue
                layer = module.layer
                plainly = layer.activation not in TABLES and layer.limit is None and not layer.complex
                if not plainly or makes_image(placed, side.network):
                    wanted = "convolutions whose output is rounded once and is not the image (training.profiles)"
                    raise HwgenError(spec.where(side.network.side), wanted, placed.name)
                channels = placed.given.channels
                module.activation = ProfiledQuantActivation(
                    module.activation, channels, self.profiles, self.chosen, placed.name in keep
                )
        channels = spec.latent_channels
        self.transmit_gain = nn.Parameter(torch.zeros(self.profiles, channels))
        self.receive_gain = nn.Parameter(torch.zeros(self.profiles, channels))
        self.latent_power = torch.zeros(self.profiles)  # the buffer of the base, one for each profile

    def choose(self, snr_db: Tensor | float) -> None:
        """Take the profile of each SNR in dB, (N,) or one for all images, for what follows."""
        self.chosen.at(snr_db, self.bounds)

    def latent(self, images: Tensor) -> Tensor:
        """Images to the integers of the transmitter's network, times their scale: without gains."""
        return super().encode(images)

    def encode(self, images: Tensor) -> Tensor:
        """Latent with the gains of its channels, before the power's factor."""
        return self.latent(images) * self.chosen.of(self.transmit_gain).exp()

    def transmit(self, images: Tensor) -> Tensor:
        """Images to symbols; in evaluation in Q3.12, by the transmitter's integers."""
        if self.training:
            return transmit_each(self.encode(images), self.chosen, self.latent_power, self.power, update=not self.kept)
        factors, shift = self.transmit_factors
        latent = self.latent(images)
        scale = 2.0 ** (-self.latent_exponent - SYMBOL.fraction - shift)
        scaled = latent.double() * self.chosen.of(factors.double() * scale)
        return rounded(scaled, SYMBOL.bounds, SYMBOL.exponent).to(latent.dtype)

    def decode(self, received: Tensor) -> Tensor:
        """As `QuantDeepJSCC.decode`, behind the factors of the channels."""
        if self.training:
            x = received * self.chosen.of(self.receive_gain).exp()
        else:
            x = self.amplified(rounded(received, SYMBOL.bounds, SYMBOL.exponent))
        return plain(self.decoder(self.received_quantiser(x)))

    def amplified(self, received: Tensor) -> Tensor:
        """Received Q3.12 parts (N, C, H, W) times the integer factors of their channels."""
        factors, fraction = self.receive_factors
        return received * self.chosen.of(factors.to(received) * 2.0**-fraction)

    def forward(self, images: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
        if self.training and not self.calibrated:
            self.calibrate([images])
        self.choose(snr_db)
        return self.decode(through(self.channel, self.transmit(images), snr_db, generator))

    @property
    def transmit_factors(self) -> tuple[Tensor, int]:
        """((profiles, C) int64, shift): latent integers * factor * 2**-shift are Q3.12 symbols.

        Raises
        ------
        HwgenError
            The power of the latent is not known.
        """
        if not bool((self.latent_power > 0).all()):
            raise HwgenError("static gain", "a calibrated network", "a latent power of 0")
        power = torch.sqrt(self.power / self.latent_power.double())[:, None]
        real = self.transmit_gain.detach().double().exp() * power * 2.0 ** (self.latent_exponent + SYMBOL.fraction)
        shift = GAIN_BITS - 1 - math.floor(math.log2(float(real.max())))
        return _factors(real, shift), shift

    @property
    def receive_factors(self) -> tuple[Tensor, int]:
        """((profiles, C) int64, fraction): factors of received symbols, times 2**-fraction."""
        real = self.receive_gain.detach().double().exp()
        fraction = GAIN_BITS - 1 - math.floor(math.log2(float(real.max())))
        fraction = min(max(fraction, 0), GAIN_BITS)
        return _factors(real, fraction), fraction

    @torch.no_grad()
    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Choose all activation scales, layer after layer, then by the loss, for images of all profiles.

        The powers are the float network's where these are known.
        """
        was_training = self.training
        self.eval()
        images = torch.cat(list(batches))
        snr_db = torch.linspace(*self._snr_db, len(images))
        self.choose(snr_db)
        latent = plain(self.encoder.calibrate(images, keep=self.kept)) * self.chosen.of(self.transmit_gain).exp()
        if not self.kept and not bool((self.latent_power > 0).all()):
            self.latent_power.fill_(float(symbol_power(latent).mean()))
        sent = transmit_each(latent, self.chosen, self.latent_power, self.power, update=False)
        received = through(self.channel, sent, snr_db, torch.Generator().manual_seed(0))
        self.decoder.calibrate(received * self.chosen.of(self.receive_gain).exp())
        search_scales([*([] if self.kept else [self.encoder]), self.decoder], lambda: self._loss(images[::2]))
        self.calibrated.fill_(True)
        self.train(was_training)

    def _loss(self, images: Tensor) -> float:
        """Loss of the integers for images sent with the middle of every profile's SNRs in turn, over the same noise."""
        low, high = self._snr_db
        edges = [low, *self.bounds, high]
        middles = torch.tensor([(one + other) / 2 for one, other in itertools.pairwise(edges)])
        snr_db = middles.repeat(-(-len(images) // len(middles)))[: len(images)]
        return float(log_mse(self(images, snr_db, torch.Generator().manual_seed(1)), images))

    def calibrate_gain(self, batches: Iterable[Tensor]) -> None:
        """Measure every profile's power over these images (any sizes), for the static gains (`measure_powers`)."""
        if not self.kept:
            measure_powers(self, batches)


def _factors(real: Tensor, shift: int) -> Tensor:
    """The nearest of the integers 1 .. 2**16 - 1 to real * 2**shift."""
    return (real * 2.0**shift).round().clamp(1, LARGEST).long()
