"""Coverage of a layer's output on a frame: how many values, saturation, rounding ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwgen.ir.nodes import Convolution, Gain
from hwgen.ir.rounding import rounding
from hwgen.numerics.integer import IntArray


@dataclass(frozen=True)
class Coverage:
    """The coverage of one layer's output: see `coverage`."""

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
        """Number of the module's conditions that do not hold."""
        few_values, mostly_zero = self.distinct < self.wanted_distinct, 2 * self.zeros > self.values
        return few_values + mostly_zero + (self.saturated == 0) + (self.ties == 0)

    @property
    def scarce(self) -> int:
        """Number of conditions that hold so narrowly, if at all, that another image may miss them."""
        mostly_zero = 5 * self.zeros > 2 * self.values
        return mostly_zero + (100 * self.saturated < self.values) + (self.ties < 3)


def coverage(node: Convolution | Gain, x: IntArray) -> Coverage:
    """Measure a node on its input (H, W, C) int64.

    `ties` counts unsaturated values exactly half-way above an even integer: those half-up would round up. At
    least 16 values are wanted, or the range of the output's type; of a gain, never more than its input can take.
    """
    found, out = rounding(node, x), node.execute(x)
    assert found is not None, "convolutions and gains round"
    if isinstance(node, Convolution):
        if node.imag_bits:  # the imaginary parts saturate elsewhere: the real ones are measured
            found, out = found.part(slice(0, None, 2)), out[..., 0::2]
        wanted, both_ends = min(16, 1 << node.output.bits), node.output.signed
        if node.activation == "clip":
            wanted = min(wanted, node.ceiling + 1)
    else:
        wanted, both_ends = min(16, 1 << node.input.bits), False
    met = found.met()
    return Coverage(
        distinct=int(np.unique(out).size),
        wanted_distinct=wanted,
        values=out.size,
        zeros=int((out == 0).sum()),
        saturated_low=met.saturated_low,
        saturated_high=met.saturated_high,
        ties=met.ties_down,
        both_ends=both_ends,
    )
