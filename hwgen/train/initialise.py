"""Fresh weights whose activations keep one size from layer to layer, along branches too.

PyTorch's default shrinks them layer by layer, and these networks need no normalisation layers. So the mean square of
every layer's output is followed through the network, 1 at the port, and every convolution's weights are drawn such that
its output has 1 again, whatever its input has (He et al., Delving Deep into Rectifiers, 2015, with the sizes of
branches added): behind a sum of two branches of 1 the next kernel is smaller by sqrt(2). No kernel starts at 0.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from hwgen.spec.branches import Add, Concat
from hwgen.spec.layers import Layer
from hwgen.spec.network import Network, Placed
from hwgen.train.complex_layers import ComplexConv2d
from hwgen.train.float_layers import Convolution
from hwgen.train.layer_graph import LayerGraph

MEAN_PIXEL = 0.4  # where a clamped image starts; a sigmoid starts at 0.5 by itself
PRELU_SLOPE = 0.25
"""PReLU's slope at the start: torch's."""
VARIANCES = {"tanh": (5.0 / 3.0) ** 2, "silu": 2.43}
"""Variance of normal accumulators: the square of torch's `nn.init.calculate_gain` of tanh; silu's mean square is 1."""


@torch.no_grad()
def initialise(graph: LayerGraph) -> None:
    """Draw all convolutions' weights from torch's global generator, in the order of the layers; biases become 0.

    Biases of what makes a clamped image become `MEAN_PIXEL`; where a sum makes it, those of its first branch, and its
    branches share the image's size.
    """
    network = graph.network
    sizes = {network.source: 1.0}
    shares, first = _image(network) if network.side == "decoder" else ({}, frozenset())
    for placed, module in zip(network.layers, graph, strict=True):
        taken = [sizes[name] for name in placed.sources]
        sizes[placed.name] = _size(placed, taken)
        if isinstance(module, Convolution):
            sizes[placed.name] = wanted = shares.get(placed.name, 1.0)
            assert isinstance(placed.layer, Layer)
            draw(module, placed.layer, taken[0], wanted, MEAN_PIXEL if placed.name in first else 0.0)


def draw(module: Convolution, layer: Layer, taken: float, wanted: float, bias: float) -> None:
    """Draw a convolution's kernel such that its output's mean square is ``wanted`` for inputs of ``taken``.

    Where it is normalised, its kernel's size does not matter, and the normalisation's scale does the same.
    """
    conv = module.conv
    spread = math.sqrt(gain(layer) / fan_in(conv)) * math.sqrt(wanted / taken)
    kernels = conv.kernels if isinstance(conv, ComplexConv2d) else [conv.get_parameter("weight")]
    for kernel in kernels:
        nn.init.normal_(kernel, 0.0, spread)
    if isinstance(module.norm, nn.BatchNorm2d):
        nn.init.constant_(module.norm.weight, math.sqrt(gain(layer) * wanted))
        nn.init.constant_(module.norm.bias, bias)
    else:
        nn.init.constant_(conv.get_parameter("bias"), bias)


def fan_in(conv: nn.Module) -> float:
    """Products that are added up to one output value.

    A transposed convolution of stride s sees only 1/s**2 of its taps for one output.
    """
    assert isinstance(conv, (nn.Conv2d, nn.ConvTranspose2d, ComplexConv2d))
    rows, columns = conv.kernel_size
    groups = 1 if isinstance(conv, ComplexConv2d) else conv.groups
    products = conv.in_channels // groups * rows * columns
    return products / conv.stride[0] ** 2 if isinstance(conv, nn.ConvTranspose2d) else products


def gain(layer: Layer) -> float:
    """Variance of the accumulators for which the activation's output has a mean square of about 1."""
    if layer.activation in VARIANCES:
        return VARIANCES[layer.activation]
    slopes = {"relu": 0.0, "relu6": 0.0, "clip": 0.0, "prelu": PRELU_SLOPE, "leaky_relu": layer.leak}
    return 2.0 / (1.0 + slopes.get(layer.activation, 1.0) ** 2)


def _image(network: Network) -> tuple[dict[str, float], frozenset[str]]:
    """The convolutions whose outputs reach the image as they are: each one's share of its mean square, and those with
    the image's mean, which are none where the image is not clamped."""
    by_name = {placed.name: placed for placed in network.layers}
    clamped = getattr(network.ends[0].layer, "activation", "none") == "clamp"
    shares: dict[str, float] = {}
    first: set[str] = set()
    stack = [(network.last.name, 1.0, clamped)]
    while stack:
        name, share, mean = stack.pop()
        if name not in by_name:
            continue
        placed = by_name[name]
        if isinstance(placed.layer, Layer):
            shares[name] = min(share, shares.get(name, share))
            first |= {name} if mean else set()
            continue
        added = isinstance(placed.layer, Add)
        for index, source in enumerate(placed.sources):
            stack.append((source, share / 2 if added else share, mean and not (added and index)))
    return shares, frozenset(first)


def _size(placed: Placed, taken: list[float]) -> float:
    """Mean square of the output of a layer without weights; what pooling takes away is left out."""
    if isinstance(placed.layer, Add):
        return sum(taken)
    if isinstance(placed.layer, Concat):
        channels = [stream.channels for stream in placed.taken]
        return sum(size * count for size, count in zip(taken, channels, strict=True)) / sum(channels)
    return taken[0]
