"""Random integers as weights, so that a specification nobody has trained can be emitted and verified.

A random network proves nothing where its values do not go: a layer that is mostly zero hides errors, one that
never saturates or never meets a rounding tie leaves those rules untested. So every layer is drawn, run on three
synthetic images of at least 36x20, measured (`coverage`) and, if need be, drawn again, until its output

- takes at least 16 distinct values, or its type's whole range;
- is not mostly zero;
- saturates, at both ends where it is signed (a gain: at one);
- meets rounding ties that half-even and half-up round differently.

Where no draw reaches all of it (one 1x1 kernel of 2-bit weights on one 2-bit channel has four outputs at most),
the best one is taken. Layers are measured on integers, a transmitter's on images drawn as integers; a receiver's
symbols are normally distributed floats, rounded to Q3.12, and a sigmoid's table is rounded from float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT
from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import ComplexConv2d, Conv2d, Convolution, ConvTranspose2d, Gain, Power, Receive, Table
from hwgen.ir.nodes.complex_conv2d import complex_weight
from hwgen.ir.nodes.convolution import Activation, accumulator_bits
from hwgen.ir.nodes.table import TABLE, TABLE_EXPONENT, sigmoid_values
from hwgen.ir.types import SHIFTS, IntType
from hwgen.numerics.formats import POWER, SLOPE
from hwgen.numerics.integer import IntArray, bounds, prelu, requantise

if TYPE_CHECKING:
    from hwgen.spec.model import Layer, ModelSpec

ATTEMPTS = 32
SLOPE_BITS, SLOPE_FRACTION = SLOPE.bits, SLOPE.fraction
BIAS_LIMIT = (1 << 31) - 1


@dataclass(frozen=True)
class Coverage:
    """What one layer's output meets: see `coverage`."""

    distinct: int
    wanted_distinct: int
    values: int
    zeros: int
    saturated_low: int
    saturated_high: int
    ties: int
    both_ends: bool

    @property
    def saturated(self) -> int:
        """Saturated values: at the end where they are fewer, if both ends are wanted."""
        ends = self.saturated_low, self.saturated_high
        return min(ends) if self.both_ends else max(ends)

    @property
    def missing(self) -> int:
        """How many of the module's conditions do not hold."""
        few_values, mostly_zero = self.distinct < self.wanted_distinct, 2 * self.zeros > self.values
        return few_values + mostly_zero + (self.saturated == 0) + (self.ties == 0)

    @property
    def scarce(self) -> int:
        """How many conditions hold so narrowly, if at all, that another image may miss them."""
        mostly_zero = 5 * self.zeros > 2 * self.values
        return mostly_zero + (100 * self.saturated < self.values) + (self.ties < 3)


def coverage(node: Convolution | Gain, x: IntArray) -> Coverage:
    """Measure a node on its input (H, W, C) int64.

    `ties` counts unsaturated values exactly half-way above an even integer: those half-up would round up. At
    least 16 values are wanted, or the range of the output's type; of a gain, never more than its input can take.
    """
    output = node.output
    if isinstance(node, Convolution):
        wide = node.accumulate(x)
        out = node.activate(wide)
        shift = node.shift
        if node.slope is not None:
            wide, shift = prelu(wide, node.slope, node.slope_fraction), shift + node.slope_fraction
        if node.imag_bits:  # the imaginary parts saturate elsewhere: the real ones are measured
            wide, shift, out = wide[..., 0::2], shift[0::2], out[..., 0::2]
        wanted, both_ends = min(16, 1 << node.output.bits), node.output.signed
    else:
        wide, shift = x * node.factor, np.asarray(node.shift)
        wanted, both_ends = min(16, 1 << node.input.bits), False
        out = requantise(wide, shift, output.bits, output.signed)
    low, high = output.bounds
    unlimited = requantise(wide, shift, 63, True)
    right = np.maximum(shift, 0)
    half = (np.int64(1) << right) >> 1
    tie = (shift > 0) & ((wide & ((np.int64(1) << right) - 1)) == half) & (((wide >> right) & 1) == 0)
    return Coverage(
        distinct=int(np.unique(out).size),
        wanted_distinct=wanted,
        values=out.size,
        zeros=int((out == 0).sum()),
        saturated_low=int((unlimited < low).sum()),
        saturated_high=int((unlimited > high).sum()),
        ties=int((tie & (unlimited >= low) & (unlimited <= high)).sum()),
        both_ends=both_ends,
    )


def synthetic_image(
    rng: np.random.Generator, height: int, width: int, darkest: int, brightest: int
) -> npt.NDArray[np.uint8]:
    """(height, width, 3) uint8: overlapping tinted rectangles with ramps, and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.zeros((height, width, 3), dtype=np.int64)
    image[:] = rng.integers(darkest, brightest + 1)
    for _ in range(14):
        top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
        inside = (y >= top) & (y < top + rng.integers(2, height)) & (x >= left) & (x < left + rng.integers(2, width))
        colour = rng.integers(darkest, brightest + 1, 3)
        ramp = (int(rng.integers(-4, 5)) * (y - top) + int(rng.integers(-4, 5)) * (x - left)) // 2
        image[inside] = (colour + ramp[:, :, None])[inside]
    image += rng.integers(-6, 7, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def random_graph(spec: ModelSpec, seed: int, side: str = "tx") -> Graph:
    """One side of a specification with random integers; symbols of a static gain saturate now and then.

    Parameters
    ----------
    spec
        Only its layers, surviving channels, frame, gain's mode, power and name are read.
    seed
        At least 0. The same seed gives the same graph.
    side
        "tx" or "rx".

    Raises
    ------
    HwgenError
        There is no decoder to make a receiver of.
    """
    rng = np.random.default_rng(seed)
    terms = {"license": "none: not trained on any data", "source": f"random integers, seed {seed}"}
    size = spec.frame.width, spec.frame.height
    if side == "rx":
        latent = spec.encoder_stream_channels[-1]
        nodes = _random_receiver(spec, rng, latent)
        return Graph(spec.name, size, nodes, "rx", latent, SYMBOL, SYMBOL_EXPONENT, terms=terms)
    return Graph(spec.name, size, _random_transmitter(spec, rng), terms=terms)


def _random_transmitter(spec: ModelSpec, rng: np.random.Generator) -> tuple[Node, ...]:
    height, width = (spec.downscale * max(5, math.ceil(size / spec.downscale)) for size in (20, 36))
    images = [synthetic_image(rng, height, width, *span) for span in ((0, 140), (0, 255), (60, 255))]
    frames: list[IntArray] = [image.astype(np.int64) for image in images]
    nodes: list[Node] = []
    channels, kind, exponent = 3, IntType(8, False), -8
    for index, (layer, out_channels) in enumerate(zip(spec.encoder, spec.encoder_stream_channels, strict=True)):
        output = IntType(layer.activation_bits, layer.activation != "relu")
        draw = _Layer.of(f"conv{index}", layer, (channels, out_channels), kind, output, exponent, 3 - output.bits)
        node = _best(draw, rng, frames)
        nodes.append(node)
        channels, kind, exponent = out_channels, node.output, node.output_exponent
        frames = [node.execute(frame) for frame in frames]
    if spec.gain.mode == "per_image":
        return (*nodes, Power("power", channels, round(spec.channel.power * 2**POWER.fraction), kind))
    return (*nodes, _random_gain(rng, channels, kind))


RECEIVED_EXPONENT = -6
"""Of 8 bits: values beyond +-2 saturate, one in a hundred of the symbols drawn here."""


def _random_receiver(spec: ModelSpec, rng: np.random.Generator, latent: int) -> tuple[Node, ...]:
    if not spec.decoder:
        raise HwgenError(spec.where("decoder"), "a decoder, to make a receiver of", "none")
    frames: list[IntArray] = [
        np.clip(np.rint(rng.normal(0.0, 0.75, (5, 9, latent)) * 4096), -32768, 32767).astype(np.int64) for _ in range(3)
    ]
    kind, imag = IntType(8, True), spec.received_imag_bits % 8
    received = Receive(
        "received", latent, RECEIVED_EXPONENT - SYMBOL_EXPONENT, kind, RECEIVED_EXPONENT,
        imag_bits=imag, imag_left=8 - imag if imag else 0,
    )  # fmt: skip
    nodes: list[Node] = [received]
    frames = [received.execute(frame) for frame in frames]
    channels, exponent = latent, RECEIVED_EXPONENT
    for index, (layer, out_channels) in enumerate(zip(spec.decoder, spec.decoder_stream_channels, strict=True)):
        activation = layer.activation
        output, output_exponent = IntType(layer.activation_bits, activation != "relu"), 3 - layer.activation_bits
        if activation == "clamp":  # what a rectifier's unsigned output does, with a pixel's exponent
            activation, output, output_exponent = "relu", IntType(8, False), -8
        elif activation == "sigmoid":
            activation, output, output_exponent = "none", TABLE, TABLE_EXPONENT
        plain = layer.model_copy(update={"activation": activation})
        draw = _Layer.of(
            f"deconv{index}", plain, (channels, out_channels), kind, output, exponent, output_exponent,
            transposed=layer.stride > 1,
        )  # fmt: skip
        node = _best(draw, rng, frames)
        nodes.append(node)
        channels, kind, exponent = out_channels, node.output, node.output_exponent
        frames = [node.execute(frame) for frame in frames]
    if spec.decoder[-1].activation == "sigmoid":
        nodes.append(Table("sigmoid", channels, sigmoid_values(TABLE.bits, TABLE_EXPONENT), kind, exponent))
    return tuple(nodes)


def _best(draw: _Layer, rng: np.random.Generator, frames: list[IntArray]) -> Convolution:
    """The first draw that meets all conditions on each frame, or the one that misses fewest."""
    best: tuple[int, Convolution] | None = None
    for attempt in range(ATTEMPTS):
        node = draw.convolution(rng, frames, coarse_all=attempt >= ATTEMPTS // 2)
        found = [coverage(node, frame) for frame in frames]
        # A margin matters less than a condition missed.
        lack = sum(1000 * c.missing + c.scarce for c in found)
        if best is None or lack < best[0]:
            best = lack, node
        if lack == 0:
            break
    assert best is not None
    return best[1]


@dataclass(frozen=True)
class _Layer:
    """What the specification fixes of a convolution; imag_bits: of weights, of activations (0: not complex)."""

    name: str
    shape: tuple[int, int, int, int]
    stride: int
    activation: Activation
    weight_bits: int
    input: IntType
    output: IntType
    input_exponent: int
    output_exponent: int
    padding: int
    output_padding: int | None = None
    imag_bits: tuple[int, int] = (0, 0)

    @staticmethod
    def of(
        name: str, layer: Layer, channels: tuple[int, int], input: IntType, output: IntType, input_exponent: int,
        output_exponent: int, transposed: bool = False,
    ) -> _Layer:  # fmt: skip
        """Of a specification's layer, of (in, out) channels of the stream."""
        return _Layer(
            name, (channels[1], channels[0], layer.kernel, layer.kernel), layer.stride, layer.activation,
            layer.weight_bits, input, output, input_exponent, output_exponent, layer.padding,
            getattr(layer, "output_padding", 0) if transposed else None,
            (layer.imag_weight_bits, layer.imag_activation_bits % layer.activation_bits),  # 0: as the real ones
        )  # fmt: skip

    @property
    def imag_left(self) -> int:
        """Of the output's imaginary parts: the same range as the real ones."""
        return self.output.bits - self.imag_bits[1] if self.imag_bits[1] else 0

    def convolution(self, rng: np.random.Generator, frames: list[IntArray], coarse_all: bool) -> Convolution:
        """One draw. Each channel's shift makes its spread fit the output; see `_shift`.

        A tie needs all bits below the rounding position but one to be zero, so that a shift by 11 would hardly
        ever meet one in a small frame. Channels made `coarse` have only weights that are multiples of a power
        of two (`_coarse`), which leaves few bits below the rounding position.
        """
        out_channels = self.shape[0]
        channels = range(out_channels)
        largest = bounds(self.weight_bits, True)[1]
        weight = rng.integers(-largest, largest + 1, self.shape)
        loudness = rng.integers(4, 9, out_channels)  # channels of different strength get different shifts
        weight = np.sign(weight) * -(-np.abs(weight) * loudness[:, None, None, None] // 8)
        first = weight.reshape(out_channels, -1)
        first[:, 0] = np.where(first.any(axis=1), first[:, 0], largest)
        slope = rng.integers(*_closed(bounds(SLOPE_BITS, True)), out_channels) if self.activation == "prelu" else None
        offset, target = rng.integers(-16, 17, out_channels), rng.integers(30, 56, out_channels)
        coarse = rng.integers(0, 3, out_channels) == 0
        coarse[rng.integers(0, out_channels)] = True
        coarse |= coarse_all

        weight = self._structured(weight)
        sums = self._sums(weight, frames)
        shift = np.array([self._shift(sums[:, o], 0, slope, o, int(target[o])) for o in channels])
        drop = np.zeros(out_channels, dtype=np.int64)
        for o in np.flatnonzero(coarse).tolist():
            weight[o], drop[o] = self._coarse(rng, weight[o], int(shift[o]))

        for o in np.flatnonzero(~coarse)[:1].tolist():  # both ends of the weights' range occur
            weight[o].reshape(-1)[rng.permutation(weight[o].size)[:2]] = (largest, -largest)[: weight[o].size]

        weight = self._structured(weight)
        sums = self._sums(weight, frames)
        bias = np.zeros(out_channels, dtype=np.int64)
        for o in channels:
            middle, spread = _centre(sums[:, o])
            lift = 2 if self.activation == "relu" else 0  # a rectifier must not cut most of it off
            value = -middle + spread * (int(offset[o]) + 16 * lift) // 32
            bias[o] = max(-BIAS_LIMIT, min(BIAS_LIMIT, value)) >> int(drop[o]) << int(drop[o])
        shift = np.array([self._shift(sums[:, o], int(bias[o]), slope, o, int(target[o])) for o in channels])
        if shift.max() < 1:  # sums so small that nothing would be rounded: round one channel all the same
            shift[rng.integers(0, out_channels)] = 1
        if self.imag_bits[0]:  # both parts of a channel share its weights' scale
            shift = np.repeat(np.maximum(shift[0::2], shift[1::2]), 2)
        return self._node(weight, bias, slope, shift)

    def _structured(self, weight: IntArray) -> IntArray:
        """Of a complex layer: the real and imaginary parts in an even row are those of both."""
        bits = self.imag_bits[0]
        if not bits:
            return weight
        left, limit = self.weight_bits - bits, bounds(bits, True)[1]
        imag = np.sign(weight[0::2, 1::2]) * np.minimum(np.abs(weight[0::2, 1::2]) >> left, limit) << left
        return complex_weight(weight[0::2, 0::2], imag)

    def _coarse(self, rng: np.random.Generator, weight: IntArray, shift: int) -> tuple[IntArray, int]:
        """One channel's weights, rounded to multiples of 2**drop, and drop.

        Where the weights' width does not allow the multiple that leaves three bits below the rounding position,
        most of them become zero: a smaller sum is shifted less.
        """
        drop = max(0, min(shift - 3, self.weight_bits - 2))
        largest = bounds(self.weight_bits, True)[1] >> drop
        magnitude = np.minimum((np.abs(weight) + (1 << drop >> 1)) >> drop, largest)
        rounded = np.where(weight < 0, -magnitude, magnitude).reshape(-1)
        if shift - drop > 4:
            kept = np.zeros(rounded.size, dtype=np.int64)
            kept[rng.integers(0, rounded.size, 4)] = largest
            rounded = kept * np.sign(rounded)
        if not rounded.any():
            rounded[rng.integers(0, rounded.size)] = largest
        return rounded.reshape(weight.shape) << drop, drop

    def _sums(self, weight: IntArray, frames: list[IntArray]) -> IntArray:
        """(values, out_channels): the sums of products without bias, of all frames."""
        zeros = np.zeros(self.shape[0], dtype=np.int64)
        node = self._node(weight, zeros, zeros if self.activation == "prelu" else None, zeros)
        return np.concatenate([node.accumulate(frame).reshape(-1, self.shape[0]) for frame in frames])

    def _shift(self, sums: IntArray, bias: int, slope: IntArray | None, channel: int, target: int) -> int:
        """Shift that brings the spread to about `target`/64 of the signed output's half range, or the unsigned's."""
        wide, fraction = sums + bias, 0
        if slope is not None:
            wide, fraction = prelu(wide, slope[channel], SLOPE_FRACTION), SLOPE_FRACTION
        spread = _centre(wide)[1] / 2**fraction
        room = (1 << self.output.bits - self.output.signed) * target / 64
        return int(np.clip(round(math.log2(max(spread, 1.0) / room)), *SHIFTS))

    def _node(self, weight: IntArray, bias: IntArray, slope: IntArray | None, shift: IntArray) -> Convolution:
        """shift : without what the imaginary parts' coarser grid adds."""
        kind: type[Convolution] = Conv2d
        more: dict[str, Any] = {}
        if self.imag_bits[0]:
            kind = ComplexConv2d
        elif self.output_padding is not None:
            kind, more = ConvTranspose2d, {"output_padding": self.output_padding}
        shift = shift.copy()
        weight_exponent = self.output_exponent - self.input_exponent - shift
        shift[1::2] += self.imag_left
        return kind(
            name=self.name,
            in_channels=self.shape[1],
            out_channels=self.shape[0],
            kernel=self.shape[2],
            stride=self.stride,
            padding=self.padding,
            weight=weight,
            weight_bits=self.weight_bits,
            bias=bias,
            activation=self.activation,
            slope=slope,
            slope_bits=0 if slope is None else SLOPE_BITS,
            slope_fraction=0 if slope is None else SLOPE_FRACTION,
            shift=shift,
            input=self.input,
            output=self.output,
            input_exponent=self.input_exponent,
            weight_exponent=weight_exponent,
            output_exponent=self.output_exponent,
            accumulator_bits=accumulator_bits(weight, bias, self.input),
            imag_bits=self.imag_bits[1],
            imag_left=self.imag_left,
            **more,
        )


def _closed(span: tuple[int, int]) -> tuple[int, int]:
    """(low, high) as `Generator.integers` wants it, so that high can be drawn."""
    return span[0], span[1] + 1


def _centre(values: IntArray) -> tuple[int, int]:
    """Mean, and 5/4 of the mean absolute deviation (a normal distribution's standard deviation), in integers."""
    middle = int(values.sum()) // values.size
    return middle, int(np.abs(values - middle).sum()) * 5 // (4 * values.size)


def _random_gain(rng: np.random.Generator, channels: int, kind: IntType) -> Gain:
    """A gain for which the largest latent values saturate and every eighth or so value is a tie.

    x * factor * 2**-shift is a tie where x is an odd multiple of 2**t and factor = odd << j, shift = t + 1 + j.
    """
    headroom = kind.bits if kind.signed else kind.bits + 1
    t = min(2, headroom - 2)
    # Of 1024: what the largest value becomes of full scale. Little more than 1, for saturated codes look alike.
    if kind.signed:
        ratio = int(rng.integers(1055, 1147))
    else:
        ratio = int(rng.integers(1030, 1055)) * 2**kind.bits // kind.magnitude
    odd = ((ratio << 16 - headroom + t + 1) // 1024) | 1
    j = int(rng.integers(0, 17 - odd.bit_length()))
    return Gain("gain", channels, factor=odd << j, factor_bits=16, shift=t + 1 + j, input=kind)
