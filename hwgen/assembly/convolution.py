"""A layer's convolution as a node."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwgen.assembly.place import Place
from hwgen.ir.nodes import ComplexConv2d, Conv2d, Convolution, ConvTranspose2d
from hwgen.ir.nodes.convolution import accumulator_bits
from hwgen.ir.types import IntType
from hwgen.numerics.formats import SLOPE, FixedPointFormat
from hwgen.numerics.integer import IntArray
from hwgen.spec.layers import DecoderLayer, Layer


@dataclass(frozen=True)
class Integers:
    """The numbers of a convolution that a specification leaves open.

    Parameters
    ----------
    weight, bias, codebook
        As `hwgen.ir.nodes.convolution.Convolution` has them; of a transposed convolution of stride 1 the kernel of the
        plain one that does the same.
    weight_exponent
        (out_channels,)
    slope, slope_format
        Of prelu and leaky_relu.
    imag_left
        Where the output's imaginary parts have a grid of their own.
    """

    weight: IntArray
    bias: IntArray
    weight_exponent: IntArray
    slope: IntArray | None = None
    slope_format: FixedPointFormat = SLOPE
    imag_left: int = 0
    codebook: IntArray | None = None


def convolution_node(place: Place, integers: Integers) -> Convolution:
    """The node of a layer in its place.

    Raises
    ------
    HwgenError
        At NAME.FIELD: integers that do not fit.
    """
    layer, (kind, exponent), (output, output_exponent) = place.convolution, place.input, place.requantised
    more: dict[str, Any] = {"groups": place.placed.groups, "dilation": layer.dilation}
    make: type[Convolution] = Conv2d
    if layer.complex:
        make = ComplexConv2d
    elif isinstance(layer, DecoderLayer) and layer.stride > 1:
        make, more = ConvTranspose2d, {"output_padding": layer.output_padding}
    shift = output_exponent - exponent - integers.weight_exponent
    shift[1::2] += integers.imag_left
    (rows, columns), (above, beside) = layer.kernel_size, layer.pads
    slopes = integers.slope is not None
    return make(
        name=place.name,
        in_channels=place.edges[0].channels,
        out_channels=place.placed.given.channels,
        kernel=max(rows, columns),
        kernel_height=rows,
        kernel_width=columns,
        stride=layer.stride,
        padding=max(above, beside),
        padding_height=above,
        padding_width=beside,
        weight=integers.weight,
        weight_bits=layer.weight_bits,
        bias=integers.bias,
        activation=place.activation,
        slope=integers.slope,
        slope_bits=integers.slope_format.bits if slopes else 0,
        slope_fraction=integers.slope_format.fraction if slopes else 0,
        shift=shift,
        input=kind,
        output=output,
        input_exponent=exponent,
        weight_exponent=integers.weight_exponent,
        output_exponent=output_exponent,
        accumulator_bits=accumulator_bits(integers.weight, integers.bias, kind),
        imag_bits=layer.imag_activation_bits % layer.activation_bits,
        imag_left=integers.imag_left,
        ceiling=ceiling(layer, output, output_exponent) if place.activation == "clip" else 0,
        codebook=integers.codebook,
        **more,
    )


def ceiling(layer: Layer, output: IntType, exponent: int) -> int:
    """The output's integer of a limit, or the nearest one that the output has."""
    assert layer.limit is not None, "the specification sees to it"
    return min(max(1, math.floor(layer.limit * 2.0**-exponent)), output.bounds[1])


def leaky_slope(layer: Layer) -> int:
    """The slope of leaky_relu as an integer of the encoder's format, whatever the side."""
    return round(layer.leak * 2**SLOPE.fraction)


def leaky_slopes(layer: Layer, channels: int) -> IntArray:
    """(channels,) the same."""
    return np.full(channels, leaky_slope(layer), dtype=np.int64)
