"""What bounds a transmitter on a board, in MAC per cycle, however it is folded: the roofline of this datapath.

    dsp     every DSP of the board multiplies as many lanes each cycle as the layer's widths allow
    bram    a multiplier meets another weight each cycle, and a block RAM delivers 72 bits of them; blocks that the line
            buffers take at least are gone
    pixels  one pixel comes in each cycle
    values  the busiest stream between layers carries a full beat each cycle

The first two are roofs of the board, the other two grow with the work that a pixel or a value brings. What a design
lacks to the lowest one is the rounding of its foldings, ceil() of channels by lanes, and LUTs.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwgen.passes.plan import Plan
from hwgen.sim.design import BEAT_BITS

LANES_PER_DSP = 2
BRAM_BITS = 36 * 1024
BRAM_WIDTH = 72
"""Bits that a block RAM delivers each cycle, as simple dual-port memory (UG473)."""


@dataclass(frozen=True)
class Roofline:
    """Bounds in MAC per cycle, by name; `intensity`: MACs for each beat of the busiest stream, pixels included."""

    bounds: dict[str, float]
    intensity: float

    @property
    def active(self) -> str:
        """The lowest bound's name."""
        return min(self.bounds, key=lambda name: self.bounds[name])

    @property
    def bound(self) -> float:
        return self.bounds[self.active]


def roofline(plan: Plan) -> Roofline:
    """The bounds of a plan's graph on its board. Of the plan itself only the frame counts."""
    graph, resources = plan.graph, plan.board.resources
    macs = graph.macs(plan.width, plan.height)
    weight_bits = sum(macs[node.name] * node.weight_bits for node in graph.convolutions)
    cycles = {  # that a frame takes at least
        "dsp": sum(macs.values()) / LANES_PER_DSP / resources.dsp,
        "bram": weight_bits / BRAM_WIDTH / (resources.bram36 - line_buffer_bram36(plan)),
        "pixels": plan.width * plan.height,
        "values": busiest_beats(plan),
    }
    total = sum(macs.values())
    intensity = total / max(cycles["pixels"], cycles["values"])
    return Roofline({name: total / least for name, least in cycles.items()}, intensity)


def line_buffer_bram36(plan: Plan) -> float:
    """Block RAM that kernel - 1 rows of every layer's input fill, to the bit."""
    bits = 0
    for node in plan.graph.convolutions:
        window = plan.foldings[node.name].window
        bits += (node.kernel - 1) * window.width * node.in_channels * node.input.bits
    return bits / BRAM_BITS


def busiest_beats(plan: Plan) -> int:
    """Beats per frame of the busiest stream between layers, as many values in each as a beat can hold.

    The last layer's stream, and the gain's behind it, carry one value a beat.
    """
    shapes = plan.graph.shapes(plan.width, plan.height)
    *inner, last = plan.graph.convolutions
    height, width, channels = shapes[last.name]
    beats = [height * width * channels]
    for node in inner:
        height, width, channels = shapes[node.name]
        beats.append(height * width * -(-channels // (BEAT_BITS // node.output.bits)))
    return max(beats)
