"""Random integers as weights, so that a specification nobody has trained can be emitted and verified.

A random network proves nothing where its values do not go: a layer that is mostly zero hides errors, one that
never saturates or never meets a rounding tie leaves those rules untested. So every layer is drawn, run on three
synthetic images of at least 36x20, measured (`coverage`) and, if need be, drawn again, until its output

- takes at least 16 distinct values, or its type's whole range;
- is not mostly zero;
- saturates, at both ends where it is signed (a gain: at one);
- meets rounding ties that half-even and half-up round differently.

Where no draw reaches all of it (one 1x1 kernel of 2-bit weights on one 2-bit channel has four outputs at most),
the best one is taken. Only integers are drawn and measured: a seed gives the same graph on any machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hwgen.fixedpoint import IntArray, bounds, prelu, requantise
from hwgen.ir.execute import accumulate, execute_node
from hwgen.ir.graph import SHIFTS, Activation, Conv2d, Gain, Graph, IntType, Node, accumulator_bits

if TYPE_CHECKING:
    from hwgen.spec import ModelSpec

ATTEMPTS = 32
SLOPE_BITS, SLOPE_FRACTION = 8, 6
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


def coverage(node: Node, x: IntArray) -> Coverage:
    """Measure a node on its input (H, W, C) int64.

    `ties` counts unsaturated values exactly half-way above an even integer: those half-up would round up. At
    least 16 values are wanted, or the range of the output's type; of a gain, never more than its input can take.
    """
    if isinstance(node, Conv2d):
        wide = accumulate(node, x)
        shift = node.shift
        if node.slope is not None:
            wide, shift = prelu(wide, node.slope, node.slope_fraction), shift + node.slope_fraction
        wanted, both_ends = min(16, 1 << node.output.bits), node.output.signed
    else:
        wide, shift = x * node.factor, np.asarray(node.shift)
        wanted, both_ends = min(16, 1 << node.input.bits), False
    output = node.output
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


def random_graph(spec: ModelSpec, seed: int) -> Graph:
    """A graph of a specification's encoder with random integers, and a gain that makes some symbols saturate.

    Parameters
    ----------
    spec
        Only its encoder, surviving channels, frame and name are read.
    seed
        At least 0. The same seed gives the same graph.
    """
    rng = np.random.default_rng(seed)
    height, width = (spec.downscale * max(5, math.ceil(size / spec.downscale)) for size in (20, 36))
    images = [synthetic_image(rng, height, width, *span) for span in ((0, 140), (0, 255), (60, 255))]
    frames: list[IntArray] = [image.astype(np.int64) for image in images]
    nodes: list[Node] = []
    channels, kind, exponent = 3, IntType(8, False), -8
    for index, (layer, out_channels) in enumerate(zip(spec.encoder, spec.encoder_channels, strict=True)):
        shape = (out_channels, channels, layer.kernel, layer.kernel)
        output = IntType(layer.activation_bits, layer.activation != "relu")
        draw = _Layer(f"conv{index}", shape, layer.stride, layer.activation, layer.weight_bits, kind, output, exponent)
        node = _best(draw, rng, frames)
        nodes.append(node)
        channels, kind, exponent = out_channels, node.output, node.output_exponent
        frames = [execute_node(node, frame) for frame in frames]
    nodes.append(_random_gain(rng, channels, kind))
    terms = {"license": "none: not trained on any data", "source": f"random integers, seed {seed}"}
    return Graph(spec.name, (spec.frame.width, spec.frame.height), tuple(nodes), terms=terms)


def _best(draw: _Layer, rng: np.random.Generator, frames: list[IntArray]) -> Conv2d:
    """The first draw that meets all conditions on each frame, or the one that misses fewest."""
    best: tuple[int, Conv2d] | None = None
    for attempt in range(ATTEMPTS):
        node = draw.conv2d(rng, frames, coarse_all=attempt >= ATTEMPTS // 2)
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
    """What the specification fixes of a convolution."""

    name: str
    shape: tuple[int, int, int, int]
    stride: int
    activation: Activation
    weight_bits: int
    input: IntType
    output: IntType
    input_exponent: int

    def conv2d(self, rng: np.random.Generator, frames: list[IntArray], coarse_all: bool) -> Conv2d:
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

        sums = self._sums(weight, frames)
        shift = np.array([self._shift(sums[:, o], 0, slope, o, int(target[o])) for o in channels])
        drop = np.zeros(out_channels, dtype=np.int64)
        for o in np.flatnonzero(coarse).tolist():
            weight[o], drop[o] = self._coarse(rng, weight[o], int(shift[o]))

        for o in np.flatnonzero(~coarse)[:1].tolist():  # both ends of the weights' range occur
            weight[o].reshape(-1)[rng.permutation(weight[o].size)[:2]] = (largest, -largest)[: weight[o].size]

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
        return self._node(weight, bias, slope, shift)

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
        return np.concatenate([accumulate(node, frame).reshape(-1, self.shape[0]) for frame in frames])

    def _shift(self, sums: IntArray, bias: int, slope: IntArray | None, channel: int, target: int) -> int:
        """Shift that brings the spread to about `target`/64 of the signed output's half range, or the unsigned's."""
        wide, fraction = sums + bias, 0
        if slope is not None:
            wide, fraction = prelu(wide, slope[channel], SLOPE_FRACTION), SLOPE_FRACTION
        spread = _centre(wide)[1] / 2**fraction
        room = (1 << self.output.bits - self.output.signed) * target / 64
        return int(np.clip(round(math.log2(max(spread, 1.0) / room)), *SHIFTS))

    def _node(self, weight: IntArray, bias: IntArray, slope: IntArray | None, shift: IntArray) -> Conv2d:
        output_exponent = 3 - self.output.bits
        return Conv2d(
            name=self.name,
            in_channels=self.shape[1],
            out_channels=self.shape[0],
            kernel=self.shape[2],
            stride=self.stride,
            padding=self.shape[2] // 2,
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
            weight_exponent=output_exponent - self.input_exponent - shift,
            output_exponent=output_exponent,
            accumulator_bits=accumulator_bits(weight, bias, self.input),
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
