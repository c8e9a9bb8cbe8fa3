"""Delays of the wires between cells, in ns: quantiles of routed ones, by fan-out and by kind of end point.

Source: designs of hwgen placed and routed with open tools, XC7Z020-1, our own measurement. A net's delay depends on
where its ends lie, which nobody knows before placement; but the wires of a given fan-out, all taken together, have a
distribution. Half of them are faster than its median, nine of ten faster than its 90 % point. Between the fan-outs
measured a delay grows with each doubling alike, and beyond the last one as before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log2


@dataclass(frozen=True)
class Wires:
    """One quantile of the delays of routed wires.

    Parameters
    ----------
    by_fan_out
        (fan-out, ns), the fan-outs ascending from 1.
    ram_to_dsp
        Least delay from a block RAM to a DSP: their columns lie apart.
    """

    by_fan_out: tuple[tuple[int, float], ...]
    ram_to_dsp: float

    def delay(self, fan_out: int, ram_to_dsp: bool = False) -> float:
        """Delay of a net to each of the places that it goes to, in whole picoseconds."""
        for (few, low), (many, high) in pairwise(self.by_fan_out):
            slope = (high - low) / log2(many / few)
            delay = low + slope * log2(fan_out / few)
            if fan_out <= many:
                break
        return round(max(delay, self.ram_to_dsp) if ram_to_dsp else delay, 3)


MEDIAN = Wires(((1, 0.85), (16, 1.4), (256, 1.8), (1024, 3.7)), ram_to_dsp=1.85)
SLOW = Wires(((1, 1.8), (16, 2.2), (256, 2.6), (1024, 9.8)), ram_to_dsp=3.2)
