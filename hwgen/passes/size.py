"""Sizing: how many lanes each convolution gets.

A layer with PE x SIMD lanes takes ceil(O / PE) * ceil(I / SIMD) * K * K cycles per output pixel, and two lanes share
a DSP. For a given frame interval each layer has a few foldings that finish in time and that no other one beats in
DSPs and block RAM; the board asks that their sums fit. Those sums are built layer by layer, and of each partial sum
only what nothing beats in both is kept, so the choice is exact and small. Whatever fits an interval fits a longer
one, so the shortest is found by bisection over the cycle counts that some folding of some layer has.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.ir.graph import Conv2d, Gain, Graph
from hwgen.passes.plan import Plan, fold_convolution, pixel_lanes
from hwgen.passes.timing import layer_cycles
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.cost import convolution_bram36, convolution_dsp, gain_dsp

T = TypeVar("T", "Option", "Choice")


@dataclass(frozen=True)
class Option:
    """One folding of one layer: the cycles it needs per frame, its DSPs and BRAM36."""

    cycles: int
    dsp: int
    bram36: float
    folding: ConvolutionFolding


@dataclass(frozen=True)
class Choice:
    """One option for each of the first layers, and what they take together."""

    dsp: int
    bram36: float
    options: tuple[Option, ...] = ()

    def plus(self, option: Option) -> Choice:
        return Choice(self.dsp + option.dsp, self.bram36 + option.bram36, (*self.options, option))


def size(graph: Graph, board: Board, width: int, height: int, fps: float | None = None) -> Plan:
    """Choose PE and SIMD of every layer.

    With `fps` the design meets that rate at the board's clock with the fewest DSPs; without, it takes the shortest
    frame interval that the board's DSPs and block RAM allow and, at that interval, the fewest DSPs.

    Raises
    ------
    HwgenError : the board has too few DSPs or too little block RAM, or the rate is beyond what it can do
    """
    layers = _layers(graph, width, height)
    gains = sum(gain_dsp(node.factor, node.shift) for node in graph.nodes if isinstance(node, Gain))
    resources = board.resources

    def best(interval: int) -> Choice | None:
        """The choice with the fewest DSPs, then the least block RAM, within that interval and the board."""
        found = _choices(layers, interval, resources.dsp - gains, resources.bram36)
        return min(found, key=lambda choice: (choice.dsp, choice.bram36), default=None)

    candidates = sorted({option.cycles for options in layers.values() for option in options})
    place = bisect_left(candidates, True, key=lambda interval: best(interval) is not None)
    if place == len(candidates):
        raise _too_small(graph, board, width, height, layers, gains)
    interval = candidates[place]
    if fps is not None:
        allowed = int(board.clock_mhz * 1e6 / fps)
        if allowed < interval:
            reached = math.floor(board.clock_mhz * 1e8 / interval) / 100  # downwards: the rate that is named is met
            most = f"at most {reached:.2f} on {board.name} at {board.clock_mhz:g} MHz"
            raise HwgenError("--fps", most, repr(fps))
        interval = allowed
    choice = best(interval)
    assert choice is not None
    foldings = {name: option.folding for name, option in zip(layers, choice.options, strict=True)}
    return Plan(graph, board, width, height, foldings)


def _layers(graph: Graph, width: int, height: int) -> dict[str, list[Option]]:
    """The options of every convolution, by its name, in the graph's order."""
    shapes = graph.shapes(width, height)
    inputs = [shapes["pixels"], *(shapes[node.name] for node in graph.nodes)]
    return {
        node.name: _options(node, inputs[index][1], inputs[index][0], first=index == 0)
        for index, node in enumerate(graph.nodes)
        if isinstance(node, Conv2d)
    }


def _options(node: Conv2d, width: int, height: int, first: bool) -> list[Option]:
    """Every folding of the layer that no other one beats in cycles, DSPs and block RAM."""
    options = []
    for pe in _steps(node.out_channels):
        # More SIMD for the same words may mean fewer, fuller weight memories: every one counts.
        for simd in range(1, node.in_channels + 1):
            if pe > node.kernel**2 * -(-node.in_channels // simd):
                continue  # its results could not leave one by one
            folding = fold_convolution(node, width, height, pe, simd)
            cycles = layer_cycles(folding, pixel_lanes(folding) if first else 1)
            dsp = convolution_dsp(node.accumulator_bits, folding)
            options.append(Option(cycles, dsp, convolution_bram36(folding, node.weight_bits), folding))
    # Among equals the fewest lanes and PEs: less idles, and results leave sooner.
    options.sort(key=lambda o: (o.cycles, o.dsp, o.bram36, o.folding.lanes, o.folding.pe))
    kept: list[Option] = []
    for option in options:
        if not any(other.dsp <= option.dsp and other.bram36 <= option.bram36 for other in kept):
            kept.append(option)
    return kept


def _choices(layers: dict[str, list[Option]], interval: int, dsp: int, bram36: float) -> list[Choice]:
    """What fits the interval and the budgets, one option a layer, and is beaten by nothing in both."""
    choices = [Choice(0, 0.0)]
    for options in layers.values():
        fitting = _unbeaten(option for option in options if option.cycles <= interval)
        sums = (choice.plus(option) for choice in choices for option in fitting)
        choices = _unbeaten(choice for choice in sums if choice.dsp <= dsp and choice.bram36 <= bram36)
    return choices


def _unbeaten(items: Iterable[T]) -> list[T]:
    """Those that no other one equals or beats in DSPs and block RAM; of equal ones the first."""
    kept: list[T] = []
    for item in sorted(items, key=lambda item: (item.dsp, item.bram36)):
        if not kept or item.bram36 < kept[-1].bram36:
            kept.append(item)
    return kept


def _too_small(
    graph: Graph, board: Board, width: int, height: int, layers: dict[str, list[Option]], gains: int
) -> HwgenError:
    """Which resource is short however slow the design may be."""
    needed: dict[str, float] = {
        "dsp": gains + sum(min(option.dsp for option in options) for options in layers.values()),
        "bram36": sum(min(option.bram36 for option in options) for options in layers.values()),
    }
    for key, amount in needed.items():
        has = getattr(board.resources, key)
        if amount > has:
            wanted = f"at least {amount:g} for {graph.model} with {width}x{height} frames"
            return HwgenError(board.where("resources", key), wanted, str(has))
    wanted = f"more DSPs or block RAM than that for {graph.model} with {width}x{height} frames: each suffices alone"
    return HwgenError(board.where("resources"), wanted, f"{board.resources.dsp} DSP, {board.resources.bram36} BRAM36")


def _steps(channels: int) -> list[int]:
    """The smallest lane count for each number of folds: more lanes for the same folds would only idle."""
    return sorted({-(-channels // folds) for folds in range(1, channels + 1)})
