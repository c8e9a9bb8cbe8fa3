"""Activations on accumulators, with the integers that hardware has of them."""

from __future__ import annotations

from torch import nn

from hwgen.assembly.convolution import leaky_slope
from hwgen.numerics.formats import DECODER_SLOPE, SLOPE
from hwgen.spec.layers import Layer
from hwgen.train.network import LeakyClamp
from hwgen.train.quantisers import QuantPReLU

FUNCTIONS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.Identity,  # the unsigned quantiser's own clamp at 0
    "clamp": LeakyClamp,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
}


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
    if layer.activation == "leaky_relu":
        return nn.LeakyReLU(leaky_slope(layer) * SLOPE.scale)
    if layer.limit is not None:
        return nn.Hardtanh(0.0, layer.limit)
    return FUNCTIONS[layer.activation]()
