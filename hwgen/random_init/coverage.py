"""What a layer's output meets on a frame: how many values, saturation, rounding ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwgen.ir.nodes import Convolution, Gain
from hwgen.numerics.integer import IntArray, prelu, requantise


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
    if isinstance(node, Convolution) and node.activation == "clip":
        high, wanted = node.ceiling, min(wanted, node.ceiling + 1)
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
