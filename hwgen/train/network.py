"""The float DeepJSCC of Bourtsoulatze, Kurka and Gunduz (2019), built from plain layer shapes.

Encoder: convolutions with padding kernel // 2; decoder: transposed convolutions padded so that the output is exactly
stride times as large. Complex layers (`hwgen.train.complex_layers`) may stand among them on both sides.
The input is pixel * 2**-8 without mean subtraction, because that is what the hardware sees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hwgen.spec.model import Channel
from hwgen.train.channel import normalise, through
from hwgen.train.complex_layers import ComplexConv2d

if TYPE_CHECKING:
    from hwgen.spec.model import ModelSpec

# Last decoder layer while training with `clamp`: a small slope outside 0..1 keeps a gradient alive
# for pixels that overshoot, while overshoot itself costs next to nothing, as in evaluation.
CLAMP_LEAK = 0.01
MEAN_PIXEL = 0.4  # where a clamped output starts; a sigmoid starts at 0.5 by itself


@dataclass(frozen=True)
class LayerShape:
    """One (transposed) convolution: plain numbers, nothing of the specification's file.

    A complex one has `channels` complex channels, each two of the stream.
    """

    kernel: int
    stride: int
    channels: int
    activation: str
    complex: bool = False

    @property
    def stream(self) -> int:
        """Channels of the stream behind it."""
        return 2 * self.channels if self.complex else self.channels

    def weights(self, in_channels: int) -> int:
        """Real weights, for `in_channels` of the stream: a complex one counts as two."""
        return self.stream * in_channels * self.kernel**2 // (2 if self.complex else 1)


def transposed_padding(kernel: int, stride: int) -> tuple[int, int]:
    """(padding, output padding) of a transposed convolution whose output is exactly ``stride`` times its input."""
    output_padding = (kernel - stride) % 2
    return (kernel - stride + output_padding) // 2, output_padding


class LeakyClamp(nn.Module):
    """Clamp to 0..1; while training, values outside keep a slope of `CLAMP_LEAK`."""

    def forward(self, x: Tensor) -> Tensor:
        clamped = x.clamp(0.0, 1.0)
        return clamped + CLAMP_LEAK * (x - clamped) if self.training else clamped


def activation(name: str, channels: int) -> nn.Module:
    """The module of an activation's name: none, relu, prelu (one slope per channel), clamp, sigmoid."""
    match name:
        case "none":
            return nn.Identity()
        case "relu":
            return nn.ReLU()
        case "prelu":
            return nn.PReLU(channels)
        case "clamp":
            return LeakyClamp()
        case "sigmoid":
            return nn.Sigmoid()
    raise ValueError(f"activation: wanted none, relu, prelu, clamp or sigmoid, got {name!r}")


class Layer(nn.Module):
    """A convolution (or transposed convolution) with bias, followed by its activation."""

    def __init__(self, in_channels: int, shape: LayerShape, transposed: bool) -> None:
        super().__init__()
        if shape.complex:
            self.conv: nn.Module = ComplexConv2d(in_channels // 2, shape.channels, shape.kernel, shape.stride)
        elif transposed:
            pad, more = transposed_padding(shape.kernel, shape.stride)
            self.conv = nn.ConvTranspose2d(
                in_channels, shape.channels, shape.kernel, shape.stride, pad, output_padding=more
            )
        else:
            self.conv = nn.Conv2d(in_channels, shape.channels, shape.kernel, shape.stride, shape.kernel // 2)
        self.activation = activation(shape.activation, shape.stream)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.conv(x))


def stack(in_channels: int, shapes: Sequence[LayerShape], transposed: bool) -> nn.Sequential:
    """Layers one after another; parameter names are INDEX.conv.weight, INDEX.activation.weight ..."""
    layers = []
    for shape in shapes:
        layers.append(Layer(in_channels, shape, transposed))
        in_channels = shape.stream
    return nn.Sequential(*layers)


class DeepJSCC(nn.Module):
    """Encoder, per-image power normalisation, radio channel (AWGN unless ``channel`` says otherwise), decoder.

    Images are (N, 3, H, W) float in 0..255/256; symbols are (N, C, H/s, W/s) float32. State dict
    names: ``encoder.I.conv.weight``, ``encoder.I.conv.bias``, ``encoder.I.activation.weight``
    (PReLU only) and the same under ``decoder``; a complex layer's are ``conv.real.weight``, ``conv.imag.weight`` and
    ``conv.bias`` (one of each real channel of the stream).
    """

    def __init__(
        self,
        encoder: Sequence[LayerShape],
        decoder: Sequence[LayerShape],
        power: float = 1.0,
        channel: Channel | None = None,
    ) -> None:
        super().__init__()
        self.channel = channel or Channel(power=power)
        self.power = self.channel.power
        self.encoder = stack(3, encoder, transposed=False)
        self.decoder = stack(encoder[-1].stream, decoder, transposed=True)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """Fresh weights from torch's global seed, of a variance that keeps activations of one size.

        PyTorch's default shrinks them layer by layer, and these networks have no normalisation layers. A
        transposed convolution of stride s sees only 1/s**2 of its taps for one output.
        """
        for layer in (*self.encoder, *self.decoder):
            conv, fan_in = layer.conv, layer.conv.in_channels * layer.conv.kernel_size[0] ** 2
            if isinstance(conv, nn.ConvTranspose2d):
                fan_in /= conv.stride[0] ** 2
            slope = {nn.PReLU: 0.25, nn.ReLU: 0.0}.get(type(layer.activation), 1.0)
            kernels = conv.kernels if isinstance(conv, ComplexConv2d) else [conv.weight]
            for kernel in kernels:
                nn.init.normal_(kernel, 0.0, math.sqrt(2.0 / (1.0 + slope**2) / fan_in))
            nn.init.zeros_(conv.bias)
            if isinstance(layer.activation, LeakyClamp):
                nn.init.constant_(conv.bias, MEAN_PIXEL)

    def encode(self, images: Tensor) -> Tensor:
        """Latent before normalisation, float32 even under autocast: powers need its precision."""
        return self.encoder(images).float()

    def decode(self, received: Tensor) -> Tensor:
        """Received symbols -> images, float32, in 0..1 in evaluation."""
        return self.decoder(received).float()

    def forward(self, images: Tensor, snr_db: Tensor, generator: torch.Generator) -> Tensor:
        symbols = normalise(self.encode(images), self.power)
        return self.decode(through(self.channel, symbols, snr_db, generator))


def layer_shapes(layers: Sequence[object], channels: Sequence[int] | None = None) -> list[LayerShape]:
    """A specification's layers as `LayerShape`, with ``channels`` in place of the parent's if given."""
    counts = channels if channels is not None else [layer.channels for layer in layers]  # type: ignore[attr-defined]
    return [
        LayerShape(layer.kernel_size[0], layer.stride, int(count), layer.activation, layer.complex)  # type: ignore[attr-defined]
        for layer, count in zip(layers, counts, strict=True)
    ]


def dense(spec: ModelSpec) -> DeepJSCC:
    """The unpruned parent of a specification, freshly initialised from torch's global seed."""
    return DeepJSCC(layer_shapes(spec.encoder), layer_shapes(spec.decoder), channel=spec.channel)


def pruned(spec: ModelSpec) -> DeepJSCC:
    """The network with the surviving channel counts (weights fresh, not the parent's)."""
    return DeepJSCC(
        layer_shapes(spec.encoder, spec.encoder_channels),
        layer_shapes(spec.decoder, spec.decoder_channels),
        channel=spec.channel,
    )


def parameters(shapes: Sequence[LayerShape], in_channels: int = 3) -> int:
    """Weights, biases and PReLU slopes of a stack of layers."""
    total = 0
    for shape in shapes:
        total += shape.weights(in_channels) + shape.stream * (1 + (shape.activation == "prelu"))
        in_channels = shape.stream
    return total


def encoder_macs(shapes: Sequence[LayerShape], width: int, height: int, in_channels: int = 3) -> int:
    """Multiply-accumulates of the encoder for one frame: output value x kernel tap x input channel.

    Taps on padding are counted (the usual convention, and what the hardware's schedule does). A complex one is four.
    """
    total = 0
    for shape in shapes:
        # padding kernel // 2 and odd kernels: the output is ceil(size / stride)
        width, height = -(-width // shape.stride), -(-height // shape.stride)
        total += width * height * shape.stream * in_channels * shape.kernel**2
        in_channels = shape.stream
    return total
