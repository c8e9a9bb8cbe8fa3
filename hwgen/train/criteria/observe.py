"""Features and gradients of a trained float network on a batch of images, for the criteria that look at them.

The network runs in evaluation, its batch normalisation folded, over its own radio channel at SNRs drawn as in training;
the loss is training's. One draw of images, SNRs and noise serves all layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from hwgen.spec.layers import Layer
from hwgen.spec.model import ModelSpec
from hwgen.train.batch_norm import without
from hwgen.train.channel import normalise, normalise_average, through, uniform_snr
from hwgen.train.data import Crops
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.loop import log_mse
from hwgen.train.network import averages

IMAGES = 16
"""Crops that are looked at."""


@dataclass(frozen=True)
class Observed:
    """By side and layer: outputs of convolutions behind their activations, (N, C, H, W), and the loss's gradients.

    gradients : by the names of the network's state
    """

    features: Mapping[tuple[str, str], Tensor]
    feature_gradients: Mapping[tuple[str, str], Tensor]
    gradients: Mapping[str, Tensor]


def observe(folded: Mapping[str, Tensor], spec: ModelSpec, crops: Crops, seed: int) -> Observed:
    """Run the dense parent once, forward and backward.

    Parameters
    ----------
    folded
        The parent's state with batch normalisation folded in.
    seed
        Of images, SNRs and noise.
    """
    parents = without(spec.parent("encoder")), without(spec.parent("decoder"))
    network = DeepJSCC(*parents, spec.channel, averages(spec))
    network.load_state_dict(dict(folded))
    network.eval().requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    images = crops.batch(IMAGES, generator)
    low, high = spec.channel.snr_db
    snr_db = uniform_snr(len(images), low, high, generator)
    with torch.enable_grad():
        sent = network.encoder.outputs(images)
        latent = sent[network.encoder.network.last.name]
        if network.average:
            symbols = normalise_average(latent, network.latent_power, network.power, update=False)
        else:
            symbols = normalise(latent, network.power)
        received = network.decoder.outputs(through(network.channel, symbols, snr_db, generator))
        loss = log_mse(received[network.decoder.network.last.name], images)
        maps = {(side.network.side, placed.name): found[placed.name] for side, found in
                ((network.encoder, sent), (network.decoder, received)) for placed in side.network.layers
                if isinstance(placed.layer, Layer)}  # fmt: skip
        weights = dict(network.named_parameters())
        found = torch.autograd.grad(loss, [*maps.values(), *weights.values()], allow_unused=True)
    given = [torch.zeros_like(value) if one is None else one.detach() for one, value in
             zip(found, [*maps.values(), *weights.values()], strict=True)]  # fmt: skip
    return Observed(
        {name: value.detach() for name, value in maps.items()},
        dict(zip(maps, given, strict=False)),
        dict(zip(weights, given[len(maps) :], strict=True)),
    )
