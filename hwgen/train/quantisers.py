"""Brevitas layers with fixed-point quantisers whose scales are exponents that we set.

The quantisers are Brevitas's own (`brevitas.quant.fixed_point`), with another bit width and with
ScalingImplType.PARAMETER, so that a scale is a value in the state dict: it holds log2 of the threshold,
exponent + bits - 1 for signed and exponent + bits for unsigned integers. Scales are frozen: they are chosen
once, by the specification's calibration (`hwgen.train.calibration`), and training moves the weights only. A scale
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

from hwgen.numerics.formats import SLOPE
from hwgen.spec.layers import Weights
from hwgen.train.calibration import MSE, Calibration
from hwgen.train.calibration.choice import WEIGHT_EXPONENTS
from hwgen.train.codebook import CodebookRounding
from hwgen.train.network import transposed_padding

SCALE_NAME = "scaling_impl.value"
"""End of the names of Brevitas's scale parameters."""

CODEBOOK_NAME = "float_to_int_impl.values"
"""End of the names of codebooks."""

SAMPLE_VALUES = 200_000
"""Activations per layer that an exponent is fitted to."""


def quant_conv(
    in_channels: int,
    out_channels: int,
    kernel: int | tuple[int, int],
    stride: int,
    weight_bits: int,
    bias: bool = True,
    padding: int | tuple[int, int] | None = None,
    dilation: int = 1,
    groups: int = 1,
    codebook: Weights | None = None,
) -> QuantConv2d:
    """Convolution with bias, and one power-of-two scale per output channel; padding kernel // 2 if none is given.

    codebook : of the integers that weights may be; None: all of `weight_bits`.
    """
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    return QuantConv2d(
        in_channels,
        out_channels,
        (height, width),
        stride=stride,
        padding=(height // 2, width // 2) if padding is None else padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
        weight_quant=_weight_quantiser(weight_bits, codebook),
        bias_quant=Int32Bias if bias else None,
    )


def quant_conv_transpose(
    in_channels: int, out_channels: int, kernel: int, stride: int, weight_bits: int, codebook: Weights | None = None
) -> QuantConvTranspose2d:
    """Transposed convolution whose output is exactly stride times as large, else as `quant_conv`."""
    padding, output_padding = transposed_padding(kernel, stride)
    return QuantConvTranspose2d(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        bias=True,
        weight_quant=_weight_quantiser(weight_bits, codebook),
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


class QuantParts(nn.Module):
    """Requantisation of complex activations: even channels (real parts) to `bits`, odd ones (imaginary parts) to fewer.

    Both are signed. Imaginary parts have their own, coarser grid: their integers shifted left by `imag_left` are
    integers of the real parts' grid and width, so one scale holds for the quantised tensor that is returned.
    """

    def __init__(self, bits: int, imag_bits: int) -> None:
        super().__init__()
        self.bits, self.imag_bits = bits, imag_bits
        self.whole, self.imag = quant_activation(bits, signed=True), quant_activation(imag_bits, signed=True)

    @property
    def imag_left(self) -> int:
        return int(exponents(self.imag, self.imag_bits - 1)) - int(exponents(self.whole, self.bits - 1))

    def forward(self, x: Tensor) -> Any:
        x = plain(x)
        together = torch.stack([x[:, 0::2], plain(self.imag(x[:, 1::2]))], dim=2)
        return self.whole(together.flatten(1, 2))  # what is on the coarse grid is on the fine one: it stays

    def fit(self, x: Tensor, by: Calibration = MSE) -> None:
        """Choose both scales for values (N, C, H, W)."""
        exponent = self.best(x, by)
        set_exponents(self.whole, exponent, self.bits - 1)
        self.fit_imag(x, exponent, by)

    def best(self, x: Tensor, by: Calibration = MSE) -> int:
        """The finer grid's exponent of the best pair of scales for values (N, C, H, W)."""
        real, imag = sample(x[:, 0::2]), sample(x[:, 1::2])
        most = self.bits - self.imag_bits
        return by.pair((real, *signed(self.bits)), (imag, *signed(self.imag_bits)), most)[0]

    def fit_imag(self, x: Tensor, exponent: int, by: Calibration = MSE) -> None:
        """Choose the imaginary parts' scale, 0 .. bits - imag_bits above `exponent`, for values (N, C, H, W)."""
        chosen = by.above((sample(x[:, 1::2]), *signed(self.imag_bits)), exponent, self.bits - self.imag_bits)
        set_exponents(self.imag, chosen, self.imag_bits - 1)


def quant_signed(bits: int, imag_bits: int) -> nn.Module:
    """Signed requantisation; with 0 < imag_bits < bits, of real and imaginary parts separately."""
    return QuantParts(bits, imag_bits) if 0 < imag_bits < bits else quant_activation(bits, signed=True)


def coarse(quantiser: nn.Module) -> tuple[int, int] | None:
    """(imag_bits, imag_left) of a quantiser that has a grid for imaginary parts."""
    return (quantiser.imag_bits, quantiser.imag_left) if isinstance(quantiser, QuantParts) else None


def plain(x: Any) -> Tensor:
    """The float tensor of a Brevitas quantised tensor."""
    return x.value if hasattr(x, "value") else x


def sample(values: Tensor) -> Tensor:
    """Less than twice SAMPLE_VALUES of them, evenly spread."""
    flat = values.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // SAMPLE_VALUES)]


def signed(bits: int) -> tuple[int, int]:
    """Range of signed integers."""
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def rounded(x: Tensor, bounds: tuple[int, int], exponent: int) -> Tensor:
    """To integers within bounds times 2**exponent: half to even, saturated. No gradient passes."""
    return (x * 2.0**-exponent).round().clamp(*bounds) * 2.0**exponent


def codebook_of(conv: nn.Module) -> CodebookRounding | None:
    """The rounding of a convolution's weights to its codebook; None where it has none."""
    found = conv.weight_quant.tensor_quant.int_quant.float_to_int_impl  # type: ignore
    return found if isinstance(found, CodebookRounding) else None


def _weight_quantiser(bits: int, codebook: Weights | None = None) -> Any:
    more = {} if codebook is None else {
        "float_to_int_impl": CodebookRounding, "codebook_size": codebook.codebook, "weight_bits": bits,
        "codebook_fixed": codebook.binary,
    }  # fmt: skip
    return Int8WeightPerChannelFixedPoint.let(
        bit_width=bits, scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=1.0, **more
    )


def threshold(layer: nn.Module) -> nn.Parameter:
    """The parameter that holds log2 of a layer's threshold(s); of parts, that of the finer grid."""
    if isinstance(layer, QuantParts):
        return threshold(layer.whole)
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
    parameter = threshold(layer)
    value = torch.as_tensor(exponents, dtype=parameter.dtype) + magnitude_bits
    parameter.data.copy_(value.reshape(parameter.shape))
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
    return (threshold(layer).detach().reshape(-1).double() - magnitude_bits).round().long()


def fit_weight_exponents(layer: nn.Module, weight_bits: int, by: Calibration = MSE, per_tensor: bool = False) -> None:
    """Choose the scales for a convolution's present weights: every output channel's, or one for all of them."""
    weight = layer.weight.detach().transpose(0, 1) if isinstance(layer, QuantConvTranspose2d) else layer.weight.detach()  # type: ignore
    largest = 2 ** (weight_bits - 1) - 1
    found = [by.exponent([(values, -largest, largest)], WEIGHT_EXPONENTS)
             for values in ([weight] if per_tensor else weight)]  # fmt: skip
    set_exponents(layer, torch.tensor(found).expand(len(weight)), weight_bits - 1)


class QuantPReLU(nn.Module):
    """PReLU with one signed fixed-point slope per channel, straight-through gradient.

    slope = clamp(round(weight * 2**fraction), -2**(bits - 1), 2**(bits - 1) - 1) * 2**-fraction, ties to even. The
    input is an accumulator and the output is not rounded: that is the activation quantiser's, once.
    """

    def __init__(self, channels: int, bits: int = SLOPE.bits, fraction: int = SLOPE.fraction) -> None:
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
