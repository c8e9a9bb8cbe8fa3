"""The integer graph: everything the hardware needs of a trained network, as frozen, validated nodes.

A real value is integer * 2**exponent. A graph cannot be built in a state that the numeric contract
(hwgen/fixedpoint.py) does not cover: constructors raise `HwgenError` whose `where` is NODE.FIELD.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.fixedpoint import IntArray, bounds

FORMAT_VERSION = 1
Activation = Literal["none", "relu", "prelu"]
ACTIVATIONS: tuple[str, ...] = ("none", "relu", "prelu")

RESERVED_NAMES = ("pixels", "symbols", "input", "output")
"""Names of streams and components that stand beside the nodes'."""
KERNELS = (1, 3, 5, 7)
STRIDES = (1, 2)
BITS = (2, 8)
"""Smallest and largest width of weights and activations."""
BIAS_BITS = 32
SLOPE_BITS = (2, 16)
SHIFTS = (-16, 40)
MAX_CHANNELS = 4096
MAX_ACCUMULATOR_BITS = 48
"""The DSP48's accumulator; it also keeps float64 (53 bits) and int64 evaluation exact."""


@dataclass(frozen=True)
class IntType:
    """A stream's value type: `bits` wide, two's complement where `signed`."""

    bits: int
    signed: bool

    @property
    def bounds(self) -> tuple[int, int]:
        return bounds(self.bits, self.signed)

    @property
    def magnitude(self) -> int:
        """Largest absolute value."""
        low, high = self.bounds
        return max(-low, high)


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


def _check(condition: bool, where: str, wanted: str, got: object) -> None:
    if not condition:
        raise HwgenError(where, wanted, str(got))


def _check_int(value: object, where: str, low: int, high: int) -> None:
    _check(type(value) is int and low <= value <= high, where, f"an integer {low}..{high}", repr(value))


def _check_type(value: object, where: str, smallest: int, largest: int) -> None:
    _check(isinstance(value, IntType), where, "an IntType", repr(value))
    kind = cast("IntType", value)
    _check_int(kind.bits, f"{where}.bits", smallest, largest)
    _check(isinstance(kind.signed, bool), f"{where}.signed", "true or false", repr(kind.signed))


def _check_array(value: npt.ArrayLike, where: str, shape: tuple[int, ...], low: int, high: int) -> IntArray:
    """A read-only int64 copy of `value` if it has that shape and range."""
    array = np.asarray(value)
    _check(array.dtype.kind in "iu", where, "integers", array.dtype)
    _check(array.shape == shape, where, f"shape {shape}", array.shape)
    array = np.array(array, dtype=np.int64, order="C")
    smallest, largest = int(array.min()), int(array.max())
    _check(low <= smallest and largest <= high, where, f"values {low}..{high}", f"{smallest}..{largest}")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Conv2d:
    """Convolution, bias, activation and requantisation: one layer, one stream in, one stream out.

        acc[o] = bias[o] + sum over c, i, j of weight[o, c, i, j] * a[y*stride - padding + i, x*stride - padding + j, c]
        none, relu:  out = requantise(acc, shift[o], output)               (relu: `output` is unsigned, so saturation
                                                                            at 0 is the rectifier)
        prelu:       out = requantise(prelu(acc, slope[o], slope_fraction), shift[o] + slope_fraction, output)

    Values outside the frame are 0.

    Parameters
    ----------
    kernel, stride, padding
        Square kernel 1, 3, 5 or 7; stride 1 or 2; padding kernel // 2.
    weight
        (out_channels, in_channels, kernel, kernel) integers of `weight_bits`, narrow range:
        -(2**(weight_bits-1) - 1) .. 2**(weight_bits-1) - 1.
    bias
        (out_channels,) integers of 32 signed bits, in units of the accumulator.
    slope, slope_bits, slope_fraction
        prelu only: (out_channels,) signed integers of `slope_bits`, value slope * 2**-slope_fraction.
        None, 0, 0 otherwise.
    shift
        (out_channels,) integers = output_exponent - (input_exponent + weight_exponent); may be zero or negative.
    accumulator_bits
        Signed width of acc: at least `accumulator_bits(weight, bias, input)`.

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

    def __post_init__(self) -> None:
        at = self.name
        for key in ("in_channels", "out_channels"):
            _check_int(getattr(self, key), f"{at}.{key}", 1, MAX_CHANNELS)
        for key in ("kernel", "stride", "padding"):
            _check_int(getattr(self, key), f"{at}.{key}", 0, max(KERNELS))  # 3.0 is in KERNELS, but no size
        _check(self.kernel in KERNELS, f"{at}.kernel", "1, 3, 5 or 7", repr(self.kernel))
        _check(self.stride in STRIDES, f"{at}.stride", "1 or 2", repr(self.stride))
        half = self.kernel // 2
        _check(self.padding == half, f"{at}.padding", f"kernel // 2 = {half}", repr(self.padding))
        _check_int(self.weight_bits, f"{at}.weight_bits", *BITS)
        _check_type(self.input, f"{at}.input", *BITS)
        _check_type(self.output, f"{at}.output", *BITS)
        _check(self.activation in ACTIVATIONS, f"{at}.activation", "none, relu or prelu", repr(self.activation))
        signed = self.activation != "relu"
        wanted_sign = f"{signed} for {self.activation}"
        _check(self.output.signed == signed, f"{at}.output.signed", wanted_sign, self.output.signed)
        for key in ("input_exponent", "output_exponent"):
            _check_int(getattr(self, key), f"{at}.{key}", -64, 64)

        channels = (self.out_channels,)
        largest = bounds(self.weight_bits, True)[1]
        shape = (self.out_channels, self.in_channels, self.kernel, self.kernel)
        self._set_array("weight", shape, -largest, largest)
        self._set_array("bias", channels, *bounds(BIAS_BITS, True))
        self._set_array("shift", channels, *SHIFTS)
        self._set_array("weight_exponent", channels, -64, 64)
        if self.activation == "prelu":
            _check_int(self.slope_bits, f"{at}.slope_bits", *SLOPE_BITS)
            _check_int(self.slope_fraction, f"{at}.slope_fraction", 0, self.slope_bits)
            _check(self.slope is not None, f"{at}.slope", "one slope per channel", "none")
            self._set_array("slope", channels, *bounds(self.slope_bits, True))
        else:
            _check(self.slope is None, f"{at}.slope", f"none for activation {self.activation}", "slopes")
            unused = self.slope_bits, self.slope_fraction
            _check(unused == (0, 0), f"{at}.slope_bits, {at}.slope_fraction", "0, 0 without slopes", unused)

        wanted = self.output_exponent - (self.input_exponent + self.weight_exponent)
        wrong = np.flatnonzero(self.shift != wanted)
        if wrong.size:
            o = int(wrong[0])
            raise HwgenError(f"{at}.shift[{o}]", f"{int(wanted[o])}, from the exponents", str(int(self.shift[o])))
        _check_int(self.accumulator_bits, f"{at}.accumulator_bits", 2, MAX_ACCUMULATOR_BITS)
        needed = accumulator_bits(self.weight, self.bias, self.input)
        _check(self.accumulator_bits >= needed, f"{at}.accumulator_bits", f"at least {needed}", self.accumulator_bits)
        widest = self.accumulator_bits + max(self.slope_bits, self.slope_fraction) + max(0, -int(self.shift.min()))
        _check(widest <= 62, f"{at}.accumulator_bits", "at most 62 bits after slope and left shift", widest)

    def _set_array(self, key: str, shape: tuple[int, ...], low: int, high: int) -> None:
        array = _check_array(getattr(self, key), f"{self.name}.{key}", shape, low, high)
        object.__setattr__(self, key, array)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output for an input of that size: floor((size - 1) / stride) + 1."""
        return (height - 1) // self.stride + 1, (width - 1) // self.stride + 1

    def macs(self, height: int, width: int) -> int:
        """MACs for an input of (height, width): output values x taps x input channels, padding counted."""
        rows, columns = self.output_size(height, width)
        return rows * columns * self.out_channels * self.kernel**2 * self.in_channels


@dataclass(frozen=True)
class Gain:
    """Static power gain: latent value to Q3.12 symbol component, out = requantise(x * factor, shift, output).

    Parameters
    ----------
    channels
        Values per pixel, in and out.
    factor, factor_bits
        Unsigned integer, 1 .. 2**factor_bits - 1, factor_bits at most 16.
    shift
        Rounded right shift, -16..40.
    output
        16 bits, signed, with output_exponent -12.
    """

    name: str
    channels: int
    factor: int
    factor_bits: int
    shift: int
    input: IntType
    output: IntType = IntType(16, True)
    output_exponent: int = -12

    def __post_init__(self) -> None:
        at = self.name
        _check_int(self.channels, f"{at}.channels", 1, MAX_CHANNELS)
        _check_int(self.factor_bits, f"{at}.factor_bits", 1, 16)
        _check_int(self.factor, f"{at}.factor", 1, bounds(self.factor_bits, False)[1])
        _check_int(self.shift, f"{at}.shift", *SHIFTS)
        _check_type(self.input, f"{at}.input", *BITS)
        _check(self.output == IntType(16, True), f"{at}.output", "16 bits, signed", self.output)
        _check(self.output_exponent == -12, f"{at}.output_exponent", "-12", repr(self.output_exponent))

    @property
    def in_channels(self) -> int:
        return self.channels

    @property
    def out_channels(self) -> int:
        return self.channels

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width): as the input's."""
        return height, width

    def macs(self, height: int, width: int) -> int:
        """0: the gain's one multiplication per value is not counted as a MAC."""
        return 0


Node = Conv2d | Gain


@dataclass(frozen=True, eq=False)
class Graph:
    """A chain of nodes from 8-bit RGB pixels (value pixel * 2**-8) to channel symbols.

    Parameters
    ----------
    model
        Name of the model it was made from.
    side
        "tx".
    frame
        Default (width, height) in pixels.
    nodes
        One or more `Conv2d`, then one `Gain`; each one's input type, exponent and channels are its
        predecessor's output's.
    terms
        Licence and source of the weights, printed by whatever uses them.

    Raises
    ------
    HwgenError
        The nodes do not fit together.
    """

    model: str
    frame: tuple[int, int]
    nodes: tuple[Node, ...]
    side: str = "tx"
    input_channels: int = 3
    input: IntType = IntType(8, False)
    input_exponent: int = -8
    terms: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        _check(self.format_version == FORMAT_VERSION, "format_version", str(FORMAT_VERSION), self.format_version)
        _check(self.side == "tx", "side", "tx", repr(self.side))
        _check(self.input == IntType(8, False), "input", "8 bits, unsigned", self.input)
        _check((self.input_channels, self.input_exponent) == (3, -8), "input", "3 channels, exponent -8",
               f"{self.input_channels} channels, exponent {self.input_exponent}")  # fmt: skip
        _check(len(self.frame) == 2, "frame", "width and height", self.frame)
        for size in self.frame:
            _check_int(size, "frame", 1, 1 << 16)
        kinds = [type(node) for node in self.nodes]
        convolutions = len(kinds) - 1
        _check(convolutions >= 1 and kinds == [Conv2d] * convolutions + [Gain], "nodes",
               "convolutions, then one gain", [kind.__name__ for kind in kinds])  # fmt: skip
        names = [node.name for node in self.nodes]
        _check(len(set(names)) == len(names), "nodes", "distinct names", names)
        for name in names:
            _check(name not in RESERVED_NAMES, "nodes", f"names other than {', '.join(RESERVED_NAMES)}", name)
        for key, text in self.terms.items():
            _check(isinstance(key, str) and isinstance(text, str), f"terms.{key}", "a text", repr(text))
        channels, kind, exponent = self.input_channels, self.input, self.input_exponent
        for node in self.nodes:
            at = node.name
            _check(node.in_channels == channels, f"{at}.in_channels", str(channels), node.in_channels)
            _check(node.input == kind, f"{at}.input", str(kind), node.input)
            if isinstance(node, Conv2d):
                _check(node.input_exponent == exponent, f"{at}.input_exponent", str(exponent), node.input_exponent)
            channels, kind, exponent = node.out_channels, node.output, node.output_exponent

    @property
    def convolutions(self) -> tuple[Conv2d, ...]:
        """The convolutions, in order."""
        return tuple(node for node in self.nodes if isinstance(node, Conv2d))

    @property
    def stride(self) -> int:
        """Product of all strides: it must divide a frame's width and height."""
        product = 1
        for node in self.convolutions:
            product *= node.stride
        return product

    def shapes(self, width: int, height: int) -> dict[str, tuple[int, int, int]]:
        """(height, width, channels) of "pixels" and of every node's output, for a frame of width x height.

        Raises
        ------
        HwgenError
            A side is below 1 or not divisible by `stride`.
        """
        for key, size in (("width", width), ("height", height)):
            _check(size >= 1 and size % self.stride == 0, f"frame {key}", f"a multiple of {self.stride}", size)
        found = {"pixels": (height, width, self.input_channels)}
        for node in self.nodes:
            height, width = node.output_size(height, width)
            found[node.name] = (height, width, node.out_channels)
        return found

    def symbols(self, width: int, height: int) -> int:
        """Complex symbols k per frame: ceil(latent values / 2)."""
        rows, columns, channels = self.shapes(width, height)[self.nodes[-1].name]
        return (rows * columns * channels + 1) // 2

    def macs(self, width: int, height: int) -> dict[str, int]:
        """MACs of every node for one frame: output values x kernel taps x input channels, padding counted."""
        sizes = list(self.shapes(width, height).values())
        return {node.name: node.macs(*sizes[i][:2]) for i, node in enumerate(self.nodes)}
