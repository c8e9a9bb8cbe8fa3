"""Sets of integers that a stream's channels can take: what the bounds of a graph are computed with.

The set of a channel is {low, low + step, ..., high}. Every operation gives a set that has all results of all choices
of its inputs' values, each value chosen on its own, and perhaps others: what is outside cannot occur.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwgen.ir.nodes import Convolution, ConvTranspose2d
from hwgen.ir.rounding import Rule
from hwgen.ir.types import IntType
from hwgen.numerics.integer import IntArray, round_shift

Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Spans:
    """{low, low + step, ..., high} of every channel; none at all where low > high.

    low, high, step : (C,) int64; step 0 where there is one integer at most, else at least 1 and a divisor of high - low
    """

    low: IntArray
    high: IntArray
    step: IntArray

    @classmethod
    def of(cls, type: IntType, channels: int) -> Spans:
        """All integers of a type."""
        low, high = type.bounds
        return cls(*(np.full(channels, value, dtype=np.int64) for value in (low, high, 1)))

    @property
    def constant(self) -> Truths:
        """(C,): one integer at most."""
        return np.asarray(self.low >= self.high)

    def with_zero(self) -> Spans:
        """And 0, the value outside of a frame."""
        zero = np.zeros_like(self.low)
        return union([self, Spans(zero, zero, zero)])

    def scaled(self, factor: IntArray | int) -> Spans:
        """Times an integer, or one for each channel."""
        ends = self.low * factor, self.high * factor
        empty = self.low > self.high
        return Spans(
            np.where(empty, 1, np.minimum(*ends)), np.where(empty, 0, np.maximum(*ends)),
            np.where(empty, 0, self.step * np.abs(factor)),
        )  # fmt: skip

    def within(self, low: int | None, high: int | None) -> Spans:
        """Those integers that are at least `low` and at most `high`; None is no limit."""
        first, last, step = self.low, self.high, np.maximum(self.step, 1)
        if low is not None:
            first = np.where(first < low, first + -(-(low - first) // step) * step, first)
        if high is not None:
            last = np.where(last > high, last - -(-(last - high) // step) * step, last)
        empty, one = first > last, first == last
        return Spans(np.where(empty, 1, first), np.where(empty, 0, last), np.where(empty | one, 0, self.step))

    def part(self, channels: IntArray | slice) -> Spans:
        """The spans of some channels, in that order."""
        return Spans(self.low[channels], self.high[channels], self.step[channels])

    def rounded(self, rule: Rule) -> Spans:
        """The spans of the values behind a rule's rounding and saturation."""
        exact = (rule.shift <= 0) & (self.step > 0)
        ends = [round_shift(end, rule.shift) for end in (self.low, self.high)]
        step = np.where(exact, self.step << np.maximum(-rule.shift, 0), 1)
        step = np.where((ends[0] < rule.low) | (ends[1] > rule.high), 1, step)
        low, high = (np.clip(end, rule.low, rule.high) for end in ends)
        empty = self.low > self.high
        return Spans(
            np.where(empty, 1, low << rule.left), np.where(empty, 0, high << rule.left),
            np.where(empty | (low == high), 0, step << rule.left),
        )  # fmt: skip

    def tie(self, rule: Rule, odd: bool) -> Truths:
        """(C,): whether one of them is half-way between two integers of the output, the lower one odd or
        even."""
        return np.array([self._tie(rule, channel, odd) for channel in range(len(self.low))], dtype=bool)

    def _tie(self, rule: Rule, channel: int, odd: bool) -> bool:
        low, high, step, shift = (int(a[channel]) for a in (self.low, self.high, self.step, rule.shift))
        if low > high or shift <= 0:
            return False
        first = max(int(rule.low[channel]), (low >> shift) - 1)
        last = min(int(rule.high[channel]) - 1, high >> shift)
        floors = np.arange(first + ((first & 1) != odd), last + 1, 2, dtype=np.int64)
        halves = (2 * floors + 1) << (shift - 1)
        reached = (halves >= low) & (halves <= high) & ((halves - low) % max(step, 1) == 0)
        return bool(reached.any())

    def rounds_beyond(self, rule: Rule) -> Truths:
        """(C,): whether one of them is below the integer above the output's largest one, and rounded to it."""
        step, unit = np.maximum(self.step, 1), np.int64(1) << np.maximum(rule.shift, 0)
        first = rule.high * unit + (unit >> 1) + (rule.high % 2 == 0)  # half-way above an even one is rounded down
        lowest = np.maximum(self.low, self.low - (self.low - first) // step * step)  # of them, at least `first`
        found = (rule.shift > 0) & (lowest <= self.high) & (lowest < (rule.high + 1) * unit)
        return np.asarray(found, dtype=bool)


def union(spans: Sequence[Spans]) -> Spans:
    """A set that has all of theirs, channel by channel."""
    found = spans[0]
    for other in spans[1:]:
        low, high = np.minimum(found.low, other.low), np.maximum(found.high, other.high)
        step = np.gcd(np.gcd(found.step, other.step), np.abs(found.low - other.low))
        first, second = found.low > found.high, other.low > other.high
        low = np.where(first, other.low, np.where(second, found.low, low))
        high = np.where(first, other.high, np.where(second, found.high, high))
        step = np.where(first, other.step, np.where(second, found.step, step))
        found = Spans(low, high, step)
    return found


def all_channels(spans: Spans) -> Spans:
    """One channel, with what any of them can take."""
    return union([spans.part(np.array([channel])) for channel in range(len(spans.low))])


def sums(first: Spans, second: Spans) -> Spans:
    """The sums of one value of `first` and one of `second`, channel by channel."""
    return Spans(first.low + second.low, first.high + second.high, np.gcd(first.step, second.step))


def accumulators(node: Convolution, taken: Spans) -> Spans:
    """A convolution's accumulators: at a frame's border zeros take the place of some inputs."""
    transposed = isinstance(node, ConvTranspose2d)
    if transposed or node.padding:
        taken = taken.with_zero()
    if not transposed:
        return _weighted(node, node.weight, taken)
    rest, kernel = node.stride, node.kernel
    phases = [
        _weighted(node, node.weight[:, :, row::rest, column::rest], taken)
        for row in range(min(rest, kernel)) for column in range(min(rest, kernel))
    ]  # fmt: skip
    if rest > kernel:  # outputs without any tap
        phases.append(Spans(node.bias, node.bias, np.zeros_like(node.bias)))
    return union(phases)


def _weighted(node: Convolution, weight: IntArray, taken: Spans) -> Spans:
    """Bias and the weighted sum of inputs: (O, I / groups, K, L) weights, every tap's input chosen on its own."""
    outputs, inner = weight.shape[0], weight.shape[1]
    group = np.arange(outputs) // (outputs // node.groups)
    inputs = group[:, None] * inner + np.arange(inner)  # (O, I / groups): the channels that an output sees
    low, high, step = (a[inputs][:, :, None, None] for a in (taken.low, taken.high, taken.step))
    ends = weight * low, weight * high
    axes = (1, 2, 3)
    steps = np.gcd.reduce((np.abs(weight) * step).reshape(outputs, -1), axis=1)
    return Spans(
        node.bias + np.minimum(*ends).sum(axis=axes), node.bias + np.maximum(*ends).sum(axis=axes), steps
    )  # fmt: skip
