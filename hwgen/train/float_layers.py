"""The float module of every kind of layer that a specification knows.

Parameter names are those of the quantised twin: a convolution has `conv.weight`, `conv.bias` (a complex one
`conv.real.weight`, `conv.imag.weight`, `conv.bias`) and, of a PReLU, `activation.weight`; other layers have none. With
batch normalisation there are torch's `norm.*` instead of `conv.bias`, which the twin has after folding
(`hwgen.train.batch_norm`).
"""

from __future__ import annotations

from functools import singledispatch

import torch
from torch import Tensor, nn

from hwgen.spec.branches import Add, AveragePool, Concat, DepthToSpace, Kinds, MaxPool, SpaceToDepth
from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.network import Placed
from hwgen.train.batch_norm import EPSILON
from hwgen.train.complex_layers import ComplexConv2d

# Of the image's layer while training with `clamp`: a small slope outside 0..1 keeps a gradient alive
# for pixels that overshoot, while overshoot itself costs next to nothing, as in evaluation.
CLAMP_LEAK = 0.01


class LeakyClamp(nn.Module):
    """Clamp to 0..1; while training, values outside keep a slope of `CLAMP_LEAK`."""

    def forward(self, x: Tensor) -> Tensor:
        clamped = x.clamp(0.0, 1.0)
        return clamped + CLAMP_LEAK * (x - clamped) if self.training else clamped


def activation(name: str, channels: int, leak: float = 0.0, limit: float | None = None) -> nn.Module:
    """The module of an activation's name, as `Layer.activation` has them.

    Parameters
    ----------
    channels
        Of the stream: a PReLU has a slope for each.
    leak
        The slope of leaky_relu.
    limit
        The largest value of relu6 and clip.

    Raises
    ------
    ValueError
        A name that is none.
    """
    match name:
        case "none":
            return nn.Identity()
        case "relu":
            return nn.ReLU()
        case "prelu":
            return nn.PReLU(channels)
        case "leaky_relu":
            return nn.LeakyReLU(leak)
        case "relu6" | "clip":
            assert limit is not None, "the specification sees to it"
            return nn.Hardtanh(0.0, limit)
        case "sigmoid":
            return nn.Sigmoid()
        case "tanh":
            return nn.Tanh()
        case "silu":
            return nn.SiLU()
        case "clamp":
            return LeakyClamp()
    wanted = "none, relu, prelu, leaky_relu, relu6, clip, sigmoid, tanh, silu or clamp"
    raise ValueError(f"activation: wanted {wanted}, got {name!r}")


class Convolution(nn.Module):
    """A plain, transposed or complex convolution, bias or batch normalisation, activation.

    (N, I, H, W) to (N, O, H', W').

    Shapes are the specification's, channels those that survive pruning.
    """

    def __init__(self, layer: Layer, placed: Placed) -> None:
        super().__init__()
        inputs, outputs = placed.taken[0].channels, placed.given.channels
        if layer.complex:
            self.conv: nn.Module = ComplexConv2d(
                inputs // 2, outputs // 2, layer.kernel_size, layer.stride, layer.pads, layer.dilation
            )
        elif isinstance(layer, DecoderLayer):
            self.conv = nn.ConvTranspose2d(
                inputs, outputs, layer.kernel_size, layer.stride, layer.pads, layer.output_padding,
                bias=not layer.batch_norm,
            )  # fmt: skip
        else:
            self.conv = nn.Conv2d(
                inputs, outputs, layer.kernel_size, layer.stride, layer.pads, layer.dilation, placed.groups,
                bias=not layer.batch_norm,
            )  # fmt: skip
        self.norm = nn.BatchNorm2d(outputs, EPSILON) if layer.batch_norm else nn.Identity()
        self.activation = activation(layer.activation, outputs, layer.leak, layer.limit)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))


class Sum(nn.Module):
    """Two branches (N, C, H, W), value by value, followed by the activation."""

    def __init__(self, layer: Add, channels: int) -> None:
        super().__init__()
        self.activation = activation(layer.activation, channels)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.activation(first + second)


class Concatenation(nn.Module):
    """Branches (N, C_i, H, W) to (N, sum of C_i, H, W), the first one's channels first."""

    def forward(self, *branches: Tensor) -> Tensor:
        return torch.cat(branches, dim=1)


def float_layer(placed: Placed) -> nn.Module:
    """The module of a layer in its network, with torch's own initial weights."""
    return _module(placed.layer, placed)


@singledispatch
def _module(layer: Kinds, placed: Placed) -> nn.Module:
    raise TypeError(f"layer: wanted a kind that has a module, got {type(layer).__name__}")


@_module.register
def _(layer: Layer, placed: Placed) -> nn.Module:
    return Convolution(layer, placed)


@_module.register
def _(layer: Add, placed: Placed) -> nn.Module:
    return Sum(layer, placed.given.channels)


@_module.register
def _(layer: Concat, placed: Placed) -> nn.Module:
    return Concatenation()


@_module.register
def _(layer: SpaceToDepth, placed: Placed) -> nn.Module:
    return nn.PixelUnshuffle(layer.factor)


@_module.register
def _(layer: DepthToSpace, placed: Placed) -> nn.Module:
    return nn.PixelShuffle(layer.factor)


@_module.register
def _(layer: MaxPool, placed: Placed) -> nn.Module:
    return nn.MaxPool2d(layer.kernel, layer.step, layer.padding)


@_module.register
def _(layer: AveragePool, placed: Placed) -> nn.Module:
    return nn.AvgPool2d(layer.kernel, layer.step, layer.padding)
