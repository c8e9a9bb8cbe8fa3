"""Sizing against brute force: every folding of every layer, in every combination."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from test_passes_timing import random_graph

from hwgen import board as boards
from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.passes.plan import Plan, fold_convolution
from hwgen.passes.size import _options, _steps, size
from hwgen.passes.timing import frame_interval, layer_cycles
from hwgen.rtl.cost import convolution_bram36, convolution_dsp

MHZ = 100.0


def board_with(dsp: int, bram36: int = 10_000) -> Board:
    plain = boards.load("pynq_z2")
    resources = plain.resources.model_copy(update={"dsp": dsp, "bram36": bram36})
    return plain.model_copy(update={"resources": resources, "clock_mhz": MHZ})


def ceil(a: int, b: int) -> int:
    return -(-a // b)


@dataclass(frozen=True)
class Option:
    """One folding of one layer, from formulas written down again: two PEs share a DSP, PReLU has its own product."""

    cycles: int
    dsp: int


def options(graph: Graph, width: int, height: int) -> list[list[Option]]:
    """Every folding of every layer."""
    found = []
    for index, node in enumerate(graph.convolutions):
        rows, columns = node.output_size(height, width)
        of_layer = set()
        for pe, simd in itertools.product(range(1, node.out_channels + 1), range(1, node.in_channels + 1)):
            groups = ceil(node.in_channels, simd)
            if pe > node.kernel**2 * groups:
                continue
            multiply = ceil(node.out_channels, pe) * groups * node.kernel**2 * rows * columns
            beats = 1 if index == 0 and simd == node.in_channels else node.in_channels
            wide = node.accumulator_bits
            slope = (1 if wide <= 25 else 1 + ceil(wide - 25, 24)) if node.activation == "prelu" else 0
            of_layer.add(Option(max(multiply, beats * width * height), ceil(pe, 2) * simd + slope))
        found.append(sorted(of_layer, key=lambda option: (option.cycles, option.dsp)))
        width, height = columns, rows
    return found


def combinations(graph: Graph, width: int, height: int) -> list[tuple[int, int]]:
    """(interval, DSPs) of every combination; the gain takes one more DSP."""
    return [
        (max(option.cycles for option in chosen), sum(option.dsp for option in chosen) + 1)
        for chosen in itertools.product(*options(graph, width, height))
    ]


def dsp_of(plan: Plan) -> int:
    total = 1
    for node in plan.graph.convolutions:
        folding = plan.foldings[node.name]
        wide = node.accumulator_bits
        total += ceil(folding.pe, 2) * folding.window.simd
        total += (1 if wide <= 25 else 1 + ceil(wide - 25, 24)) if node.activation == "prelu" else 0
    return total


CASES = [(1, [1], 7, 0), (1, [2], 8, 1), (2, [1, 1], 5, 2), (2, [2, 1], 6, 3), (2, [2, 2], 4, 4), (3, [1, 2, 1], 4, 5),
         (3, [2, 1, 1], 3, 6), (3, [1, 1, 1], 4, 7)]  # fmt: skip


def graph_of(layers: int, strides: list[int], largest: int, seed: int) -> Graph:
    return random_graph(np.random.default_rng(seed), layers, largest=largest, strides=strides, frame=(12, 8))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_shortest_interval_that_fits_and_its_fewest_dsps(case: tuple[int, list[int], int, int]) -> None:
    graph = graph_of(*case)
    every = combinations(graph, 12, 8)
    for dsp in sorted({need for _, need in every})[:: max(1, len({need for _, need in every}) // 12)] + [1000]:
        fitting = [pair for pair in every if pair[1] <= dsp]
        plan = size(graph, board_with(dsp), 12, 8)
        assert (frame_interval(plan), dsp_of(plan)) == min(fitting)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rate_is_met_with_the_fewest_dsps(case: tuple[int, list[int], int, int]) -> None:
    graph = graph_of(*case)
    every = combinations(graph, 12, 8)
    intervals = sorted({interval for interval, _ in every})
    for interval in intervals[:: max(1, len(intervals) // 10)] + [intervals[-1] * 3]:
        for allowed in (interval, interval + 1):
            plan = size(graph, board_with(1000), 12, 8, fps=MHZ * 1e6 / (allowed + 0.25))
            assert frame_interval(plan) <= allowed
            assert dsp_of(plan) == min(need for cycles, need in every if cycles <= allowed)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_too_small_a_board(case: tuple[int, list[int], int, int]) -> None:
    """The error names the number that would do, and it does."""
    graph = graph_of(*case)
    least = min(need for _, need in combinations(graph, 12, 8))
    assert dsp_of(size(graph, board_with(least), 12, 8)) == least
    for dsp in (0, least - 1):
        with pytest.raises(HwgenError) as caught:
            size(graph, board_with(dsp), 12, 8)
        assert caught.value.where == boards.load("pynq_z2").where("resources", "dsp")
        assert (caught.value.wanted, caught.value.got) == (f"at least {least} for random with 12x8 frames", str(dsp))


@pytest.mark.parametrize("dsp", [30, 1000])
def test_a_rate_beyond_the_board(dsp: int) -> None:
    """The error names a rate that is reached."""
    graph = graph_of(*CASES[3])
    interval = frame_interval(size(graph, board_with(dsp), 12, 8))
    most = MHZ * 1e6 / interval
    assert frame_interval(size(graph, board_with(dsp), 12, 8, fps=most)) == interval
    with pytest.raises(HwgenError) as caught:
        size(graph, board_with(dsp), 12, 8, fps=most * 1.01)
    reached = f"{int(most * 100) / 100:.2f}"
    assert str(caught.value) == f"--fps: wanted at most {reached} on pynq_z2 at 100 MHz, got {most * 1.01!r}"
    named = re.search(r"at most ([\d.]+) on", caught.value.wanted)
    assert named is not None
    size(graph, board_with(dsp), 12, 8, fps=float(named[1]))


def test_a_low_rate_takes_the_least_hardware() -> None:
    graph = graph_of(*CASES[5])
    plan = size(graph, board_with(1000), 12, 8, fps=0.001)
    assert [folding.mac_dsp for folding in plan.foldings.values()] == [1, 1, 1]


def test_too_little_block_ram() -> None:
    graph = random_graph(np.random.default_rng(5), 2, largest=6, strides=[1, 1], kernels=(5,), frame=(256, 8))
    with pytest.raises(HwgenError) as caught:
        size(graph, board_with(40, bram36=0), 256, 8)
    assert caught.value.where.endswith("resources.bram36")
    assert re.fullmatch(r"at least [\d.]+ for random with 256x8 frames", caught.value.wanted)
    assert caught.value.got == "0"


@pytest.mark.parametrize("seed", range(3))
def test_both_resources_against_brute_force(seed: int) -> None:
    """The shortest interval that DSPs and block RAM allow, and its fewest DSPs, over every combination there is."""
    graph = random_graph(np.random.default_rng(seed), 2, largest=6, strides=[2, 1], kernels=(5,), frame=(512, 12))
    every = []
    for node, width, height in zip(graph.convolutions, (512, 256), (12, 6), strict=True):
        foldings = []
        for pe, simd in itertools.product(range(1, node.out_channels + 1), range(1, node.in_channels + 1)):
            if pe <= node.kernel**2 * ceil(node.in_channels, simd):
                folding = fold_convolution(node, width, height, pe, simd)
                lanes = 3 if simd == 3 and node.name == "conv0" else 1
                cost = convolution_dsp(node.accumulator_bits, folding), convolution_bram36(folding, node.weight_bits)
                foldings.append((layer_cycles(folding, lanes), *cost))
        every.append(foldings)
    plans = [(max(a[0], b[0]), a[1] + b[1] + 1, a[2] + b[2]) for a, b in itertools.product(*every)]
    memories = sorted({int(memory) + 1 for _, _, memory in plans})
    results = set()
    for bram36, dsp in itertools.product(memories, (6, 12, 25, 100)):
        fitting = [(cycles, need) for cycles, need, memory in plans if need <= dsp and memory <= bram36]
        if fitting:
            plan = size(graph, board_with(dsp, bram36=bram36), 512, 12)
            results.add((frame_interval(plan), dsp_of(plan)))
            assert (frame_interval(plan), dsp_of(plan)) == min(fitting)
    assert len(results) >= 3  # the budgets did decide


def test_sizing_is_the_same_every_time() -> None:
    graph = graph_of(*CASES[5])
    first, again = (size(graph, board_with(60), 12, 8) for _ in range(2))
    assert first.foldings == again.foldings
    assert list(first.foldings) == [node.name for node in graph.convolutions]
    assert first.lanes == sum(folding.pe * folding.window.simd for folding in first.foldings.values())


@pytest.mark.parametrize("channels", range(1, 40))
def test_steps(channels: int) -> None:
    """The smallest lane count of each number of folds, and no other."""
    smallest: dict[int, int] = {}
    for lanes in range(channels, 0, -1):
        smallest[ceil(channels, lanes)] = lanes
    assert _steps(channels) == sorted(smallest.values())


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_options(seed: int, first: bool) -> None:
    """Whatever folding there is, one that is kept is as fast and as small; none that is kept beats another."""
    graph = random_graph(np.random.default_rng(seed), 1, largest=17, strides=[1], frame=(6, 5))
    (node,) = graph.convolutions
    kept = _options(node, 6, 5, first)
    for one, other in itertools.permutations(kept, 2):
        assert not (one.cycles <= other.cycles and one.dsp <= other.dsp and one.bram36 <= other.bram36)
    slope = convolution_dsp(node.accumulator_bits, kept[0].folding) - kept[0].folding.mac_dsp
    triples = [(option.cycles, option.dsp - slope, option.bram36) for option in kept]
    for pe, simd in itertools.product(range(1, node.out_channels + 1), range(1, 4)):
        groups = ceil(3, simd)
        if pe <= node.kernel**2 * groups:
            cycles = max(ceil(node.out_channels, pe) * groups * node.kernel**2 * 30, 30 if first and simd == 3 else 90)
            memory = convolution_bram36(fold_convolution(node, 6, 5, pe, simd), node.weight_bits)
            assert any(c <= cycles and d <= ceil(pe, 2) * simd and b <= memory for c, d, b in triples)


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(6, 5, 3), (13, 4, 5), (22, 6, 3), (23, 12, 5), (9, 14, 3)])
def test_options_of_deep_layers(inputs: int, outputs: int, kernel: int) -> None:
    """More SIMD than the words need can save block RAM (9 lanes make 3 memories, 8 make 4): none is missed."""
    random = np.random.default_rng(inputs)
    deep = random_graph(random, 2, largest=1, strides=[1, 1], kernels=(kernel,), frame=(64, 16)).convolutions[1]
    weight = random.integers(-1, 2, (outputs, inputs, kernel, kernel))
    node = replace(
        deep, in_channels=inputs, out_channels=outputs, weight=weight, weight_bits=8, accumulator_bits=24,
        bias=np.zeros(outputs, dtype=np.int64), slope=None if deep.slope is None else deep.slope.repeat(outputs),
        shift=deep.shift.repeat(outputs), weight_exponent=deep.weight_exponent.repeat(outputs),
    )  # fmt: skip
    kept = [(option.cycles, option.dsp, option.bram36) for option in _options(node, 64, 16, False)]
    for pe, simd in itertools.product(range(1, outputs + 1), range(1, inputs + 1)):
        if pe <= kernel**2 * ceil(inputs, simd):
            folding = fold_convolution(node, 64, 16, pe, simd)
            dsp, memory = convolution_dsp(24, folding), convolution_bram36(folding, 8)
            assert any(c <= layer_cycles(folding, 1) and d <= dsp and b <= memory for c, d, b in kept), (pe, simd)
