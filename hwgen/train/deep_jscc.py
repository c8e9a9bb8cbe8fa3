"""The float DeepJSCC of Bourtsoulatze, Kurka and Gunduz (2019), of the layers that a specification puts together.

The input is pixel * 2**-8 without mean subtraction, because that is what the hardware sees.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwgen.spec.model import Channel
from hwgen.spec.network import Network
from hwgen.train.channel import normalise, normalise_average, through
from hwgen.train.float_layers import float_layer
from hwgen.train.initialise import initialise
from hwgen.train.layer_graph import LayerGraph


class DeepJSCC(nn.Module):
    """Encoder, per-image power normalisation, radio channel, decoder, with fresh weights from torch's global seed.

    Images are (N, 3, H, W) float in 0..255/256; symbols are (N, C, H/s, W/s) float32. State dict names are
    ``encoder.I.NAME`` and ``decoder.I.NAME`` with the place I of a layer in the specification's list and the names of
    `hwgen.train.float_layers`.

    Parameters
    ----------
    encoder, decoder
        With the channels that the network is to have; the decoder takes the encoder's output.
    channel
        By default AWGN and a power of 1 per complex symbol.
    average
        Whether one factor for all images gives the power, on average, instead of a factor for each image. The latent's
        average power, which training follows, is then in the state as ``latent_power``.
    """

    encoder: LayerGraph
    decoder: LayerGraph
    latent_power: Tensor

    def __init__(
        self, encoder: Network, decoder: Network, channel: Channel | None = None, average: bool = False
    ) -> None:
        super().__init__()
        self.average = average
        if average:
            self.register_buffer("latent_power", torch.tensor(0.0))
        self.channel = channel or Channel()
        self.power = self.channel.power
        self.encoder = LayerGraph(encoder, float_layer)
        self.decoder = LayerGraph(decoder, float_layer)
        initialise(self.encoder)
        initialise(self.decoder)

    def encode(self, images: Tensor) -> Tensor:
        """Latent before normalisation, float32 even under autocast: powers need its precision."""
        return self.encoder(images).float()

    def decode(self, received: Tensor) -> Tensor:
        """Received symbols -> images, float32, in 0..1 in evaluation."""
        return self.decoder(received).float()

    def transmit(self, images: Tensor) -> Tensor:
        """Images -> symbols (N, C, H/s, W/s) of the wanted power; while training their average counts."""
        latent = self.encode(images)
        if not self.average:
            return normalise(latent, self.power)
        return normalise_average(latent, self.latent_power, self.power, update=self.training)

    def forward(self, images: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
        return self.decode(through(self.channel, self.transmit(images), snr_db, generator))
