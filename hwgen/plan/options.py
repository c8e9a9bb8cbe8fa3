"""What a convolution can be: every folding and every form of its parts, with cycles and resources.

The dimensions: PE; SIMD over channels and over tap rows; values per beat of either stream; the form of the multipliers
(lanes to a DSP and length of their cascade, or LUTs); line buffer in block RAM or in LUTs. Weights have no choice: by
their depth they are in LUTs or in block RAM. Of foldings with the same cycles per pixel only the one with the fewest
lanes counts, and several values per beat only where one would be too slow. A precoder or equaliser may have complex
multiplications of either form; that is one choice more, behind the layers'.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from amaranth.hdl import Shape
from numpy.typing import NDArray

from hwgen.board import Board
from hwgen.ir.graph import Convolution, ConvTranspose2d, Graph, MatrixProduct
from hwgen.plan.ends import Frame, end_costs, end_cycles, latent_values, pixels_cost
from hwgen.plan.plan import fold_convolution
from hwgen.plan.resources import layer_numbers
from hwgen.plan.select import Options, unbeaten
from hwgen.plan.timing import layer_cycles
from hwgen.rtl.complex_multiply import FORMS, Form
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.cost import LayerNumbers, convolution_cost
from hwgen.rtl.memory import LUT_MEMORY_DEPTH
from hwgen.rtl.packing import Packing, packings, proven_chain
from hwgen.rtl.primitives import Cost

Amounts = tuple[int, ...]
RESOURCES = ("dsp", "lut", "ff", "bram36")
BEAT_LANES = (1, 2, 4)
"""Values per beat between layers."""
BEAT_BITS = 32
"""The widest beat: what the bench records."""


@dataclass(frozen=True)
class LayerOptions:
    """The options of one layer, by rising cycles per frame.

    cycles : int64 (options,); choices : what they take and who their neighbours may be; foldings : what they are, or
        the forms of what stands around the layers
    """

    cycles: NDArray[np.int64]
    choices: Options
    foldings: tuple[ConvolutionFolding | Form, ...]

    def take(self, places: NDArray[np.int64]) -> LayerOptions:
        return LayerOptions(
            self.cycles[places], self.choices.take(places), tuple(self.foldings[place] for place in places)
        )

    def within(self, interval: int) -> NDArray[np.int64]:
        """The places of the options that finish in so many cycles and that no other one of those beats."""
        return unbeaten(self.choices.take(np.arange(np.searchsorted(self.cycles, interval, side="right"))))


def amounts(cost: Cost) -> Amounts:
    """A cost as integers in the order of `RESOURCES`, block RAM in halves."""
    return cost.dsp, cost.lut, cost.ff, round(2 * cost.bram36)


def graph_options(graph: Graph, board: Board, width: int, height: int) -> list[LayerOptions]:
    """The options of every convolution; what stands around them is counted with the first one, or where it has several
    forms by itself, behind the last."""
    layers: list[LayerOptions] = []
    rows, columns, _ = next(iter(graph.shapes(width, height).values()))
    for place, node in enumerate(graph.convolutions):
        last = place == len(graph.convolutions) - 1
        # Pixels enter a transmitter's first layer whole or value by value, symbols a receiver's value by value.
        entry = None if place else sorted({1, node.in_channels}) if graph.side == "tx" else [1]
        layers.append(_layer_options(node, columns, rows, board, entry, last))
        rows, columns = node.output_size(rows, columns)
    forms: tuple[Form, ...] = FORMS if isinstance(graph.symbol_node, MatrixProduct) else FORMS[:1]
    frame = Frame(board.family, latent_values(graph, width, height), width * height)
    ends = [_end_amounts(graph, replace(frame, form=form)) for form in forms]
    lanes = [one.in_lanes for one in layers[0].foldings if isinstance(one, ConvolutionFolding)]
    serialised = [graph.side == "tx" and of_option == 1 for of_option in lanes]
    around = np.add(np.outer(serialised, amounts(pixels_cost(graph, {}))), ends[0] if len(forms) == 1 else 0)
    layers[0] = replace(layers[0], choices=replace(layers[0].choices, amounts=layers[0].choices.amounts + around))
    if len(forms) > 1:
        cycles = np.full(len(forms), end_cycles(graph, width, height), dtype=np.int64)
        neighbour = np.ones(len(forms), dtype=np.int64)
        layers.append(LayerOptions(cycles, Options(np.array(ends, dtype=np.int64), neighbour, neighbour), forms))
    return layers


def _end_amounts(graph: Graph, frame: Frame) -> Amounts:
    """What everything around the convolutions takes, but for a serialiser."""
    before, behind = end_costs(graph, frame)
    return amounts(sum([*before.values(), *behind.values()], Cost()))


def _layer_options(
    node: Convolution, width: int, height: int, board: Board, entry: list[int] | None, last: bool
) -> LayerOptions:
    """The options of one convolution for an input of width x height: what no other one beats in everything.

    entry : of a first layer, the values per beat that it may take
    """
    numbers = layer_numbers(node)
    found: list[tuple[int, Amounts, ConvolutionFolding]] = []
    for folding in _foldings(node, width, height, entry, last):
        cycles = layer_cycles(folding)
        found += ((cycles, taken, formed) for taken, formed in _forms(node, folding, numbers, board))
    # Among equals the fewest lanes and PEs: less idles, and results leave sooner.
    found.sort(key=lambda item: (item[0], item[1], item[2].lanes, item[2].pe))
    options = LayerOptions(
        np.array([cycles for cycles, _, _ in found], dtype=np.int64),
        Options(
            np.array([taken for _, taken, _ in found], dtype=np.int64),
            np.array([0 if entry else folding.in_lanes for _, _, folding in found], dtype=np.int64),
            np.array([folding.out_lanes for _, _, folding in found], dtype=np.int64),
        ),
        tuple(folding for _, _, folding in found),
    )
    return options.take(
        unbeaten(replace(options.choices, amounts=np.column_stack([options.cycles, options.choices.amounts])))
    )


def steps(count: int, multiple: int = 1) -> list[int]:
    """The smallest lane count for each number of folds, in multiples: more lanes for the same folds would only idle."""
    return sorted({-(-count // (folds * multiple)) * multiple for folds in range(1, count + 1)})


def _foldings(
    node: Convolution, width: int, height: int, entry: list[int] | None, last: bool
) -> Iterator[ConvolutionFolding]:
    """Every folding whose results can leave while the next fold is summed, its parts in their default forms."""
    # Between layers a beat is a part of a word.
    inputs = entry or [n for n in BEAT_LANES if n * node.input.bits <= BEAT_BITS]
    outputs = [1] if last else [n for n in BEAT_LANES if n * node.output.bits <= BEAT_BITS]
    # The rows of a window that are read at once are those of one phase, which a transposed convolution has several of.
    tap_rows = [1] if isinstance(node, ConvTranspose2d) else sorted({1, node.kernel})
    taps_least = min(fold_convolution(node, width, height, 1, 1).window.phase_taps) ** 2
    for taps, in_lanes in itertools.product(tap_rows, inputs):
        for simd in steps(node.in_channels, in_lanes):
            if simd > node.in_channels:
                continue
            words = taps_least // taps * -(-node.in_channels // simd)
            for out_lanes in outputs:
                for pe in steps(node.out_channels, out_lanes):
                    cycles_per_pixel = words * -(-node.out_channels // pe)
                    narrower = out_lanes // 2
                    if pe > min(node.out_channels, words * out_lanes):
                        continue
                    if narrower and pe <= words * narrower and cycles_per_pixel * narrower >= node.out_channels:
                        continue  # half as many values per beat would do
                    yield fold_convolution(
                        node, width, height, pe, simd, taps=taps, in_lanes=in_lanes, out_lanes=out_lanes
                    )


def _forms(
    node: Convolution, folding: ConvolutionFolding, numbers: LayerNumbers, board: Board
) -> Iterator[tuple[Amounts, ConvolutionFolding]]:
    """The folding with every form of its multipliers and memories that is worth its price, and the price."""

    def priced(formed: ConvolutionFolding) -> Amounts:
        return amounts(convolution_cost(formed, numbers, board.family))

    behind = []
    for packing in _packings(node, folding, board):
        formed = replace(folding, packing=packing, weight_bits=node.weight_bits)
        behind.append((priced(formed), formed))
    # What the line buffer takes is added to the rest, so each is weighed by itself. In LUTs four memories of 64 rows
    # meet in one LUT more for each bit.
    behind = [item for item in behind if not any(_beats(other[0], item[0]) for other in behind)]
    taken, formed = behind[0]
    in_luts = np.subtract(priced(replace(formed, ring_in="distributed")), taken)
    for taken, formed in behind:
        yield taken, formed
        if in_luts.any() and folding.window.bank_words <= 4 * LUT_MEMORY_DEPTH:
            yield tuple((taken + in_luts).tolist()), replace(formed, ring_in="distributed")


def _beats(one: Amounts, other: Amounts) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _packings(node: Convolution, folding: ConvolutionFolding, board: Board) -> Iterator[Packing]:
    """Every form of the folding's multipliers, with every length of the cascades that its weights allow."""
    window = folding.window
    activation = Shape(window.bits, window.signed)
    for packing in packings(node.weight_bits, activation, board.family):
        if packing.form == "lut":
            if min(node.weight_bits, window.bits) <= board.lut_product_bits:
                yield packing
            continue
        lanes = window.word_values
        proven = proven_chain(node.weight, folding.pe, window.simd, window.taps, packing, activation)
        for chain in sorted({-(-lanes // -(-lanes // most)) for most in range(1, proven + 1)}):
            yield replace(packing, chain=chain)
