"""The base of the convolutions: bias, activation and requantisation of one stream's accumulators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from hwgen.errors import HwgenError
from hwgen.ir.edge import Edge, Shape, check_values
from hwgen.ir.node import Node, optional
from hwgen.ir.profiles import count, of_channels, row
from hwgen.ir.types import (
    BITS,
    MAX_CHANNELS,
    SHIFTS,
    TABLE_BITS,
    IntType,
    check,
    check_array,
    check_grid,
    check_int,
    check_type,
)
from hwgen.numerics.integer import IntArray, bounds, prelu, requantise_parts
from hwgen.numerics.weight_format import Codebook, Uniform, WeightFormat

Activation = Literal["none", "relu", "prelu", "clip"]
ACTIVATIONS: tuple[str, ...] = ("none", "relu", "prelu", "clip")
UNSIGNED: tuple[str, ...] = ("relu", "clip")
"""Activations without negative values."""
MAX_KERNEL = 9
MAX_PATCH = 16
"""Largest kernel that equals its stride."""
MAX_DILATION = 4
BIAS_BITS = 32
SLOPE_BITS = (2, 16)
MAX_ACCUMULATOR_BITS = 48
"""The DSP48's accumulator; it also keeps float64 (53 bits) and int64 evaluation exact."""


def accumulator_bound(weight: IntArray, bias: IntArray, input: IntType) -> int:
    """max over output channels o of max|a| * sum|weight[o]| + |bias[o]|: no partial sum is ever larger.

    Parameters
    ----------
    weight
        (O, I, K, L) integers.
    bias
        (O,) integers, or (profiles, O).
    input
        Type of the activations a.
    """
    total = np.abs(weight.astype(np.int64)).reshape(weight.shape[0], -1).sum(axis=1)
    return int((input.magnitude * total + np.abs(bias.astype(np.int64))).max())


def accumulator_bits(weight: IntArray, bias: IntArray, input: IntType) -> int:
    """Smallest signed width that holds +-`accumulator_bound`, whatever the order of accumulation; 2 where all is 0."""
    return max(2, accumulator_bound(weight, bias, input).bit_length() + 1)


@dataclass(frozen=True, eq=False)
class Convolution(Node):
    """A convolution of any kind, plain, complex or transposed; values outside the frame are 0.

        none, relu:  out = requantise(acc, shift[o], output)               (relu: `output` is unsigned, so saturation
                                                                            at 0 is the rectifier)
        clip:        out = min(requantise(acc, shift[o], output), ceiling)  (`output` is unsigned: ReLU6 and the like)
        prelu:       out = requantise(prelu(acc, slope[o], slope_fraction), shift[o] + slope_fraction, output)

    Complex outputs, with `imag_bits`, have their imaginary parts, the odd output channels, on a coarser grid:

        out = requantise(..., shift[o], imag_bits bits) << imag_left

    Parameters
    ----------
    kernel, stride, padding
        Of both directions; where these differ, `kernel` and `padding` are the larger ones.
    weight
        (out_channels, in_channels / groups, kernel_height, kernel_width) integers of `weight_bits`, narrow range:
        -(2**(weight_bits-1) - 1) .. 2**(weight_bits-1) - 1.
    bias
        (out_channels,) integers of 32 signed bits, in units of the accumulator; (profiles, out_channels) of a graph
        with profiles.
    slope, slope_bits, slope_fraction
        prelu only: (out_channels,) signed integers of `slope_bits`, value slope * 2**-slope_fraction; of a graph with
        profiles they may be (profiles, out_channels).
        None, 0, 0 otherwise. Leaky ReLU is the one whose slopes are equal.
    shift
        (out_channels,) integers = output_exponent - (input_exponent + weight_exponent), of odd channels of complex
        outputs + imag_left; may be zero or negative.
    output
        2 to 8 bits; up to 12 without activation.
    accumulator_bits
        Signed width of acc: at least `accumulator_bits(weight, bias, input)`.
    imag_bits, imag_left
        0, 0, or the grid of the odd output channels: imag_bits + imag_left is at most the output's width.
    kernel_height, kernel_width
        Rows and columns of the kernel; 0 stands for `kernel`.
    padding_height, padding_width
        Rows above and below, columns left and right; -1 stands for `padding`.
    dilation
        Distance of a kernel's neighbouring taps, in both directions.
    groups
        The channels fall into so many groups of neighbours; an output sees the inputs of its group.
    ceiling
        clip only: the largest output, 1 .. 2**output.bits - 1; 0 otherwise.
    codebook
        None, or (2**index_bits,) integers of `weight_bits`, ascending: `weight` has no others, and memory may hold
        their indices (`hwgen.numerics.weight_format.Codebook`).

    Raises
    ------
    HwgenError
        Any of the above does not hold.
    """

    format_version: ClassVar[int] = 1
    array_fields: ClassVar[tuple[str, ...]] = ("weight", "bias", "slope", "shift", "weight_exponent", "codebook")

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

    imag_bits: int = optional(0)
    imag_left: int = optional(0)
    kernel_height: int = optional(0, since=2, like="kernel")
    kernel_width: int = optional(0, since=2, like="kernel")
    padding_height: int = optional(-1, since=2, like="padding")
    padding_width: int = optional(-1, since=2, like="padding")
    dilation: int = optional(1, since=2)
    groups: int = optional(1, since=2)
    ceiling: int = optional(0, since=2)
    codebook: IntArray | None = optional(None, since=2)

    def __post_init__(self) -> None:
        at = self.name
        for key in ("in_channels", "out_channels"):
            check_int(getattr(self, key), f"{at}.{key}", 1, MAX_CHANNELS)
        self._complete_window()
        self._check_window()
        check_int(self.groups, f"{at}.groups", 1, self.in_channels)
        for key in ("in_channels", "out_channels"):
            count = getattr(self, key)
            check(count % self.groups == 0, f"{at}.groups", f"a divisor of {key} {count}", self.groups)
        self._check_types()
        self._check_arrays()
        self._check_activation()
        self._check_accumulator()

    def _check_types(self) -> None:
        at = self.name
        check_int(self.weight_bits, f"{at}.weight_bits", *BITS)
        check_type(self.input, f"{at}.input", *BITS)
        check(self.activation in ACTIVATIONS, f"{at}.activation", ", ".join(ACTIVATIONS), repr(self.activation))
        check_type(self.output, f"{at}.output", BITS[0], TABLE_BITS if self.activation == "none" else BITS[1])
        signed = self.activation not in UNSIGNED
        wanted_sign = f"{signed} for {self.activation}"
        check(self.output.signed == signed, f"{at}.output.signed", wanted_sign, self.output.signed)
        check_grid(at, self.imag_bits, self.imag_left, self.output)
        if self.imag_bits:
            check(self.out_channels % 2 == 0, f"{at}.out_channels", "real and imaginary parts: an even number",
                  self.out_channels)  # fmt: skip
        for key in ("input_exponent", "output_exponent"):
            check_int(getattr(self, key), f"{at}.{key}", -64, 64)

    def _check_arrays(self) -> None:
        channels = (self.out_channels,)
        largest = bounds(self.weight_bits, True)[1]
        shape = (self.out_channels, self.in_channels // self.groups, self.kernel_height, self.kernel_width)
        self._set_array("weight", shape, -largest, largest)
        self._check_codebook()
        self._set_table("bias", *bounds(BIAS_BITS, True))
        self._set_array("shift", channels, *SHIFTS)
        self._set_array("weight_exponent", channels, -64, 64)

    def _check_activation(self) -> None:
        at = self.name
        if self.activation == "prelu":
            check_int(self.slope_bits, f"{at}.slope_bits", *SLOPE_BITS)
            check_int(self.slope_fraction, f"{at}.slope_fraction", 0, self.slope_bits)
            check(self.slope is not None, f"{at}.slope", "one slope per channel", "none")
            self._set_table("slope", *bounds(self.slope_bits, True))
            biases, slopes = count(self.bias), count(self.slope)
            check(1 in (biases, slopes) or biases == slopes, f"{at}.slope", f"{biases} profiles, as biases", slopes)
        else:
            check(self.slope is None, f"{at}.slope", f"none for activation {self.activation}", "slopes")
            unused = self.slope_bits, self.slope_fraction
            check(unused == (0, 0), f"{at}.slope_bits, {at}.slope_fraction", "0, 0 without slopes", unused)
        if self.activation == "clip":
            check_int(self.ceiling, f"{at}.ceiling", 1, self.output.bounds[1])
        else:
            check(self.ceiling == 0, f"{at}.ceiling", f"0 for activation {self.activation}", repr(self.ceiling))

    def _check_accumulator(self) -> None:
        at = self.name
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

    def _complete_window(self) -> None:
        at = self.name
        check_int(self.kernel, f"{at}.kernel", 1, MAX_PATCH)
        check_int(self.stride, f"{at}.stride", 1, MAX_PATCH)
        check_int(self.dilation, f"{at}.dilation", 1, MAX_DILATION)
        check_int(self.padding, f"{at}.padding", 0, MAX_DILATION * (MAX_KERNEL - 1))
        for key, stands_for_it in (("kernel", 0), ("padding", -1)):
            own, sizes = getattr(self, key), []
            for axis in ("height", "width"):
                size = getattr(self, f"{key}_{axis}")
                check_int(size, f"{at}.{key}_{axis}", stands_for_it, own)
                sizes.append(own if size == stands_for_it else size)
                object.__setattr__(self, f"{key}_{axis}", sizes[-1])
            check(max(sizes) == own, f"{at}.{key}", f"the larger of {key}_height and {key}_width: {max(sizes)}", own)

    def _set_array(self, key: str, shape: tuple[int, ...], low: int, high: int) -> None:
        array = check_array(getattr(self, key), f"{self.name}.{key}", shape, low, high)
        object.__setattr__(self, key, array)

    def _set_table(self, key: str, low: int, high: int) -> None:
        table = of_channels(getattr(self, key), f"{self.name}.{key}", self.out_channels, low, high)
        object.__setattr__(self, key, table)

    def _check_codebook(self) -> None:
        if self.codebook is None:
            return
        at = f"{self.name}.codebook"
        found = check_array(self.codebook, at, np.shape(self.codebook), -(1 << 62), 1 << 62)
        check(found.ndim == 1, at, "one row of values", f"shape {found.shape}")
        object.__setattr__(self, "codebook", found)
        try:
            grid = self.weight_format.grid
        except HwgenError as error:
            raise HwgenError(at, error.wanted, error.got) from None
        strange = np.setdiff1d(self.weight, grid)
        check(not strange.size, f"{self.name}.weight", "values of the codebook", strange[:1])

    @property
    def least_version(self) -> int:
        return super().least_version if self.profiles == 1 else max(3, super().least_version)

    @property
    def profiles(self) -> int:
        return count(self.bias, self.slope)

    def at_profile(self, profile: int) -> Convolution:
        if self.profiles == 1:
            return self
        slope = None if self.slope is None else row(self.slope, profile)
        return replace(self, bias=row(self.bias, profile), slope=slope)

    @property
    def weight_format(self) -> WeightFormat:
        """The format in which memory holds the weights."""
        if self.codebook is None:
            return Uniform(self.weight_bits)
        return Codebook(self.weight_bits, tuple(self.codebook.tolist()))

    @property
    def coarse(self) -> tuple[int, int] | None:
        """The grid of the odd output channels, (bits, left), where it is one of its own."""
        return (self.imag_bits, self.imag_left) if self.imag_bits else None

    @abstractmethod
    def _check_window(self) -> None:
        """Kernel, stride, padding and what goes with them."""

    @abstractmethod
    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output for an input of that size."""

    @abstractmethod
    def accumulate(self, x: IntArray) -> IntArray:
        """The accumulators: (H, W, in_channels) int64 to (H', W', out_channels) int64."""

    def activate(self, acc: IntArray) -> IntArray:
        """Activation and requantisation of accumulators whose last axis is the output channel."""
        shift = self.shift
        if self.activation == "prelu":
            assert self.slope is not None  # the constructor has seen to it
            acc, shift = prelu(acc, self.slope, self.slope_fraction), shift + self.slope_fraction
        found = requantise_parts(acc, shift, self.output.bits, self.output.signed, self.coarse)
        return np.minimum(found, self.ceiling) if self.activation == "clip" else found

    def execute(self, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
        """The activated accumulators."""
        (x,) = inputs
        return self.activate(self.accumulate(x))

    def _infer(self, *inputs: Edge) -> Edge:
        check_values(self.name, inputs[0], self.in_channels, self.input, self.input_exponent)
        return Edge(self.out_channels, self.output, self.output_exponent)

    def _output_shape(self, *shapes: Shape) -> Shape:
        height, width, _ = shapes[0]
        rows, columns = self.output_size(height, width)
        check(rows > 0 and columns > 0, f"{self.name}.kernel", "frames of at least its size", f"{width}x{height}")
        return rows, columns, self.out_channels

    def arrays(self) -> Mapping[str, Any]:
        """Weights, biases, every channel's shift and weight exponent, and slopes and codebook where there are some."""
        found: dict[str, Any] = {
            "weight": self.weight.astype(np.int8),
            "bias": self.bias.astype(np.int32),
            "shift": self.shift.astype(np.int8),
            "weight_exponent": self.weight_exponent.astype(np.int8),
        }
        if self.slope is not None:
            found["slope"] = self.slope.astype(np.int16)
        if self.codebook is not None:
            found["codebook"] = self.codebook.astype(np.int8)
        return found
