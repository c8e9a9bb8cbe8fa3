"""Complex convolutions, of real and imaginary integers with a quantiser each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hwgen.assembly.convolution import Integers
from hwgen.ir.nodes.complex_conv2d import complex_weight
from hwgen.ir.nodes.convolution import BIAS_BITS
from hwgen.numerics.integer import IntArray
from hwgen.spec.layers import Layer
from hwgen.spec.network import Placed
from hwgen.train.calibration import Calibrations
from hwgen.train.calibration.choice import WEIGHT_EXPONENTS
from hwgen.train.complex_layers import interleaved
from hwgen.train.quantised_layers.convolution import QuantLayer, beyond
from hwgen.train.quantised_layers.layer import PLAIN
from hwgen.train.quantisers import exponents, plain, quant_conv, set_exponents

BIAS_LIMIT = 2.0**31


@dataclass(frozen=True)
class ComplexIntegers:
    """A complex convolution's integers: weights on one grid per complex output channel, the bias on its accumulator's.

    Attributes
    ----------
    weight_real, weight_imag
        (O, I, K, K) int64, value integer * 2**weight_exponent[o]. Imaginary ones are of fewer bits, shifted left.
    weight_exponent
        (O,)
    bias
        (2 O,) int64, of each channel of the stream, in units of 2**(input exponent + weight_exponent[o]).
    """

    weight_real: IntArray
    weight_imag: IntArray
    weight_exponent: IntArray
    bias: IntArray


class QuantComplexConv2d(nn.Module):
    """As `hwgen.train.complex_layers.ComplexConv2d`, real and imaginary weights with a Brevitas quantiser each.

    Per complex output channel the real weights' scale is 2**e, the imaginary ones' 2**(e + left) with left from 0 to
    the difference of their bits: shifted left, the imaginary integers are integers of the real ones' grid and width.
    Input is a quantised tensor with one scale; the bias is rounded to 32-bit integers of the accumulator's scale.

    Parameters
    ----------
    layer
        Window, stride, padding, dilation and bits; a plain convolution also in the decoder.
    in_channels, out_channels
        Of the stream, two for each complex channel.
    """

    def __init__(self, layer: Layer, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding = layer.kernel_size, (layer.stride, layer.stride), layer.pads
        self.dilation = layer.dilation
        self.weight_bits, self.imag_weight_bits = layer.weight_bits, layer.imag_weight_bits
        inputs, outputs = in_channels // 2, out_channels // 2
        self.real = quant_conv(inputs, outputs, layer.kernel_size, layer.stride, self.weight_bits, bias=False)
        self.imag = quant_conv(inputs, outputs, layer.kernel_size, layer.stride, self.imag_weight_bits, bias=False)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def weight_exponents(self) -> Tensor:
        """(O,) int64: exponents of the real weights, and so of the grid of all."""
        return exponents(self.real, self.weight_bits - 1)

    def forward(self, x: Any) -> Tensor:
        kernel = interleaved(plain(self.real.quant_weight()), plain(self.imag.quant_weight()))
        grid = (2.0 ** self.weight_exponents().to(self.bias)).repeat_interleave(2) * x.scale.detach().reshape(())
        rounded = (self.bias / grid).round().clamp(-BIAS_LIMIT, BIAS_LIMIT - 1.0) * grid
        bias = self.bias + (rounded - self.bias).detach()
        return nn.functional.conv2d(x.value, kernel, bias, self.stride, self.padding, self.dilation)

    def integers(self, input_exponent: int) -> ComplexIntegers:
        """Its integers, for an input whose scale is 2**input_exponent; computed in float64, so exactly."""
        grid = self.weight_exponents()
        left = exponents(self.imag, self.imag_weight_bits - 1) - grid
        found = []
        for part, bits, shift in ((self.real, self.weight_bits, 0 * left), (self.imag, self.imag_weight_bits, left)):
            limit = 2.0 ** (bits - 1) - 1.0  # narrow range, as Brevitas's weight quantiser
            scale = (2.0 ** (grid + shift).double()).view(-1, 1, 1, 1)
            integers = (part.weight.detach().double() / scale).round().clamp(-limit, limit).long()
            found.append((integers << shift.view(-1, 1, 1, 1)).numpy().astype(np.int64))
        scale = 2.0 ** (grid.double().repeat_interleave(2) + input_exponent)
        bias = (self.bias.detach().double() / scale).round().clamp(-BIAS_LIMIT, BIAS_LIMIT - 1.0).long()
        return ComplexIntegers(found[0], found[1], grid.numpy().astype(np.int64), bias.numpy().astype(np.int64))

    def fit_weights(self, by: Calibrations = PLAIN) -> None:
        """Choose every complex output channel's scales for the present weights, or a pair of them for all."""
        high, imag_high = 2 ** (self.weight_bits - 1) - 1, 2 ** (self.imag_weight_bits - 1) - 1
        most = self.weight_bits - self.imag_weight_bits
        real, imag = self.real.weight.detach(), self.imag.weight.detach()
        pairs = [
            by.weights.pair((one, -high, high), (other, -imag_high, imag_high), most, WEIGHT_EXPONENTS)
            for one, other in ([(real, imag)] if by.per_tensor else zip(real, imag, strict=True))
        ]
        found = torch.tensor(pairs).expand(len(real), 2)
        set_exponents(self.real, found[:, 0], self.weight_bits - 1)
        set_exponents(self.imag, found[:, 1], self.imag_weight_bits - 1)


class QuantComplexLayer(QuantLayer):
    """Complex convolution, activation on each part's accumulator, requantisation of each part to its own bits.

    `exponent` is of the output's finer grid, `coarse` says where odd channels lie.
    """

    def _convolution(self, placed: Placed) -> nn.Module:
        return QuantComplexConv2d(self.layer, placed.taken[0].channels, placed.given.channels)

    def integers(self, input_exponent: int) -> ComplexIntegers:
        """Integers of the convolution, see `QuantComplexConv2d.integers`."""
        return self.conv.integers(input_exponent)

    def node_integers(self, input_exponent: int) -> Integers:
        """The same as of the real convolution that it is."""
        found, (slope, kind) = self.integers(input_exponent), self._slopes()
        weight, per_channel = complex_weight(found.weight_real, found.weight_imag), np.repeat(found.weight_exponent, 2)
        imag_left = self.coarse[1] if self.coarse else 0
        return Integers(weight, found.bias, per_channel, slope, kind, imag_left)

    def clipped(self, input_exponent: int) -> dict[str, tuple[int, int]]:
        """As of a real layer; real and imaginary weights on their own grids, counted together."""
        parts = (self.conv.real, self.conv.weight_bits), (self.conv.imag, self.conv.imag_weight_bits)
        counts = [
            beyond(part.weight.detach().double() / (2.0 ** exponents(part, bits - 1).double()).view(-1, 1, 1, 1),
                   bits, narrow=True)
            for part, bits in parts
        ]  # fmt: skip
        scale = 2.0 ** (self.conv.weight_exponents().double().repeat_interleave(2) + input_exponent)
        return {
            "weights": (sum(count for count, _ in counts), sum(total for _, total in counts)),
            "biases": beyond(self.conv.bias.detach().double() / scale, BIAS_BITS, narrow=False),
        } | self._clipped_slopes()

    def fit_weights(self, by: Calibrations = PLAIN) -> None:
        """Choose the scales for the present weights."""
        self.conv.fit_weights(by)
