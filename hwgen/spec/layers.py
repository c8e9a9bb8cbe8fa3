"""Convolutions as a specification has them: plain, complex and transposed."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, Strict, model_validator

from hwgen.limits import MOST_CHANNELS
from hwgen.names import layer_trouble
from hwgen.numerics.formats import SLOPE
from hwgen.spec.values import Bits, Number
from hwgen.yamlmarks import Frozen, between, show_value, wrong

Pair = int | tuple[int, int]
"""One number for both directions, or rows and columns."""

UNSIGNED = ("relu", "relu6", "clip", "sigmoid", "clamp")
"""Activations without negative values."""
TABLES = ("sigmoid", "tanh", "silu")
"""Activations that are a table of a signed layer's output."""


def identifier(text: str) -> str:
    """Refuse what is no name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", text):
        raise wrong("a name of small letters, digits and _, at most 31", show_value(text))
    if (wanted := layer_trouble(text)) is not None:
        raise wrong(wanted, show_value(text))
    return text


def _pair(value: object) -> object:
    numbers = value if isinstance(value, list | tuple) else [value]
    whole = all(type(n) is int for n in numbers)
    if not whole or len(numbers) not in (1, 2):
        raise wrong("an integer" if len(numbers) == 1 else "an integer, or two: rows and columns", show_value(value))
    return value if isinstance(value, int) else tuple(numbers)


def pair(value: Pair) -> tuple[int, int]:
    """(rows, columns)."""
    return (value, value) if isinstance(value, int) else value


Identifier = Annotated[str, Strict(), AfterValidator(identifier)]


class Entry(Frozen):
    """The keys of every layer: its name, and the names of the layers whose outputs it takes.

    By default the layer before, of the first layer the input port: `pixels` in the encoder, `symbols` in the decoder.
    """

    arity: ClassVar[tuple[int, int]] = (1, 1)
    """The smallest and the largest number of inputs."""

    name: Identifier | None = None
    inputs: Annotated[tuple[Identifier, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _number_of_inputs(self) -> Entry:
        low, high = self.arity
        if self.inputs is not None and not low <= len(self.inputs) <= high:
            count = str(low) if low == high else f"{low} to {high}"
            raise wrong(f"{count} of them", len(self.inputs), "inputs")
        return self


class Weights(Frozen):
    """Storage of weights: as indices into a codebook of so many integers for the layer.

    binary : the integers are -1 and 1, whatever the weights are
    """

    codebook: Annotated[int, Strict(), between(2, 128)]
    binary: Annotated[bool, Strict()] = False


class Layer(Entry):
    """One convolution; padding by default such that strides alone change the frame's size.

    Attributes
    ----------
    kernel, padding : int, or (rows, columns)
        A kernel that equals its stride falls into patches: no padding, no window overlaps another one.
    complex : bool
        A complex convolution: `channels` counts complex channels. Each is two channels of the stream, first the real
        part, then the imaginary one, and the channels that come in pair up in the same way.
    batch_norm : bool
        Whether training normalises what the convolution gives, before the activation. Hardware has nothing of it:
        it is folded into weights and bias.
    imag_weight_bits, imag_activation_bits : int
        Bits of the imaginary parts; by default as the real ones'. 0 in a layer that is not complex.
    """

    kind: Literal["conv"] = "conv"
    kernel: Annotated[Pair, PlainValidator(_pair)]
    stride: Annotated[int, Strict(), between(1, 16)] = 1
    channels: Annotated[int, Strict(), between(1, MOST_CHANNELS)]
    activation: Literal[
        "none", "relu", "prelu", "leaky_relu", "relu6", "clip", "sigmoid", "tanh", "silu", "clamp"
    ] = "prelu"
    weight_bits: Bits = 8
    activation_bits: Bits = 8
    complex: Annotated[bool, Strict()] = False
    imag_weight_bits: Annotated[int, Strict()] = 0
    imag_activation_bits: Annotated[int, Strict()] = 0
    padding: Annotated[Pair | None, BeforeValidator(lambda value: None if value is None else _pair(value))] = None
    dilation: Annotated[int, Strict(), between(1, 4)] = 1
    groups: Annotated[int, Strict(), between(1, MOST_CHANNELS)] = 1
    slope: Annotated[Number, Field(ge=-2, lt=2)] | None = None
    ceiling: Annotated[Number, Field(gt=0)] | None = None
    weights: Weights | None = None
    batch_norm: Annotated[bool, Strict()] = False

    @property
    def parts(self) -> int:
        """Channels of the stream for each of `channels`."""
        return 2 if self.complex else 1

    @property
    def kernel_size(self) -> tuple[int, int]:
        """(rows, columns)."""
        return pair(self.kernel)

    @property
    def patches(self) -> bool:
        """Whether the kernel equals the stride."""
        return self.stride > 1 and self.kernel_size == (self.stride, self.stride)

    @property
    def pads(self) -> tuple[int, int]:
        """(rows above and below, columns left and right)."""
        if self.padding is not None:
            return pair(self.padding)
        rows, columns = (0 if self.patches else self.dilation * (side // 2) for side in self.kernel_size)
        return rows, columns

    @property
    def signed(self) -> bool:
        """Whether the output has negative values."""
        return self.activation not in UNSIGNED

    @property
    def leak(self) -> float:
        """The slope of leaky_relu: the nearest one that the encoder's PReLU has."""
        low, high = SLOPE.bounds
        slope = 0.01 if self.slope is None else self.slope
        return min(max(round(slope / SLOPE.scale), low), high) * SLOPE.scale

    @property
    def limit(self) -> float | None:
        """The largest value of relu6 and clip."""
        return 6.0 if self.activation == "relu6" else self.ceiling

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output."""
        rows, columns = (
            (size + 2 * pad - self.dilation * (side - 1) - 1) // self.stride + 1
            for size, pad, side in zip((height, width), self.pads, self.kernel_size, strict=True)
        )
        return rows, columns

    @model_validator(mode="before")
    @classmethod
    def _imaginary_as_real(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("complex") is True:
            return {f"imag_{key}": values.get(key, 8) for key in ("weight_bits", "activation_bits")} | values
        return values

    @model_validator(mode="after")
    def _possible(self) -> Layer:
        self._check_window()
        for key in ("weight_bits", "activation_bits"):
            imag, real = getattr(self, f"imag_{key}"), getattr(self, key)
            if imag and not self.complex:
                raise wrong("this key in complex layers only", imag, f"imag_{key}")
            if self.complex and not 2 <= imag <= real:
                raise wrong(f"an integer from 2 to {real}, the {key}", imag, f"imag_{key}")
        if self.complex and self.activation not in ("none", "prelu"):
            raise wrong("none or prelu in a complex layer", self.activation, "activation")
        for key, activation in (("slope", "leaky_relu"), ("ceiling", "clip")):
            if getattr(self, key) is not None and self.activation != activation:
                raise wrong(f"this key with activation {activation} only", f"activation {self.activation}", key)
        if self.activation == "clip" and self.ceiling is None:
            raise wrong("this key: activation clip needs it", "nothing", "ceiling")
        if self.channels % self.groups:
            raise wrong(f"a divisor of {self.channels}, the channels", self.groups, "groups")
        if self.weights is not None:
            most, count = 1 << self.weight_bits - 1, self.weights.codebook
            if count > most or count & (count - 1):
                raise wrong(f"a power of two from 2 to {most}", count, "weights", "codebook")
            if self.weights.binary and (count, self.weight_bits) != (2, 2):
                wanted = "this key with a codebook of 2 and weight_bits 2 only"
                raise wrong(wanted, f"{count} and {self.weight_bits}", "weights", "binary")
        if self.complex and self.batch_norm:
            raise wrong("false in a complex layer", "true", "batch_norm")
        if self.complex and (self.groups > 1 or self.weights is not None):
            raise wrong("neither groups nor weights in a complex layer", "one of them", "complex")
        return self

    def _check_window(self) -> None:
        if self.stride > 2 and not self.patches:
            raise wrong(f"1 or 2, or {show_value(self.kernel)}, the kernel's", self.stride, "stride")
        if self.patches:
            if self.pads != (0, 0):
                raise wrong("0 where the kernel equals the stride", show_value(self.padding), "padding")
            if self.dilation != 1:
                raise wrong("1 where the kernel equals the stride", self.dilation, "dilation")
            return
        for side in self.kernel_size:
            if not 1 <= side <= 9 or (side % 2 == 0 and self.padding is None):
                raise wrong("an odd number from 1 to 9 (with padding even ones too)", show_value(self.kernel), "kernel")
        for pad, side in zip(self.pads, self.kernel_size, strict=True):
            if not 0 <= pad <= self.dilation * (side - 1):
                raise wrong(f"0 to {self.dilation * (side - 1)}", show_value(self.padding), "padding")


class DecoderLayer(Layer):
    """One transposed convolution, whose output is exactly `stride` times as wide and high as its input.

    A complex layer is a complex convolution of stride 1, not a transposed one.
    """

    kind: Literal["deconv"] = "deconv"  # type: ignore[assignment]
    stride: Annotated[int, Strict(), between(1, 2)] = 1

    @property
    def output_padding(self) -> int:
        """Rows and columns added at the end."""
        return (self.kernel_size[0] - self.stride) % 2

    @property
    def pads(self) -> tuple[int, int]:
        """The same in both directions."""
        pad = (self.kernel_size[0] - self.stride + self.output_padding) // 2
        return pad, pad

    @property
    def patches(self) -> bool:
        """Never: that is a plain convolution's."""
        return False

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the output: `stride` times the input's."""
        return height * self.stride, width * self.stride

    @model_validator(mode="after")
    def _complex_keeps_the_size(self) -> DecoderLayer:
        if self.complex and self.stride != 1:
            raise wrong("1 in a complex layer of the decoder", self.stride, "stride")
        return self

    def _check_window(self) -> None:
        defaults: dict[str, Any] = {"padding": None, "dilation": 1, "groups": 1}
        for key, default in defaults.items():
            if getattr(self, key) != default:
                raise wrong("this key in layers of kind conv only", show_value(getattr(self, key)), key)
        even = (2, 4, 6) if self.stride == 2 else ()
        square = isinstance(self.kernel, int)
        if not square or not 1 <= self.kernel_size[0] <= 7 or (
            self.kernel_size[0] % 2 == 0 and self.kernel_size[0] not in even
        ):
            raise wrong("an odd number from 1 to 7 (at stride 2 even ones too)", show_value(self.kernel), "kernel")
