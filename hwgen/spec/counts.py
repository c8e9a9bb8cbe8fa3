"""Counts of a network before anything is built: parameters, multiply-accumulates, bits of its weights."""

from __future__ import annotations

import math

from hwgen.numerics.formats import DECODER_SLOPE, SLOPE
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.network import Network, Placed

BIAS_BITS = 32


def weights(placed: Placed) -> int:
    """Real weights of a layer: a complex one counts as two."""
    layer = placed.layer
    if not isinstance(layer, Layer):
        return 0
    return placed.given.channels * (placed.taken[0].channels // placed.groups) * _taps(layer) // layer.parts


def parameters(network: Network) -> int:
    """Weights, biases and PReLU slopes. Normalisation is not counted: it is folded into weights and biases."""
    total = 0
    for placed in network.layers:
        if isinstance(placed.layer, Layer):
            total += weights(placed) + placed.given.channels * (1 + (placed.layer.activation == "prelu"))
    return total


def macs(network: Network, height: int, width: int) -> dict[str, int]:
    """Multiply-accumulates of every layer for one frame at the port: output value x kernel tap x input channel.

    Taps on padding are counted (the usual convention, and what the hardware's schedule does), those of a transposed
    convolution that fall between inputs are not. A complex one is four.
    """
    sizes, found = network.sizes(height, width), {}
    for placed in network.layers:
        layer, count = placed.layer, 0
        if isinstance(layer, Layer):
            # each input of a transposed convolution meets each tap once, as each output of a plain one does
            size = sizes[placed.sources[0] if isinstance(layer, DecoderLayer) else placed.name]
            count = math.prod(size) * _taps(layer) * placed.given.channels * (placed.taken[0].channels // placed.groups)
        found[placed.name] = count
    return found


def weight_bits(network: Network) -> int:
    """Bits of the quantised weights, biases (32) and PReLU slopes.

    Weights of a codebook are its indices, and its integers once for the layer.
    """
    slope = (DECODER_SLOPE if network.side == "decoder" else SLOPE).bits
    total = 0
    for placed in network.layers:
        layer = placed.layer
        if not isinstance(layer, Layer):
            continue
        if layer.complex:
            total += weights(placed) * (layer.weight_bits + layer.imag_weight_bits) // 2
        elif layer.weights is not None:
            entries = layer.weights.codebook
            total += weights(placed) * (entries.bit_length() - 1) + entries * layer.weight_bits
        else:
            total += weights(placed) * layer.weight_bits
        total += placed.given.channels * (BIAS_BITS + (slope if layer.activation == "prelu" else 0))
    return total


def _taps(layer: Layer) -> int:
    return math.prod(layer.kernel_size)
