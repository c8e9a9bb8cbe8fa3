"""A node's values before they are rounded and saturated, and counts of what the rounding does to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from hwgen.ir.node import Node
from hwgen.ir.nodes import Add, AveragePool, Convolution, Gain, Receive
from hwgen.numerics.integer import IntArray, bounds, prelu, round_shift


@dataclass(frozen=True)
class Met:
    """Counts of values that were limited at either end, and of others that were ties, rounded to the even integer
    below them or above."""

    saturated_low: int
    saturated_high: int
    ties_down: int
    ties_up: int

    def __add__(self, other: Met) -> Met:
        return Met(
            self.saturated_low + other.saturated_low, self.saturated_high + other.saturated_high,
            self.ties_down + other.ties_down, self.ties_up + other.ties_up,
        )  # fmt: skip


@dataclass(frozen=True)
class Rounding:
    """A step from wide integers to a node's output: out = min(max(wide * 2**-shift, low), high).

    wide : (H, W, C) int64
    shift, low, high : (C,) int64
    accumulators : (H, W, C) int64 of a convolution, in front of its PReLU; None of other kinds
    """

    wide: IntArray
    shift: IntArray
    low: IntArray
    high: IntArray
    accumulators: IntArray | None = None

    def part(self, channels: slice) -> Rounding:
        """The values of some channels alone."""
        acc = None if self.accumulators is None else self.accumulators[..., channels]
        return Rounding(
            self.wide[..., channels], self.shift[channels], self.low[channels], self.high[channels], acc
        )  # fmt: skip

    def met(self) -> Met:
        """Counts of the values that are limited and of those that are ties."""
        rounded = round_shift(self.wide, self.shift)
        below, above = rounded < self.low, rounded > self.high
        right = np.maximum(self.shift, 0)
        rest = self.wide & ((np.int64(1) << right) - 1)
        tie = (self.shift > 0) & (rest == (np.int64(1) << right) >> 1) & ~below & ~above
        odd = ((self.wide >> right) & 1).astype(bool)
        return Met(int(below.sum()), int(above.sum()), int((tie & ~odd).sum()), int((tie & odd).sum()))


@singledispatch
def rounding(node: Node, *inputs: IntArray) -> Rounding | None:
    """The rounding of a node for its inputs (H, W, C) int64; None of a kind that rounds nothing, or not only once."""
    return None


@rounding.register
def _(node: Convolution, *inputs: IntArray) -> Rounding:
    acc = node.accumulate(inputs[0])
    wide, shift = acc, node.shift
    if node.slope is not None:
        wide, shift = prelu(acc, node.slope, node.slope_fraction), shift + node.slope_fraction
    made = _made(node, wide, shift, node.imag_bits)
    high = np.minimum(made.high, node.ceiling) if node.activation == "clip" else made.high
    return replace(made, high=high, accumulators=acc)


@rounding.register
def _(node: Gain, *inputs: IntArray) -> Rounding:
    return _made(node, inputs[0] * node.factor, node.shift)


@rounding.register
def _(node: Receive, *inputs: IntArray) -> Rounding:
    shift = np.full(node.channels, node.shift, dtype=np.int64)
    shift[1::2] += node.imag_left
    return _made(node, inputs[0], shift, node.imag_bits)


@rounding.register
def _(node: Add, *inputs: IntArray) -> Rounding:
    return _made(node, inputs[0] + inputs[1], node.shift)


@rounding.register
def _(node: AveragePool, *inputs: IntArray) -> Rounding:
    return _made(node, node.windows(inputs[0], 0).sum(axis=(3, 4)) * node.multiplier, node.shift)


def _made(node: Node, wide: IntArray, shift: IntArray | int, imag_bits: int = 0) -> Rounding:
    """With the limits of the node's output; odd channels have their own where `imag_bits` says so."""
    channels = wide.shape[-1:]
    low, high = (np.full(channels, end, dtype=np.int64) for end in node.output.bounds)
    if imag_bits:
        low[1::2], high[1::2] = bounds(imag_bits, node.output.signed)
    return Rounding(wide, np.broadcast_to(np.asarray(shift, dtype=np.int64), channels), low, high)
