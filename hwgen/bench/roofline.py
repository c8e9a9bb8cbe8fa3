"""Upper bounds on either side's MAC per cycle on a board, however it is folded: the roofline of this datapath.

    dsp     every DSP of the board multiplies as many lanes each cycle as the layer's widths allow, in the form that the
            plan has: of Winograd's products there are fewer; layers that the plan multiplies in LUTs ask for none
    bram    a multiplier meets another weight each cycle, and a block RAM delivers 72 bits of them; blocks that line
            buffers take at least are gone; what is in LUTs, of either, asks for none
    pixels  one pixel comes in, or goes out, each cycle
    values  the busiest stream between layers carries a full beat each cycle

The first two are roofs of the board, the other two grow with the work that a pixel or a value brings. What a design
lacks to the lowest one is the rounding of its foldings, ceil() of channels by lanes, and LUTs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from amaranth.hdl import Shape

from hwgen.ir.nodes import Convolution
from hwgen.plan.plan import Plan
from hwgen.rtl.memory import ram_form, rom_form
from hwgen.rtl.packing import packings
from hwgen.sim.design import BEAT_BITS

BRAM_BITS = 36 * 1024
BRAM_WIDTH = 72
"""Bits that a block RAM delivers each cycle, as simple dual-port memory (UG473)."""


@dataclass(frozen=True)
class Roofline:
    """Bounds in MAC per cycle, by name; infinite where nothing asks for it. `intensity`: MACs for each beat of the
    busiest stream, pixels included."""

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
    """The bounds of a plan's graph on its board."""
    graph, resources = plan.graph, plan.board.resources
    macs = graph.macs(plan.width, plan.height)
    total = sum(macs.values())
    in_dsps = [node for node in graph.convolutions if plan.foldings[node.name].packing.form == "dsp"]
    products = {node.name: plan.foldings[node.name].products(macs[node.name]) for node in graph.convolutions}
    multiplications = sum(products[node.name] / lanes_per_dsp(plan, node) for node in in_dsps)
    in_blocks = [node for node in graph.convolutions if _weights_in_block(plan, node)]
    weight_bits = sum(products[node.name] * plan.foldings[node.name].stored_bits for node in in_blocks)
    blocks = resources.bram36 - line_buffer_bram36(plan)
    cycles = {  # that a frame takes at least
        "dsp": multiplications / resources.dsp if multiplications else 0.0,
        "bram": weight_bits / BRAM_WIDTH / blocks if weight_bits else 0.0,
        "pixels": plan.width * plan.height,
        "values": busiest_beats(plan),
    }
    bounds = {name: total / least if least else math.inf for name, least in cycles.items()}
    return Roofline(bounds, total / max(cycles["pixels"], cycles["values"]))


def lanes_per_dsp(plan: Plan, node: Convolution) -> int:
    """The most lanes of a layer that share a DSP, in the form that the plan has."""
    if (folding := plan.foldings[node.name]).form != "direct":
        return folding.products_per_dsp
    activation, family = Shape(node.input.bits, node.input.signed), plan.board.family
    return max(packing.lanes for packing in packings(node.weight_bits, activation, family) if packing.form == "dsp")


def line_buffer_bram36(plan: Plan) -> float:
    """Block RAM that all but one of a window's rows of each layer's input fill, to the bit, where not in LUTs."""
    bits = 0
    for node in plan.graph.convolutions:
        folding = plan.foldings[node.name]
        if ram_form(folding.window.bank_words, folding.window.form) == "block":
            bits += (max(folding.window.phase_taps) - 1) * folding.window.width * node.in_channels * node.input.bits
    return bits / BRAM_BITS


def _weights_in_block(plan: Plan, node: Convolution) -> bool:
    folding = plan.foldings[node.name]
    return rom_form(folding.weight_rows, folding.weights_in) == "block"


def busiest_beats(plan: Plan) -> int:
    """Beats per frame of the busiest stream between layers, as many values in each as a beat can hold.

    The last layer's stream and what follows it carry one value a beat, as does what comes to a receiver's first.
    """
    shapes = plan.graph.shapes(plan.width, plan.height)
    *inner, last = plan.graph.convolutions
    height, width, channels = shapes[last.name]
    beats = [height * width * channels]
    if plan.graph.side == "rx":
        beats.append(math.prod(shapes["symbols"]))
    for node in inner:
        height, width, channels = shapes[node.name]
        beats.append(height * width * -(-channels // (BEAT_BITS // node.output.bits)))
    return max(beats)
