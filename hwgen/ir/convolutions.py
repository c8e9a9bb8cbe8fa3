"""The convolutions of the integer graph: plain, complex and transposed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwgen.errors import HwgenError
from hwgen.ir.types import BITS, MAX_CHANNELS, SHIFTS, IntType, check, check_array, check_int, check_type
from hwgen.numerics.integer import IntArray, bounds

Activation = Literal["none", "relu", "prelu"]
ACTIVATIONS: tuple[str, ...] = ("none", "relu", "prelu")
KERNELS = (1, 3, 5, 7)
LARGEST_KERNEL = 7
STRIDES = (1, 2)
BIAS_BITS = 32
SLOPE_BITS = (2, 16)
TABLE_BITS = 12
"""Widest output: one without activation, which a table then maps to pixels."""
MAX_ACCUMULATOR_BITS = 48
"""The DSP48's accumulator; it also keeps float64 (53 bits) and int64 evaluation exact."""


def accumulator_bound(weight: IntArray, bias: IntArray, input: IntType) -> int:
    """max over output channels o of max|a| * sum|weight[o]| + |bias[o]|: no partial sum is ever larger.

    Parameters
    ----------
    weight
        (O, I, K, K) integers.
    bias
        (O,) integers.
    input
        Type of the activations a.
    """
    total = np.abs(weight.astype(np.int64)).reshape(weight.shape[0], -1).sum(axis=1)
    return int((input.magnitude * total + np.abs(bias.astype(np.int64))).max())


def accumulator_bits(weight: IntArray, bias: IntArray, input: IntType) -> int:
    """Smallest signed width that holds +-`accumulator_bound`, whatever the order of accumulation."""
    return accumulator_bound(weight, bias, input).bit_length() + 1


@dataclass(frozen=True, eq=False)
class Convolution(ABC):
    """What all convolutions have in common: bias, activation and requantisation of one stream's accumulators.

        none, relu:  out = requantise(acc, shift[o], output)               (relu: `output` is unsigned, so saturation
                                                                            at 0 is the rectifier)
        prelu:       out = requantise(prelu(acc, slope[o], slope_fraction), shift[o] + slope_fraction, output)

    Complex outputs, with `imag_bits`, have their imaginary parts, the odd output channels, on a coarser grid:

        out = requantise(..., shift[o], imag_bits bits) << imag_left

    Values outside the frame are 0.

    Parameters
    ----------
    kernel, stride, padding
        Of both directions; stride 1 or 2.
    weight
        (out_channels, in_channels, kernel, kernel) integers of `weight_bits`, narrow range:
        -(2**(weight_bits-1) - 1) .. 2**(weight_bits-1) - 1.
    bias
        (out_channels,) integers of 32 signed bits, in units of the accumulator.
    slope, slope_bits, slope_fraction
        prelu only: (out_channels,) signed integers of `slope_bits`, value slope * 2**-slope_fraction.
        None, 0, 0 otherwise.
    shift
        (out_channels,) integers = output_exponent - (input_exponent + weight_exponent), of odd channels of complex
        outputs + imag_left; may be zero or negative.
    output
        2 to 8 bits; up to 12 without activation.
    accumulator_bits
        Signed width of acc: at least `accumulator_bits(weight, bias, input)`.
    imag_bits, imag_left
        0, 0, or the grid of the odd output channels: imag_bits + imag_left is at most the output's width.

    Raises
    ------
    HwgenError
        Any of the above does not hold.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    padding: int
    weight: IntArray
    weight_bits: int
    bias: IntArray
    activation: Activation
    slope: IntArray | None
    slope_bits: int
    slope_fraction: int
    shift: IntArray
    input: IntType
    output: IntType
    input_exponent: int
    weight_exponent: IntArray
    output_exponent: int
    accumulator_bits: int

    imag_bits: int = 0
    imag_left: int = 0

    def __post_init__(self) -> None:
        at = self.name
        for key in ("in_channels", "out_channels"):
            check_int(getattr(self, key), f"{at}.{key}", 1, MAX_CHANNELS)
        for key in ("kernel", "stride", "padding"):
            check_int(getattr(self, key), f"{at}.{key}", 0, LARGEST_KERNEL)  # 3.0 is in KERNELS, but no size
        check(self.stride in STRIDES, f"{at}.stride", "1 or 2", repr(self.stride))
        self._check_window()
        check_int(self.weight_bits, f"{at}.weight_bits", *BITS)
        check_type(self.input, f"{at}.input", *BITS)
        check(self.activation in ACTIVATIONS, f"{at}.activation", "none, relu or prelu", repr(self.activation))
        check_type(self.output, f"{at}.output", BITS[0], TABLE_BITS if self.activation == "none" else BITS[1])
        signed = self.activation != "relu"
        wanted_sign = f"{signed} for {self.activation}"
        check(self.output.signed == signed, f"{at}.output.signed", wanted_sign, self.output.signed)
        check_grid(at, self.imag_bits, self.imag_left, self.output)
        if self.imag_bits:
            check(self.out_channels % 2 == 0, f"{at}.out_channels", "real and imaginary parts: an even number",
                  self.out_channels)  # fmt: skip
        for key in ("input_exponent", "output_exponent"):
            check_int(getattr(self, key), f"{at}.{key}", -64, 64)

        channels = (self.out_channels,)
        largest = bounds(self.weight_bits, True)[1]
        shape = (self.out_channels, self.in_channels, self.kernel, self.kernel)
        self._set_array("weight", shape, -largest, largest)
        self._set_array("bias", channels, *bounds(BIAS_BITS, True))
        self._set_array("shift", channels, *SHIFTS)
        self._set_array("weight_exponent", channels, -64, 64)
        if self.activation == "prelu":
            check_int(self.slope_bits, f"{at}.slope_bits", *SLOPE_BITS)
            check_int(self.slope_fraction, f"{at}.slope_fraction", 0, self.slope_bits)
            check(self.slope is not None, f"{at}.slope", "one slope per channel", "none")
            self._set_array("slope", channels, *bounds(self.slope_bits, True))
        else:
            check(self.slope is None, f"{at}.slope", f"none for activation {self.activation}", "slopes")
            unused = self.slope_bits, self.slope_fraction
            check(unused == (0, 0), f"{at}.slope_bits, {at}.slope_fraction", "0, 0 without slopes", unused)

        wanted = self.output_exponent - (self.input_exponent + self.weight_exponent)
        wanted[1::2] += self.imag_left
        wrong = np.flatnonzero(self.shift != wanted)
        if wrong.size:
            o = int(wrong[0])
            raise HwgenError(f"{at}.shift[{o}]", f"{int(wanted[o])}, from the exponents", str(int(self.shift[o])))
        check_int(self.accumulator_bits, f"{at}.accumulator_bits", 2, MAX_ACCUMULATOR_BITS)
        needed = accumulator_bits(self.weight, self.bias, self.input)
        check(self.accumulator_bits >= needed, f"{at}.accumulator_bits", f"at least {needed}", self.accumulator_bits)
        widest = self.accumulator_bits + max(self.slope_bits, self.slope_fraction) + max(0, -int(self.shift.min()))
        check(widest <= 62, f"{at}.accumulator_bits", "at most 62 bits after slope and left shift", widest)

    def _set_array(self, key: str, shape: tuple[int, ...], low: int, high: int) -> None:
        array = check_array(getattr(self, key), f"{self.name}.{key}", shape, low, high)
        object.__setattr__(self, key, array)

    @property
    def coarse(self) -> tuple[int, int] | None:
        """The grid of the odd output channels, (bits, left), where it is one of its own."""
        return (self.imag_bits, self.imag_left) if self.imag_bits else None

    @abstractmethod
    def _check_window(self) -> None:
        """Kernel and padding."""

    @abstractmethod
    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output for an input of that size."""

    @abstractmethod
    def macs(self, height: int, width: int) -> int:
        """MACs for an input of (height, width)."""


def check_grid(at: str, imag_bits: int, imag_left: int, output: IntType) -> None:
    """A coarser grid for imaginary parts lies inside the output's type."""
    check_int(imag_bits, f"{at}.imag_bits", 0, BITS[1])
    check_int(imag_left, f"{at}.imag_left", 0, BITS[1])
    if imag_bits == 0:
        check(imag_left == 0, f"{at}.imag_left", "0 without imag_bits", imag_left)
        return
    check(imag_bits >= BITS[0], f"{at}.imag_bits", f"0, or at least {BITS[0]}", imag_bits)
    check(output.signed, f"{at}.output.signed", "True for complex values", output.signed)
    room = output.bits - imag_left
    check(imag_bits <= room, f"{at}.imag_bits", f"at most {room} beside imag_left {imag_left}", imag_bits)


@dataclass(frozen=True, eq=False)
class Conv2d(Convolution):
    """acc[o] = bias[o] + sum over c, i, j of weight[o, c, i, j] * a[y*stride - padding + i, x*stride - padding + j, c]

    kernel is 1, 3, 5 or 7, padding kernel // 2.
    """

    def _check_window(self) -> None:
        check(self.kernel in KERNELS, f"{self.name}.kernel", "1, 3, 5 or 7", repr(self.kernel))
        half = self.kernel // 2
        check(self.padding == half, f"{self.name}.padding", f"kernel // 2 = {half}", repr(self.padding))

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output for an input of that size: floor((size - 1) / stride) + 1."""
        return (height - 1) // self.stride + 1, (width - 1) // self.stride + 1

    def macs(self, height: int, width: int) -> int:
        """MACs for an input of (height, width): output values x taps x input channels, padding counted."""
        rows, columns = self.output_size(height, width)
        return rows * columns * self.out_channels * self.kernel**2 * self.in_channels


@dataclass(frozen=True, eq=False)
class ComplexConv2d(Conv2d):
    """A complex convolution as the real one that computes it; channels 2c and 2c + 1 are real and imaginary part.

        weight[2o, 2c] = wr[o, c],  weight[2o, 2c + 1] = -wi[o, c],  weight[2o + 1, 2c] = wi[o, c],
        weight[2o + 1, 2c + 1] = wr[o, c]

    Both parts of an output channel share its weight's exponent. A complex MAC is four of `macs`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        at = self.name
        for key in ("in_channels", "out_channels"):
            count = getattr(self, key)
            check(count % 2 == 0, f"{at}.{key}", "real and imaginary parts: an even number", count)
        real, imag = self.weight_real, self.weight_imag
        fits = (self.weight[1::2, 1::2] == real).all() and (self.weight[0::2, 1::2] == -imag).all()
        check(bool(fits), f"{at}.weight", "the structure of a complex convolution", "another")
        shared = (self.weight_exponent[0::2] == self.weight_exponent[1::2]).all()
        check(bool(shared), f"{at}.weight_exponent", "one for both parts of a channel", "two")

    @property
    def weight_real(self) -> IntArray:
        """(out_channels / 2, in_channels / 2, kernel, kernel)."""
        return self.weight[0::2, 0::2]

    @property
    def weight_imag(self) -> IntArray:
        """As `weight_real`."""
        return self.weight[1::2, 0::2]


def complex_weight(real: IntArray, imag: IntArray) -> IntArray:
    """(2 O, 2 I, K, K) weight of the real convolution that computes a complex one of (O, I, K, K) parts."""
    out, inner, *kernel = real.shape
    weight = np.empty((2 * out, 2 * inner, *kernel), dtype=np.int64)
    weight[0::2, 0::2], weight[0::2, 1::2] = real, -imag
    weight[1::2, 0::2], weight[1::2, 1::2] = imag, real
    return weight


@dataclass(frozen=True, eq=False)
class ConvTranspose2d(Convolution):
    """Transposed convolution, as torch.nn.ConvTranspose2d with its weight's first two axes exchanged.

        acc[o] = bias[o] + sum over c and those taps i, j for which the divisions leave no rest of
                 weight[o, c, i, j] * a[(y + padding - i) / stride, (x + padding - j) / stride, c]

    kernel is 1 to 7, padding 0 .. kernel - 1, output_padding 0 .. stride - 1.
    """

    output_padding: int = 0

    def _check_window(self) -> None:
        at = self.name
        check_int(self.kernel, f"{at}.kernel", 1, LARGEST_KERNEL)
        check_int(self.padding, f"{at}.padding", 0, self.kernel - 1)
        check_int(self.output_padding, f"{at}.output_padding", 0, self.stride - 1)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output: (size - 1) * stride - 2 * padding + kernel + output_padding."""
        grown = self.kernel + self.output_padding - 2 * self.padding - self.stride
        return height * self.stride + grown, width * self.stride + grown

    def taps(self, size: int) -> IntArray:
        """How many taps each of `size` outputs in a row (or column) has: those that fall on an input."""
        first = (np.arange(size, dtype=np.int64) + self.padding) % self.stride
        return -(-(self.kernel - first) // self.stride)

    def macs(self, height: int, width: int) -> int:
        """MACs for an input of (height, width): every tap that falls on an input or its padding, none between."""
        rows, columns = self.output_size(height, width)
        return int(self.taps(rows).sum() * self.taps(columns).sum()) * self.out_channels * self.in_channels

    def flipped(self) -> Conv2d:
        """The plain convolution that does the same, of one with stride 1 whose output is as large as its input."""
        check(self.stride == 1, f"{self.name}.stride", "1", self.stride)
        fields = {key: getattr(self, key) for key in Conv2d.__dataclass_fields__}
        return Conv2d(**fields | {"weight": self.weight[:, :, ::-1, ::-1], "padding": self.kernel - 1 - self.padding})
