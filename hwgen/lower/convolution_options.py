"""Options of a convolution: every folding and every form of its parts, with cycles and resources.

The dimensions: PE; SIMD over channels and over tap rows; one output column at a time or two, or two rows of two;
values per beat of either stream; the form of the multipliers (lanes to a DSP and length of their cascade, or LUTs);
line buffer in block RAM, in LUTs or in UltraRAM; weights of a codebook in block RAM as themselves or as indices.
Weights are in LUTs or in block RAM by their depth, and have the choice where the part's exchange rate leaves it
(`lut_memory_depth`); never in UltraRAM, which a bitstream cannot fill. Of foldings with the same cycles per pixel
only the one with the fewest lanes counts, and several values per beat only where one would be too slow.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import gcd, lcm
from typing import TYPE_CHECKING, Any

import numpy as np

from hwgen.board import Board
from hwgen.ir.nodes import Convolution, ConvTranspose2d
from hwgen.lower.base import Amounts, Options, amounts, shape_of
from hwgen.lower.polynomial_options import has_polynomials, polynomial_foldings
from hwgen.lower.winograd_options import has_winograd, has_winograd2d, winograd2d_foldings, winograd_foldings
from hwgen.numerics.weight_format import Codebook
from hwgen.plan.pareto import pareto_front
from hwgen.rtl.convolution_config import ConvolutionConfig
from hwgen.rtl.memory import LUT_MEMORY_DEPTH, Form, rom_form
from hwgen.rtl.packing import Packing, packings
from hwgen.rtl.pair_convolution import PairConvolutionConfig, in_pairs
from hwgen.rtl.polynomial_convolution import PolynomialConvolutionConfig
from hwgen.rtl.storage import lut_memory_depth
from hwgen.rtl.window_config import WindowConfig
from hwgen.rtl.winograd_convolution import WinogradConvolutionConfig

if TYPE_CHECKING:
    from hwgen.lower.convolution import ConvolutionLowering

    Foldings = Callable[[ConvolutionLowering, int, int, int, int, str], Iterator[ConvolutionConfig]]
    _Parts = dict[str, Any]
    """Fields of a folding's config: forms of its parts."""
    _Key = tuple[type[ConvolutionConfig], int, int, Packing, int, int]
    """A folding without the beats that come in: class, PE, values per beat of the output, packing, SIMD, tap rows."""


def convolution_options(
    lowering: ConvolutionLowering, board: Board, inputs: Sequence[int], outputs: Sequence[int]
) -> Options[ConvolutionConfig]:
    """The options of one convolution: those that no other one beats in everything.

    Parameters
    ----------
    inputs, outputs
        Values per beat that its streams may have.
    """
    found: list[tuple[int, Amounts, ConvolutionConfig, _Parts]] = []
    priced: dict[_Key, list[tuple[Amounts, _Parts]]] = {}
    for folding in _foldings(lowering, inputs, outputs, board.family):
        cycles = lowering.cycles(folding)
        found += ((cycles, taken, folding, parts) for taken, parts in _forms(lowering, folding, board, priced))
    # Among equals the fewest lanes and PEs: less idles, and results leave sooner.
    found.sort(key=lambda item: (item[0], item[1], item[2].lanes, item[2].pe))
    cycles_and_amounts = np.array([(cycles, *taken) for cycles, taken, _, _ in found], dtype=np.int64)
    streams = np.array([(folding.in_lanes, folding.out_lanes) for _, _, folding, _ in found], dtype=np.int64)
    front = pareto_front(cycles_and_amounts, streams)
    configs = tuple(replace(folding, **parts) for _, _, folding, parts in (found[place] for place in front))
    return Options(cycles_and_amounts[front, 0], cycles_and_amounts[front, 1:], streams[front], configs)


def lane_steps(count: int, multiple: int = 1) -> list[int]:
    """The smallest lane count for each number of folds, in multiples: more lanes for the same folds would only idle."""
    return sorted({-(-count // (folds * multiple)) * multiple for folds in range(1, count + 1)})


def _foldings(
    lowering: ConvolutionLowering, inputs: Sequence[int], outputs: Sequence[int], family: str
) -> Iterator[ConvolutionConfig]:
    """Every folding whose results can leave while the next fold is summed, its parts in their default forms.

    Where Winograd's products, or those of polynomials, give none, the direct form stands in.
    """
    fewer: list[ConvolutionConfig] = []
    for foldings in _engines(lowering, family):
        for in_lanes, out_lanes in itertools.product(inputs, outputs):
            for simd, pe, _ in _lanes(lowering.node, in_lanes, out_lanes):
                fewer += foldings(lowering, simd, pe, in_lanes, out_lanes, family)
        if fewer and lowering.engine != "best":
            break
    yield from fewer
    if not fewer or lowering.engine == "best":
        yield from _direct_foldings(lowering, inputs, outputs, family)


def _engines(lowering: ConvolutionLowering, family: str) -> Iterator[Foldings]:
    """Foldings with fewer products than taps that a layer may have; unless the best is asked for, the first that give
    some count."""
    engine = lowering.engine
    if engine in ("winograd2d", "best") and has_winograd2d(lowering):
        yield winograd2d_foldings
    if engine in ("winograd", "winograd2d", "best") and has_winograd(lowering):
        yield winograd_foldings
    if engine in ("polynomial", "best") and has_polynomials(lowering, family):
        yield polynomial_foldings


def _direct_foldings(
    lowering: ConvolutionLowering, inputs: Sequence[int], outputs: Sequence[int], family: str
) -> Iterator[ConvolutionConfig]:
    """Every folding with a product for each tap."""
    node: Convolution = lowering.node
    # The rows of a window that are read at once are those of one phase, which a transposed convolution has several of.
    tap_rows = [1] if isinstance(node, ConvTranspose2d) else sorted({1, node.kernel_height})
    window = lowering.fold(1, 1).window
    taps_least = window.least_words // window.tap_words
    for taps, in_lanes, out_lanes in itertools.product(tap_rows, inputs, outputs):
        for simd, pe, folds in _lanes(node, in_lanes, out_lanes):
            words = taps_least // taps * -(-(node.in_channels // node.groups) // simd)
            narrower = out_lanes // 2
            if pe > words * out_lanes:
                continue
            for at_once in _columns_at_once(node, taps, simd):
                if narrower and pe <= words * narrower and words * folds * narrower >= node.out_channels * at_once:
                    continue  # half as many values per beat would do
                folding = lowering.fold(pe, simd, taps=taps, in_lanes=in_lanes, out_lanes=out_lanes)
                if at_once == 1:
                    yield folding
                elif pairs := in_pairs(folding, family):
                    yield pairs


def _columns_at_once(node: Convolution, taps: int, simd: int) -> tuple[int, ...]:
    """Numbers of output columns at a time: two as well where a group's outputs leave a DSP without a second weight."""
    alone = node.out_channels // node.groups % 2 == 1 and (node.groups > 1 or node.out_channels == 1)
    return (1, 2) if alone and taps > 1 and simd >= node.in_channels // node.groups else (1,)


def _lanes(node: Convolution, in_lanes: int, out_lanes: int) -> Iterator[tuple[int, int, int]]:
    """(simd, pe, folds) of one group at a time, or of several whole groups, for beats of so many values."""
    inputs, outputs = node.in_channels // node.groups, node.out_channels // node.groups
    if node.groups == 1 or (inputs % in_lanes == 0 and outputs % out_lanes == 0):
        for simd, pe in itertools.product(lane_steps(inputs, in_lanes), lane_steps(outputs, out_lanes)):
            if simd <= inputs and pe <= outputs:
                yield simd, pe, node.groups * -(-outputs // pe)
    # Whole groups in whole beats, or all of them.
    multiple = lcm(in_lanes // gcd(inputs, in_lanes), out_lanes // gcd(outputs, out_lanes))
    for parallel in sorted({*lane_steps(node.groups, multiple), node.groups}):
        if 1 < parallel <= node.groups and in_lanes <= parallel * inputs and out_lanes <= parallel * outputs:
            yield parallel * inputs, parallel * outputs, -(-node.groups // parallel)


def _forms(
    lowering: ConvolutionLowering, folding: ConvolutionConfig, board: Board,
    priced: dict[_Key, list[tuple[Amounts, _Parts]]],
) -> Iterator[tuple[Amounts, _Parts]]:
    """Every form of a folding's multipliers and memories that is worth its price, and the price.

    priced : what stands behind the line buffers of foldings before, which is filled
    """  # fmt: skip
    window = folding.window
    own = amounts(window.cost(board.family))
    key = type(folding), folding.pe, folding.out_lanes, folding.packing, window.simd, window.taps
    if key not in priced:
        forms = list(_behind(lowering, folding, board))
        prices = list(_prices(folding, forms, board.family))
        # What the line buffer takes is added to the rest, so each is weighed by itself.
        priced[key] = [
            (tuple(np.subtract(price, own).tolist()), parts)
            for price, parts in zip(prices, forms, strict=True)
            if not any(_beats(other, price) for other in prices)
        ]
    windows = [(own, window)]
    for form in other_forms(window, board):
        other = replace(window, form=form)
        if (taken := amounts(other.cost(board.family))) != own:
            windows.append((taken, other))
    for price, parts in priced[key]:
        for taken, other in windows:
            more = {} if other is window else {"window": other}
            yield tuple(a + b for a, b in zip(price, taken, strict=True)), parts | more


def _prices(folding: ConvolutionConfig, forms: Sequence[_Parts], family: str) -> Iterator[Amounts]:
    """Prices of a folding with each of these forms of what is behind its line buffer.

    All but the multipliers depends on a form by its latency alone, so it is priced once for each of these.
    """
    around: dict[int, Amounts] = {}
    for parts in forms:
        formed = replace(folding, **parts)
        mac, late = amounts(formed.mac.cost(family)), formed.drain_latency
        if late not in around:
            around[late] = tuple(np.subtract(amounts(formed.cost(family)), mac).tolist())
        yield tuple(a + b for a, b in zip(mac, around[late], strict=True))


def _behind(lowering: ConvolutionLowering, folding: ConvolutionConfig, board: Board) -> Iterator[_Parts]:
    """Forms of what is behind a line buffer: multipliers and weights. Which values come in a beat does not matter."""
    codebook = _codebook(lowering.node, folding)
    in_logic = LUT_MEMORY_DEPTH < folding.weight_rows <= lut_memory_depth(board.half_block_luts)
    for packing in _packings(lowering, folding, board):
        yield {"packing": packing}
        if codebook:
            yield {"packing": packing, "codebook": codebook}
        if in_logic:
            yield {"packing": packing, "weights_in": "logic"}


def other_forms(window: WindowConfig, board: Board) -> tuple[Form, ...]:
    """Where a line buffer can be besides block RAM: in LUTs if it is shallow, in UltraRAM if the board has some."""
    in_luts: tuple[Form, ...] = ("distributed",) if window.bank_words <= 4 * LUT_MEMORY_DEPTH else ()
    return in_luts + (("ultra",) if board.resources.uram else ())


def _beats(one: Amounts, other: Amounts) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _packings(
    lowering: ConvolutionLowering, folding: ConvolutionConfig, board: Board
) -> Iterator[Packing]:
    """Every form of the folding's multipliers, with every length of the cascades that its weights allow."""
    node, window = lowering.node, folding.window
    activation = shape_of(node.input)
    forms = packings(node.weight_bits, activation, board.family)
    if isinstance(folding, WinogradConvolutionConfig):
        yield folding.packing
        return
    for packing in (folding.packing,) if isinstance(folding, PairConvolutionConfig) else forms:
        if packing.form == "lut":
            if min(node.weight_bits, window.bits) <= board.lut_product_bits:
                yield packing
            continue
        lanes = folding.mac.simd
        weight = lowering.ordinary_weight if isinstance(folding, PolynomialConvolutionConfig) else node.weight
        proven = folding.proven_chain(weight, packing)
        for chain in sorted({-(-lanes // -(-lanes // most)) for most in range(1, proven + 1)}):
            yield replace(packing, chain=chain)


def _codebook(node: Convolution, folding: ConvolutionConfig) -> Codebook | None:
    """The codebook whose indices the weight memories may hold.

    Only in block RAM: in LUTs each bit of a weight is a table already. What a word has beyond the channels, and what no
    tap reaches, weighs 0, which must be one of the codebook's values.
    """
    codebook, window = node.weight_format, folding.window
    if isinstance(folding, (WinogradConvolutionConfig, PolynomialConvolutionConfig)):
        return None
    if not isinstance(codebook, Codebook):
        return None
    if rom_form(folding.weight_rows, folding.weights_in) != "block":
        return None
    beyond = node.in_channels // node.groups % window.section_channels
    unreached = window.transposed and min(window.kernel_height, window.kernel_width) < window.stride
    return codebook if 0 in codebook.values or not (beyond or unreached) else None
