"""Convolutions of random integers, drawn until their outputs meet what is wanted of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwgen.assembly.convolution import Integers, convolution_node, leaky_slope
from hwgen.assembly.place import Place
from hwgen.ir.nodes import Convolution
from hwgen.ir.nodes.complex_conv2d import complex_weight
from hwgen.ir.types import SHIFTS, IntType
from hwgen.numerics.formats import SLOPE
from hwgen.numerics.integer import IntArray, bounds, prelu
from hwgen.random_init.coverage import coverage

if TYPE_CHECKING:
    from hwgen.spec.layers import Layer

ATTEMPTS = 32
BIAS_LIMIT = (1 << 31) - 1


def best(draw: ConvolutionDraw, rng: np.random.Generator, frames: list[IntArray]) -> Convolution:
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
class ConvolutionDraw:
    """A convolution whose integers are drawn."""

    place: Place

    @property
    def layer(self) -> Layer:
        """The specification's."""
        return self.place.convolution

    @property
    def output(self) -> IntType:
        """Type of the rounded accumulators: an activation that is a table follows as a node of its own."""
        return self.place.requantised[0]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights: (out_channels, in_channels / groups, kernel height, kernel width)."""
        placed = self.place.placed
        return (placed.given.channels, placed.taken[0].channels // placed.groups, *self.layer.kernel_size)

    @property
    def weight_bits(self) -> int:
        """Bits of a weight."""
        return self.layer.weight_bits

    @property
    def imag_bits(self) -> tuple[int, int]:
        """Bits of the imaginary parts of weights and of activations; 0 where the layer is not complex, or as many."""
        return self.layer.imag_weight_bits, self.layer.imag_activation_bits % self.layer.activation_bits

    @property
    def imag_left(self) -> int:
        """Left shift of the output's imaginary parts, with which they have the range of the real ones."""
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
        slopes = self.place.activation == "prelu"
        slope = rng.integers(*_closed(SLOPE.bounds), out_channels) if slopes else None
        if slope is not None and self.layer.activation == "leaky_relu":
            slope[:] = leaky_slope(self.layer)
        book = self._codebook(rng)
        offset, target = rng.integers(-16, 17, out_channels), rng.integers(30, 56, out_channels)
        coarse = rng.integers(0, 3, out_channels) == 0
        coarse[rng.integers(0, out_channels)] = True
        coarse |= coarse_all

        weight = self._structured(weight, book)
        sums = self._sums(weight, frames)
        shift = np.array([self._shift(sums[:, o], 0, slope, o, int(target[o])) for o in channels])
        drop = np.zeros(out_channels, dtype=np.int64)
        for o in np.flatnonzero(coarse).tolist():
            weight[o], drop[o] = self._coarse(rng, weight[o], int(shift[o]))

        for o in np.flatnonzero(~coarse)[:1].tolist():  # both ends of the weights' range occur
            weight[o].reshape(-1)[rng.permutation(weight[o].size)[:2]] = (largest, -largest)[: weight[o].size]

        weight = self._structured(weight, book)
        sums = self._sums(weight, frames)
        bias = np.zeros(out_channels, dtype=np.int64)
        for o in channels:
            middle, spread = _centre(sums[:, o])
            lift = 2 if self.place.activation == "relu" else 0  # a rectifier must not cut most of it off
            value = -middle + spread * (int(offset[o]) + 16 * lift) // 32
            bias[o] = max(-BIAS_LIMIT, min(BIAS_LIMIT, value)) >> int(drop[o]) << int(drop[o])
        shift = np.array([self._shift(sums[:, o], int(bias[o]), slope, o, int(target[o])) for o in channels])
        if shift.max() < 1:  # sums so small that nothing would be rounded: round one channel all the same
            shift[rng.integers(0, out_channels)] = 1
        if self.imag_bits[0]:  # both parts of a channel share its weights' scale
            shift = np.repeat(np.maximum(shift[0::2], shift[1::2]), 2)
        return self._node(weight, bias, slope, shift, book)

    def _codebook(self, rng: np.random.Generator) -> IntArray | None:
        """The integers that the weights may be, ascending, both ends of their range among them."""
        if self.layer.weights is None:
            return None
        largest = bounds(self.weight_bits, True)[1]
        inner = rng.choice(np.arange(1 - largest, largest), self.layer.weights.codebook - 2, replace=False)
        return np.sort(np.concatenate([inner, [-largest, largest]])).astype(np.int64)

    def _structured(self, weight: IntArray, book: IntArray | None) -> IntArray:
        """Weights as the layer's form allows: of a codebook the nearest of its values; of a complex layer the real and
        imaginary parts in an even row are those of both."""
        if book is not None:
            return book[np.abs(weight[..., None] - book).argmin(axis=-1)]
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
        node = self._node(weight, zeros, zeros if self.place.activation == "prelu" else None, zeros)
        return np.concatenate([node.accumulate(frame).reshape(-1, self.shape[0]) for frame in frames])

    def _shift(self, sums: IntArray, bias: int, slope: IntArray | None, channel: int, target: int) -> int:
        """Shift that brings the spread to about `target`/64 of the signed output's half range, or the unsigned's."""
        wide, fraction = sums + bias, 0
        if slope is not None:
            wide, fraction = prelu(wide, slope[channel], SLOPE.fraction), SLOPE.fraction
        spread = _centre(wide)[1] / 2**fraction
        room = (1 << self.output.bits - self.output.signed) * target / 64
        return int(np.clip(round(math.log2(max(spread, 1.0) / room)), *SHIFTS))

    def _node(
        self, weight: IntArray, bias: IntArray, slope: IntArray | None, shift: IntArray, book: IntArray | None = None
    ) -> Convolution:
        """shift : without what the imaginary parts' coarser grid adds."""
        weight_exponent = self.place.requantised[1] - self.place.input[1] - shift
        integers = Integers(weight, bias, weight_exponent, slope, imag_left=self.imag_left, codebook=book)
        return convolution_node(self.place, integers)


def _closed(span: tuple[int, int]) -> tuple[int, int]:
    """(low, high) as `Generator.integers` wants it, so that high can be drawn."""
    return span[0], span[1] + 1


def _centre(values: IntArray) -> tuple[int, int]:
    """Mean, and 5/4 of the mean absolute deviation (a normal distribution's standard deviation), in integers."""
    middle = int(values.sum()) // values.size
    return middle, int(np.abs(values - middle).sum()) * 5 // (4 * values.size)
