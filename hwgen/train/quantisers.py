"""Brevitas layers with fixed-point quantisers whose scales are exponents that we set.

The quantisers are Brevitas's own (`brevitas.quant.fixed_point`), with another bit width and with
ScalingImplType.PARAMETER, so that a scale is a value in the state dict: it holds log2 of the threshold,
exponent + bits - 1 for signed and exponent + bits for unsigned integers. Scales are frozen: they are chosen
once, by least squared error over the candidates (`best_exponent`), and training moves the weights only. A scale
that jumps by a factor of two in the middle of training undoes hundreds of steps, and with 8 bits there is
nothing to gain from one that does not.

Brevitas has no quantised PReLU: `QuantPReLU` is ours.
"""

from __future__ import annotations

from typing import Any

import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.nn import QuantConv2d, QuantConvTranspose2d, QuantIdentity, QuantReLU
from brevitas.quant.fixed_point import (
    Int8ActPerTensorFixedPoint,
    Int8WeightPerChannelFixedPoint,
    Uint8ActPerTensorFixedPoint,
)
from brevitas.quant.scaled_int import Int32Bias
from torch import Tensor, nn

SLOPE_BITS, SLOPE_FRACTION = 8, 6
"""PReLU slopes: signed 8-bit integers * 2**-6, so -2 .. 1.984."""

DECODER_SLOPE_BITS, DECODER_SLOPE_FRACTION = 12, 10
"""In the decoder, where slopes near 0.01 stand before large negative sums: steps of 2**-6 are too coarse there."""

SCALE_NAME = "scaling_impl.value"
"""How the names of Brevitas's scale parameters end."""

CANDIDATES = 5
"""Exponents tried below the smallest one that clips nothing."""

WEIGHT_EXPONENTS = (-24, 16)
ACTIVATION_EXPONENTS = (-24, 24)


def quant_conv(in_channels: int, out_channels: int, kernel: int, stride: int, weight_bits: int) -> QuantConv2d:
    """Convolution with padding kernel // 2, bias, and one power-of-two scale per output channel."""
    return QuantConv2d(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=kernel // 2,
        bias=True,
        weight_quant=_weight_quantiser(weight_bits),
        bias_quant=Int32Bias,
    )


def quant_conv_transpose(
    in_channels: int, out_channels: int, kernel: int, stride: int, weight_bits: int
) -> QuantConvTranspose2d:
    """Transposed convolution with padding kernel // 2 and output_padding stride - 1, else as `quant_conv`."""
    return QuantConvTranspose2d(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=kernel // 2,
        output_padding=stride - 1,
        bias=True,
        weight_quant=_weight_quantiser(weight_bits),
        bias_quant=Int32Bias,
    )


def quant_activation(bits: int, signed: bool) -> nn.Module:
    """Requantisation of activations: signed, or ReLU with an unsigned output. Returns quantised tensors."""
    settings = {"bit_width": bits, "scaling_impl_type": ScalingImplType.PARAMETER, "scaling_init": 1.0}
    if signed:
        layer = QuantIdentity(act_quant=Int8ActPerTensorFixedPoint.let(**settings), return_quant_tensor=True)
    else:
        layer = QuantReLU(act_quant=Uint8ActPerTensorFixedPoint.let(**settings), return_quant_tensor=True)
    freeze_scales(layer)
    return layer


def _weight_quantiser(bits: int) -> Any:
    return Int8WeightPerChannelFixedPoint.let(
        bit_width=bits, scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=1.0
    )


def _threshold(layer: nn.Module) -> nn.Parameter:
    """The parameter that holds log2 of a layer's threshold(s)."""
    if isinstance(layer, (QuantConv2d, QuantConvTranspose2d)):
        return layer.weight_quant.tensor_quant.scaling_impl.value
    return layer.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value  # type: ignore


def set_exponents(layer: nn.Module, exponents: Tensor | int, magnitude_bits: int) -> None:
    """Set scales to 2**exponents.

    Parameters
    ----------
    exponents
        One integer per output channel of a convolution, one for an activation.
    magnitude_bits
        bits - 1 for signed integers, bits for unsigned ones.
    """
    threshold = _threshold(layer)
    value = torch.as_tensor(exponents, dtype=threshold.dtype) + magnitude_bits
    threshold.data.copy_(value.reshape(threshold.shape))
    freeze_scales(layer)


def freeze_scales(network: nn.Module) -> None:
    """Exclude all scales from training.

    Needed after every load_state_dict too: Brevitas then replaces its activation scales by new parameters.
    """
    for name, parameter in network.named_parameters():
        if name.endswith(SCALE_NAME):
            parameter.requires_grad_(False)


def exponents(layer: nn.Module, magnitude_bits: int) -> Tensor:
    """Inverse of `set_exponents`: (channels,) or (1,) int64."""
    return (_threshold(layer).detach().reshape(-1).double() - magnitude_bits).round().long()


def best_exponent(values: Tensor, low: int, high: int, limits: tuple[int, int] = ACTIVATION_EXPONENTS) -> int:
    """Exponent e of the scale 2**e with the least squared error of values quantised to integers low..high.

    Tried are the smallest e that clips nothing and the CANDIDATES - 1 below it. All-zero values give 0.
    """
    flat = values.detach().reshape(-1).double()
    largest = max(float(flat.max()) / high if high else 0.0, float(flat.min()) / low if low else 0.0)
    if largest <= 0.0:
        return 0
    top = torch.tensor(largest, dtype=torch.float64).log2().ceil().int().item()
    errors = []
    for e in range(int(top), int(top) - CANDIDATES, -1):
        scale = 2.0**e
        errors.append((float((flat - (flat / scale).round().clamp(low, high) * scale).square().sum()), e))
    return int(min(max(min(errors)[1], limits[0]), limits[1]))


def fit_weight_exponents(layer: nn.Module, weight_bits: int) -> None:
    """Choose every output channel's scale for a convolution's present weights."""
    weight = layer.weight.detach().transpose(0, 1) if isinstance(layer, QuantConvTranspose2d) else layer.weight.detach()  # type: ignore
    largest = 2 ** (weight_bits - 1) - 1
    found = [best_exponent(channel, -largest, largest, WEIGHT_EXPONENTS) for channel in weight]
    set_exponents(layer, torch.tensor(found), weight_bits - 1)


class QuantPReLU(nn.Module):
    """PReLU with one signed fixed-point slope per channel, straight-through gradient.

    slope = clamp(round(weight * 2**fraction), -2**(bits - 1), 2**(bits - 1) - 1) * 2**-fraction, ties to even. The
    input is an accumulator and the output is not rounded: that is the activation quantiser's, once.
    """

    def __init__(self, channels: int, bits: int = SLOPE_BITS, fraction: int = SLOPE_FRACTION) -> None:
        super().__init__()
        self.bits, self.fraction = bits, fraction
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def integers(self) -> Tensor:
        """(channels,) signed integers, in the parameter's floating-point type."""
        limit = 2.0 ** (self.bits - 1)
        return (self.weight.detach() * 2.0**self.fraction).round().clamp(-limit, limit - 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        slope = self.weight + (self.integers() * 2.0**-self.fraction - self.weight).detach()
        return nn.functional.prelu(x, slope)
