"""Activations on accumulators, with the slopes that hardware has of them."""

from __future__ import annotations

from torch import nn

from hwgen.numerics.formats import DECODER_SLOPE, SLOPE
from hwgen.spec.layers import Layer
from hwgen.train.float_layers import activation
from hwgen.train.quantisers import QuantPReLU


def activation_of(layer: Layer, channels: int, decoder: bool) -> nn.Module:
    """A layer's activation on accumulators of so many channels of the stream.

    Parameters
    ----------
    decoder
        PReLU's slopes are finer there.
    """
    if layer.activation == "prelu":
        kind = DECODER_SLOPE if decoder else SLOPE
        return QuantPReLU(channels, kind.bits, kind.fraction)
    if layer.activation == "relu":
        return nn.Identity()  # the unsigned quantiser's own clamp at 0
    return activation(layer.activation, channels, layer.leak, layer.limit)
