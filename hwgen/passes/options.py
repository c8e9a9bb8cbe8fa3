"""What a convolution can be: every folding and every form of its parts, with cycles and resources.

The dimensions: PE; SIMD over channels and over tap rows; values per beat of either stream; the form of the multipliers
(lanes to a DSP and length of their cascade, or LUTs); weights and line buffer in block RAM or in LUTs. Of foldings
with the same cycles per pixel only the one with the fewest lanes counts, and several values per beat only where one
would be too slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from amaranth.hdl import Shape
from numpy.typing import NDArray

from hwgen.ir.graph import Conv2d, Graph
from hwgen.passes.plan import fold_convolution
from hwgen.passes.resources import end_costs, layer_numbers
from hwgen.passes.select import Options, unbeaten
from hwgen.passes.timing import layer_cycles
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.cost import convolution_cost
from hwgen.rtl.packing import Packing, packings, proven_chain
from hwgen.rtl.primitives import Cost

RESOURCES = ("dsp", "lut", "ff", "bram36")
BEAT_LANES = (1, 2, 4)
"""Values per beat between layers."""
BEAT_BITS = 32
"""The widest beat: what the bench records."""


@dataclass(frozen=True)
class LayerOptions:
    """The options of one layer, by rising cycles per frame.

    cycles : int64 (options,); choices : what they take and who their neighbours may be; foldings : what they are
    """

    cycles: NDArray[np.int64]
    choices: Options
    foldings: tuple[ConvolutionFolding, ...]

    def within(self, interval: int) -> NDArray[np.int64]:
        """The places of the options that finish in so many cycles and that no other one of those beats."""
        return unbeaten(self.choices.take(np.arange(np.searchsorted(self.cycles, interval, side="right"))))


def amounts(cost: Cost) -> tuple[int, int, int, int]:
    """A cost as integers in the order of `RESOURCES`, block RAM in halves."""
    return cost.dsp, cost.lut, cost.ff, round(2 * cost.bram36)


def graph_options(graph: Graph, family: str, width: int, height: int) -> list[LayerOptions]:
    """The options of every convolution; what stands around them is counted with the first one."""
    layers = []
    rows, columns = height, width
    for place, node in enumerate(graph.convolutions):
        last = place == len(graph.convolutions) - 1
        layers.append(_layer_options(node, columns, rows, family, first=place == 0, last=last))
        rows, columns = node.output_size(rows, columns)
    ends = np.array(amounts(sum(end_costs(graph, family).values(), Cost())))
    layers[0] = replace(layers[0], choices=replace(layers[0].choices, amounts=layers[0].choices.amounts + ends))
    return layers


def _layer_options(node: Conv2d, width: int, height: int, family: str, first: bool, last: bool) -> LayerOptions:
    """Every option of one convolution for an input of width x height."""
    numbers = layer_numbers(node)
    found: list[tuple[int, tuple[int, int, int, int], ConvolutionFolding]] = []
    for folding in _foldings(node, width, height, first, last):
        needed = layer_cycles(folding)
        for formed in _forms(node, folding, family):
            found.append((needed, amounts(convolution_cost(formed, numbers, family)), formed))
    # Among equals the fewest lanes and PEs: less idles, and results leave sooner.
    found.sort(key=lambda item: (item[0], item[1], item[2].lanes, item[2].pe))
    cycles, taken, foldings = zip(*found, strict=True)
    return LayerOptions(
        np.array(cycles, dtype=np.int64),
        Options(
            np.array(taken, dtype=np.int64),
            np.array([0 if first else folding.in_lanes for folding in foldings], dtype=np.int64),
            np.array([folding.out_lanes for folding in foldings], dtype=np.int64),
        ),
        foldings,
    )


def steps(count: int, multiple: int = 1) -> list[int]:
    """The smallest lane count for each number of folds, in multiples: more lanes for the same folds would only idle."""
    return sorted({-(-count // (folds * multiple)) * multiple for folds in range(1, count + 1)})


def _foldings(node: Conv2d, width: int, height: int, first: bool, last: bool) -> Iterator[ConvolutionFolding]:
    """Every folding whose results can leave while the next fold is summed, its parts in their default forms."""
    # Pixels enter whole or value by value; between layers a beat is a part of a word.
    inputs = sorted({1, node.in_channels}) if first else [n for n in BEAT_LANES if n * node.input.bits <= BEAT_BITS]
    outputs = [1] if last else [n for n in BEAT_LANES if n * node.output.bits <= BEAT_BITS]
    for in_lanes in inputs:
        for simd in steps(node.in_channels, in_lanes):
            if simd > node.in_channels:
                continue
            words = node.kernel**2 * -(-node.in_channels // simd)
            for out_lanes in outputs:
                for pe in steps(node.out_channels, out_lanes):
                    cycles_per_pixel = words * -(-node.out_channels // pe)
                    narrower = out_lanes // 2
                    if pe > min(node.out_channels, words * out_lanes):
                        continue
                    if narrower and pe <= words * narrower and cycles_per_pixel * narrower >= node.out_channels:
                        continue  # half as many values per beat would do
                    yield fold_convolution(node, width, height, pe, simd, in_lanes=in_lanes, out_lanes=out_lanes)


def _forms(node: Conv2d, folding: ConvolutionFolding, family: str) -> Iterator[ConvolutionFolding]:
    """The folding with every form of its multipliers and memories."""
    for packing in _packings(node, folding, family):
        for weights_in in ("block", "logic"):
            yield replace(folding, packing=packing, weights_in=weights_in, weight_bits=node.weight_bits)


def _packings(node: Conv2d, folding: ConvolutionFolding, family: str) -> Iterator[Packing]:
    """Every form of the folding's multipliers, with every length of the cascades that its weights allow."""
    window = folding.window
    activation = Shape(window.bits, window.signed)
    for packing in packings(node.weight_bits, activation, family)[:-1]:
        proven = proven_chain(node.weight, folding.pe, window.simd, 1, packing, activation)
        lengths = {-(-window.simd // -(-window.simd // chain)) for chain in range(1, proven + 1)}
        for chain in sorted(lengths) if packing.form == "dsp" else [1]:
            yield replace(packing, chain=chain)
