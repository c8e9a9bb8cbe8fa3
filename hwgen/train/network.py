"""The float DeepJSCC of Bourtsoulatze, Kurka and Gunduz (2019), of the layers that a specification puts together.

The input is pixel * 2**-8 without mean subtraction, because that is what the hardware sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hwgen.spec.model import Channel
from hwgen.spec.network import Network
from hwgen.train.batch_norm import without
from hwgen.train.channel import normalise, normalise_average, through
from hwgen.train.float_layers import float_layer
from hwgen.train.initialise import initialise
from hwgen.train.layer_graph import LayerGraph

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec


def transposed_padding(kernel: int, stride: int) -> tuple[int, int]:
    """(padding, output padding) of a transposed convolution whose output is exactly ``stride`` times its input."""
    output_padding = (kernel - stride) % 2
    return (kernel - stride + output_padding) // 2, output_padding


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


def averages(spec: ModelSpec) -> bool:
    """Whether a specification's networks are trained with one factor for the power of all images."""
    return spec.training is not None and spec.training.power == "average"


def dense(spec: ModelSpec) -> DeepJSCC:
    """The unpruned parent of a specification, freshly initialised from torch's global seed, with its profiles."""
    if spec.training is not None and spec.training.profiles:
        from hwgen.train.profiles import ProfiledDeepJSCC  # which is made from what is here

        bounds = spec.training.profiles
        return ProfiledDeepJSCC(spec.parent("encoder"), spec.parent("decoder"), bounds, spec.channel)
    return DeepJSCC(spec.parent("encoder"), spec.parent("decoder"), spec.channel, averages(spec))


def pruned(spec: ModelSpec, folded: bool = False) -> DeepJSCC:
    """The network with the surviving channel counts (weights fresh, not the parent's).

    Parameters
    ----------
    folded
        Without batch normalisation, as a quantised checkpoint's weights are.
    """
    networks = spec.encoder_network, spec.decoder_network
    encoder, decoder = (without(network) for network in networks) if folded else networks
    return DeepJSCC(encoder, decoder, spec.channel, averages(spec))
