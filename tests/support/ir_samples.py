"""Small integer graphs for tests, made without hwgen.random_init."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Conv2d, Gain
from hwgen.ir.nodes.convolution import accumulator_bits
from hwgen.ir.types import IntType

PIXEL = IntType(8, False)


def conv_values(
    rng: np.random.Generator,
    name: str = "conv0",
    channels: tuple[int, int] = (3, 4),
    kernel: int = 3,
    stride: int = 1,
    activation: str = "prelu",
    input: IntType = PIXEL,
    input_exponent: int = -8,
    weight_bits: int = 8,
    bits: int = 8,
    shifts: tuple[int, int] = (-1, 10),
) -> dict[str, Any]:
    """Keyword arguments of a valid `Conv2d` with random integers and shifts in that range."""
    largest = 2 ** (weight_bits - 1) - 1
    weight = rng.integers(-largest, largest + 1, (channels[1], channels[0], kernel, kernel))
    bias = rng.integers(-3000, 3001, channels[1])
    shift = rng.integers(shifts[0], shifts[1] + 1, channels[1])
    prelu = activation == "prelu"
    return dict(
        name=name, in_channels=channels[0], out_channels=channels[1], kernel=kernel, stride=stride,
        padding=kernel // 2, weight=weight, weight_bits=weight_bits, bias=bias, activation=activation,
        slope=rng.integers(-128, 128, channels[1]) if prelu else None, slope_bits=8 if prelu else 0,
        slope_fraction=6 if prelu else 0, shift=shift, input=input, output=IntType(bits, activation != "relu"),
        input_exponent=input_exponent, weight_exponent=-4 - input_exponent - shift, output_exponent=-4,
        accumulator_bits=accumulator_bits(weight, bias, input),
    )  # fmt: skip


def sample_graph(seed: int = 0) -> Graph:
    """Three convolutions (prelu, relu, none; strides 2, 1, 2; kernels 3, 5, 1; mixed widths) and a gain."""
    rng = np.random.default_rng(seed)
    first = Conv2d(**conv_values(rng, "conv0", (3, 5), 3, 2, "prelu", shifts=(6, 10)))
    second = Conv2d(**conv_values(rng, "conv1", (5, 7), 5, 1, "relu", first.output, -4, 4, 6, shifts=(5, 8)))
    third = Conv2d(**conv_values(rng, "conv2", (7, 3), 1, 2, "none", second.output, -4, 2, 5, shifts=(-2, 3)))
    gain = Gain("gain", 3, factor=41235, factor_bits=16, shift=5, input=third.output)
    return Graph("sample", (24, 16), (first, second, third, gain), terms={"license": "CC0", "source": "a test"})


def photos(width: int, height: int) -> list[np.ndarray]:
    """Three real photographs of scikit-image's wheel, scaled to (height, width, 3) uint8."""
    from PIL import Image
    from skimage import data

    return [
        np.asarray(Image.fromarray(photo).resize((width, height)))
        for photo in (data.astronaut(), data.coffee(), data.chelsea())
    ]
