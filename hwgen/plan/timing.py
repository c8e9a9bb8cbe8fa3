"""Cycles per frame and latency, before anything is simulated.

Interval. Every stage works on its own and all buffers are deep enough that none waits for another in the steady
state, so the frame interval is that of the busiest stage: a convolution's multipliers, a stream that carries one beat
per cycle, or what stands around the convolutions (`ends.py`).

Latency. With an empty pipeline nothing is held back, so time flows from the input to the output only. A layer starts
output pixel i when the pixel before is done and the last input pixel of its window has arrived,

    start[i] = max(start[i - 1] + cycles[i - 1], arrival[needed(i)])

which is a running maximum of arrival[needed(i)] - (cycles of all pixels before i). A convolution's pixels all take as
many cycles; a transposed one's take what the taps of their phase do. The last value of a pixel leaves `last_latency`
after its last word. The constants are the components' own properties.
"""

from __future__ import annotations

import numpy as np

from hwgen.plan.ends import end_cycles, head_latency, tail_latency
from hwgen.plan.plan import Plan
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.window import WindowShape


def layer_cycles(folding: ConvolutionFolding) -> int:
    """Cycles per frame that a layer needs at least: its multipliers, and its streams of one beat per cycle."""
    window = folding.window
    beats_in = window.width * window.height * folding.beats_in
    beats_out = window.out_width * window.out_height * folding.beats_out
    return max(folding.compute_cycles, beats_in, beats_out)


def frame_interval(plan: Plan) -> int:
    """Cycles from one frame's TLAST to the next, frames back to back."""
    return max(*map(layer_cycles, plan.foldings.values()), end_cycles(plan.graph, plan.width, plan.height))


def latency(plan: Plan) -> int:
    """Cycles from the first accepted input beat to the frame's TLAST, pipeline empty before."""
    first = next(iter(plan.foldings.values()))
    beats = first.beats_in
    pixels = np.arange(first.window.width * first.window.height, dtype=np.int64)
    accepted = head_latency(plan) + beats * pixels + beats - 1
    for folding in plan.foldings.values():
        arrival = accepted + folding.arrival_latency
        cycles = folding.pixel_cycles
        before = np.cumsum(cycles) - cycles
        start = np.maximum.accumulate(arrival[needed(folding.window) - 1] - before) + before
        accepted = start + cycles - 1 + folding.last_latency
    return int(accepted[-1]) + tail_latency(plan)


def needed(window: WindowShape) -> np.ndarray:
    """window.needed for every output pixel in raster order."""
    rows = np.array([window.needed(row, 0) for row in range(window.out_height)])
    columns = np.array([window.needed(0, column) for column in range(window.out_width)])
    return (rows[:, None] + (columns - columns[0])[None, :]).ravel()
