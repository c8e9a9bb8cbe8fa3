"""Convolutions of all kinds: Brevitas's layer, the activation on its accumulators, one rounding."""

from __future__ import annotations

import torch
from torch import nn

from hwgen.errors import HwgenError
from hwgen.ir.nodes import Convolution, ConvTranspose2d
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import integers, quantised, quantiser_of_parts
from hwgen.train.quantisers import QuantPReLU, quant_conv, quant_conv_transpose, set_exponents

EXACT_BITS = 53
"""Significant bits of a float64."""


@golden_node.register
def _(node: Convolution, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (x,) = inputs
    with torch.no_grad():
        return integers(brevitas_layer(node)(quantised(x, node.input, node.input_exponent)), node.output_exponent)


def brevitas_layer(node: Convolution) -> nn.Sequential:
    """A convolution node as float64 Brevitas layers: convolution, activation, requantisation.

    Raises
    ------
    HwgenError
        At NODE.accumulator_bits: products that float64 may not hold exactly.
    """
    needed = node.accumulator_bits + node.slope_bits
    if needed > EXACT_BITS:
        raise HwgenError(f"{node.name}.accumulator_bits", f"at most {EXACT_BITS} with the slope's", str(needed))
    channels = node.in_channels, node.out_channels
    scale = 2.0**node.weight_exponent
    weight = torch.from_numpy(node.weight * scale[:, None, None, None])
    if isinstance(node, ConvTranspose2d):
        conv: nn.Module = quant_conv_transpose(*channels, node.kernel, node.stride, node.weight_bits)
        setattr(conv, "padding", (node.padding,) * 2)  # noqa: B010  a module's attributes have no type
        setattr(conv, "output_padding", (node.output_padding,) * 2)  # noqa: B010
        weight = weight.transpose(0, 1).contiguous()
    else:
        conv = quant_conv(
            *channels, (node.kernel_height, node.kernel_width), node.stride, node.weight_bits,
            padding=(node.padding_height, node.padding_width), dilation=node.dilation, groups=node.groups,
        )  # fmt: skip
    layer = nn.Sequential(
        conv, _activation(node), quantiser_of_parts(node.output, node.output_exponent, node.coarse)
    ).double().eval()  # fmt: skip
    conv.weight.data = weight
    conv.bias.data = torch.from_numpy(node.bias * scale * 2.0**node.input_exponent)
    set_exponents(conv, torch.from_numpy(node.weight_exponent.copy()), node.weight_bits - 1)
    return layer


def _activation(node: Convolution) -> nn.Module:
    """The activation between accumulator and requantisation; a rectifier is the unsigned quantiser's own clamp at 0."""
    if node.activation == "clip":  # the ceiling is on the output's grid: rounding before it or after it is the same
        return nn.Hardtanh(0.0, node.ceiling * 2.0**node.output_exponent)
    if node.slope is None:
        return nn.Identity()
    activation = QuantPReLU(node.out_channels, node.slope_bits, node.slope_fraction)
    activation.weight.data = torch.from_numpy(node.slope * 2.0**-node.slope_fraction)
    return activation
