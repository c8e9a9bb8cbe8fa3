"""Cycles per frame and latency, before anything is simulated.

Interval. Every stage works on its own and all buffers are deep enough that none waits for another in the steady
state, so the frame interval is that of the busiest stage: a convolution's multipliers, or a stream that carries one
beat per cycle.

Latency. With an empty pipeline nothing is held back, so time flows from the input to the output only. A layer starts
output pixel i when the pixel before is done and the last input pixel of its window has arrived,

    start[i] = max(start[i - 1] + cycles_per_pixel, arrival[needed(i)])

which is a running maximum of arrival[needed(i)] - i * cycles_per_pixel; its last value leaves `pixel_latency` later.
The constants are the components' own properties.
"""

from __future__ import annotations

import numpy as np

from hwgen.passes.plan import Plan
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.gain import Gain
from hwgen.rtl.pixels import PixelSerialiser
from hwgen.rtl.symbols import SymbolPacker
from hwgen.rtl.window import WindowShape


def layer_cycles(folding: ConvolutionFolding) -> int:
    """Cycles per frame that a layer needs at least: its multipliers, and its streams of one beat per cycle."""
    window = folding.window
    beats_in = window.width * window.height * folding.beats_in
    beats_out = window.out_width * window.out_height * folding.beats_out
    return max(folding.compute_cycles, beats_in, beats_out)


def frame_interval(plan: Plan) -> int:
    """Cycles from one frame's TLAST to the next, frames back to back."""
    return max(map(layer_cycles, plan.foldings.values()))


def latency(plan: Plan) -> int:
    """Cycles from the first accepted input beat to the frame's TLAST, pipeline empty before."""
    pixels = np.arange(plan.width * plan.height, dtype=np.int64)
    if plan.pixel_lanes == 1:
        channels = plan.graph.input_channels
        accepted = PixelSerialiser.latency + channels * pixels + channels - 1
    else:
        accepted = pixels
    for folding in plan.foldings.values():
        window = folding.window
        arrival = accepted + folding.arrival_latency
        cycles = window.cycles_per_pixel * np.arange(window.out_width * window.out_height, dtype=np.int64)
        start = np.maximum.accumulate(arrival[needed(window) - 1] - cycles) + cycles
        accepted = start + folding.pixel_latency
    return int(accepted[-1]) + Gain.latency + SymbolPacker.latency


def needed(window: WindowShape) -> np.ndarray:
    """window.needed for every output pixel in raster order."""
    rows = np.array([window.needed(row, 0) for row in range(window.out_height)])
    columns = np.array([window.needed(0, column) for column in range(window.out_width)])
    return (rows[:, None] + (columns - columns[0])[None, :]).ravel()
