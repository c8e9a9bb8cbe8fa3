"""Sizing against brute force: every folding and form of every layer, in every combination."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from support.plans import random_graph

from hwgen import board as boards
from hwgen.board import Board, Usable
from hwgen.device import RARE
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.lower.base import RESOURCES, amounts
from hwgen.lower.convolution_options import lane_steps
from hwgen.plan.design import Design
from hwgen.plan.pareto import pareto_front
from hwgen.plan.plan import Plan
from hwgen.plan.size import Sizing, node_options, size, size_together
from hwgen.rtl.primitives import Cost

MHZ = 100.0
FRAME = (12, 8)
LARGE = {"dsp": 10_000, "lut": 10**7, "ff": 10**7, "bram36": 10_000}


def board_with(**resources: int) -> Board:
    """A board of 7 series of which so much of each may be taken; plenty of what is not named.

    The part stays the same, and with it what a block RAM is worth in LUTs.
    """
    plain = boards.load("pynq_z2")
    shares = {key: amount / LARGE[key] for key, amount in resources.items()}
    usable = Usable().model_copy(update=shares)
    large = plain.resources.model_copy(update=LARGE)
    return plain.model_copy(update={"resources": large, "usable": usable, "clock_mhz": MHZ})


def graph_of(layers: int, strides: list[int], largest: int, seed: int) -> Graph:
    return random_graph(np.random.default_rng(seed), layers, largest=largest, strides=strides, frame=FRAME)


def combinations(graph: Graph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(interval, amounts) of every combination of options whose neighbours agree; what is beaten in cycles and in every
    resource by one with the same neighbours is left out on the way."""
    options = node_options(Design(graph, board_with(), *FRAME))
    cycles, taken, kinds = np.zeros(1, np.int64), np.zeros((1, len(RESOURCES)), np.int64), np.zeros(1, np.int64)
    for layer in options.values():  # in a row
        pairs = [
            (place, option)
            for place, option in itertools.product(range(len(cycles)), range(len(layer.cycles)))
            if kinds[place] == layer.lanes[option, 0]
        ]
        first, second = map(list, zip(*pairs, strict=True))
        cycles, taken, kinds = _undominated(
            np.maximum(cycles[first], layer.cycles[second]),
            taken[first] + layer.amounts[second],
            layer.lanes[second, -1],
        )
    return cycles, taken


def _undominated(
    cycles: NDArray[np.int64], taken: NDArray[np.int64], kinds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    points = np.unique(np.concatenate([kinds[:, None], cycles[:, None], taken], axis=1), axis=0)
    kept: list[NDArray[np.int64]] = []
    for point in points:  # whoever beats it comes before it
        others = np.array(kept).reshape(-1, points.shape[1])
        if not ((others[:, 0] == point[0]) & (others[:, 1:] <= point[1:]).all(axis=1)).any():
            kept.append(point)
    result = np.array(kept)
    return result[:, 1], result[:, 2:], result[:, 0]


def taken_by(plan: Plan) -> NDArray[np.int64]:
    """The most that a plan takes: the sizing does not look at the weights' bits."""
    family, design = plan.board.family, plan.design
    costs = [
        plan.configs[name].cost(family)
        if name in plan.foldings
        else one.cost(plan.configs[name], family)
        for name, one in design.lowerings.items()
    ]
    taken = np.array(amounts(sum(costs, Cost())))
    assert (amounts(sum(plan.costs.values(), Cost())) <= taken).all()
    return taken


CASES = [(1, [1], 7, 0), (1, [2], 8, 1), (2, [1, 1], 5, 2), (2, [2, 1], 6, 3), (2, [2, 2], 4, 4), (3, [1, 2, 1], 3, 5)]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("resource", [key for key in RESOURCES if key not in RARE])
def test_the_shortest_interval_and_then_the_fewest_dsps(case: tuple[int, list[int], int, int], resource: str) -> None:
    """One resource is scarce, from the least that will do to plenty."""
    graph = graph_of(*case)
    cycles, taken = combinations(graph)
    place = RESOURCES.index(resource)
    unit = 2 if resource == "bram36" else 1
    needs = np.unique(-(-taken[:, place] // unit))
    for budget in needs[:: max(1, len(needs) // 5)]:
        fitting = taken[:, place] <= unit * budget
        shortest = int(cycles[fitting].min())
        near = fitting & (cycles <= int(shortest * 1.01))
        fewest = int(taken[near, 0].min())
        best = int(cycles[near & (taken[:, 0] == fewest)].min())
        plan = size(graph, board_with(**{resource: int(budget)}), *FRAME)
        assert (plan.frame_interval, taken_by(plan)[0]) == (best, fewest)
        assert taken_by(plan)[place] <= unit * budget


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rate_is_met_with_the_smallest_largest_share(case: tuple[int, list[int], int, int]) -> None:
    graph = graph_of(*case)
    cycles, taken = combinations(graph)
    board = board_with(dsp=60, lut=20_000, ff=30_000, bram36=12)
    has = [60, 20_000, 30_000, 24, 1]  # no option takes UltraRAM

    def share(amount: NDArray[np.int64]) -> Fraction:
        return max(Fraction(int(a), b) for a, b in zip(amount, has, strict=True))

    shares = [share(amount) for amount in taken]
    for allowed in np.unique(cycles)[:: max(1, len(np.unique(cycles)) // 4)].tolist() + [10**6]:
        best = min(share for share, c in zip(shares, cycles, strict=True) if c <= allowed)
        if best <= 1:
            plan = size(graph, board, *FRAME, fps=MHZ * 1e6 / (allowed + 0.25))
            assert plan.frame_interval <= allowed
            assert share(taken_by(plan)) == best


@pytest.mark.parametrize(("first", "second"), [(CASES[0], CASES[1]), (CASES[1], CASES[4])], ids=str)
def test_two_graphs_share_a_board(
    first: tuple[int, list[int], int, int], second: tuple[int, list[int], int, int]
) -> None:
    """The shortest common interval of every pair of choices within DSPs and LUTs, then the fewest DSPs; or a rate."""
    graphs = [graph_of(*first), graph_of(*second)]
    (cycles, taken), (others, of_others) = map(combinations, graphs)
    both = np.maximum(cycles[:, None], others[None, :]).ravel()
    together = (taken[:, None] + of_others[None, :]).reshape(-1, len(RESOURCES))
    for dsp, lut in ((4, 10**6), (12, 3000), (10**4, 2000), (30, 10**6)):
        fitting = (together[:, 0] <= dsp) & (together[:, 1] <= lut)
        if not fitting.any():
            with pytest.raises(HwgenError, match=r"random \(2 designs together\) with 12x8 frames"):
                size_together(graphs, board_with(dsp=dsp, lut=lut), *FRAME)
            continue
        shortest = int(both[fitting].min())
        near = fitting & (both <= int(shortest * 1.01))
        fewest = int(together[near, 0].min())
        best = int(both[near & (together[:, 0] == fewest)].min())
        plans = size_together(graphs, board_with(dsp=dsp, lut=lut), *FRAME)
        amount = sum(map(taken_by, plans))
        assert (max(plan.frame_interval for plan in plans), amount[0]) == (best, fewest)
        assert amount[1] <= lut
        rate = MHZ * 1e6 / (2 * shortest + 0.25)
        slow = size_together(graphs, board_with(dsp=dsp, lut=lut), *FRAME, fps=rate)
        assert max(plan.frame_interval for plan in slow) <= 2 * shortest
        assert sum(map(taken_by, slow))[0] <= dsp
        with pytest.raises(HwgenError, match="--fps: wanted at most"):
            size_together(graphs, board_with(dsp=dsp, lut=lut), *FRAME, fps=MHZ * 1e6 / (shortest - 0.5))


@pytest.mark.parametrize("resource", [key for key in RESOURCES if key not in RARE])
def test_too_small_a_board(resource: str) -> None:
    """The error names the number that would do, and how much is short; with that number it fits."""
    graph = random_graph(np.random.default_rng(1), 2, largest=6, strides=[1, 1], kernels=(5,), frame=(512, 8))
    few = board_with(**{resource: 0})
    with pytest.raises(HwgenError) as caught:
        size(graph, few, 512, 8)
    assert caught.value.where == few.where("resources", resource)
    named = re.fullmatch(r"at least ([\d.]+) for random with 512x8 frames at any rate", caught.value.wanted)
    assert named is not None
    assert caught.value.got == f"0, {named[1]} short"
    least = math.ceil(float(named[1]))
    size(graph, board_with(**{resource: least}), 512, 8)
    with pytest.raises(HwgenError):
        size(graph, board_with(**{resource: least - 1}), 512, 8)


def test_too_small_in_two_ways_that_exclude_each_other() -> None:
    """Either the DSPs or the LUTs would do, both at their least do not."""
    graph = random_graph(np.random.default_rng(1), 2, largest=6, strides=[1, 1], kernels=(5,), frame=(512, 8))
    least = {}
    for resource in ("lut", "bram36"):
        with pytest.raises(HwgenError) as caught:
            size(graph, board_with(**{resource: 0}), 512, 8)
        least[resource] = math.ceil(float(caught.value.wanted.split()[2]))
    both = board_with(**least)
    with pytest.raises(HwgenError) as caught:
        size(graph, both, 512, 8)
    assert caught.value.where == both.where("resources")
    assert re.fullmatch(
        r"room for random with 512x8 frames, which at any rate takes for instance .*\d short\).*", caught.value.wanted
    )


def test_a_rate_beyond_the_board() -> None:
    """The error names a rate that is reached, and what the wanted one is short of."""
    graph, board = graph_of(*CASES[3]), board_with(dsp=8, lut=3000)
    shortest = size(graph, board, *FRAME).frame_interval
    wanted = MHZ * 1e6 / size(graph, board_with(), *FRAME).frame_interval
    with pytest.raises(HwgenError) as caught:
        size(graph, board, *FRAME, fps=wanted)
    assert caught.value.where == "--fps"
    named = re.fullmatch(r"at most ([\d.]+) on pynq_z2 at 100 MHz", caught.value.wanted)
    assert named is not None
    reached = float(named[1])
    # A rate is not given away for DSPs: without a wanted one the interval may be longer by 1 %.
    assert MHZ * 1e6 / shortest - 0.01 <= reached <= MHZ * 1e6 / shortest * 1.01
    size(graph, board, *FRAME, fps=reached)
    with pytest.raises(HwgenError):
        size(graph, board, *FRAME, fps=reached + 0.01)
    assert caught.value.got.startswith(f"{wanted:g}, which takes ")
    short = re.findall(r"(\d+) of (\d+) (\w+) \((\d+) short\)", caught.value.got)
    assert short
    for needed, has, resource, missing in short:
        assert int(needed) - int(has) == int(missing) > 0
        assert int(has) == board.budget(resource)


def test_a_rate_that_no_folding_reaches() -> None:
    graph = graph_of(*CASES[3])
    fastest = size(graph, board_with(), *FRAME).frame_interval
    with pytest.raises(HwgenError, match=rf"no folding is faster than {fastest:,} cycles"):
        size(graph, board_with(), *FRAME, fps=MHZ * 1e6 / fastest * 1.1)


def test_sizing_is_the_same_every_time() -> None:
    graph = graph_of(*CASES[5])
    first, again = (size(graph, board_with(dsp=60), *FRAME) for _ in range(2))
    assert first.foldings == again.foldings
    assert list(first.foldings) == [node.name for node in graph.convolutions]


@pytest.mark.parametrize("channels", range(1, 40))
def test_lane_steps(channels: int) -> None:
    """The smallest lane count of each number of folds, and no other."""
    smallest: dict[int, int] = {}
    for lanes in range(channels, 0, -1):
        smallest[-(-channels // lanes)] = lanes
    assert lane_steps(channels) == sorted(smallest.values())


@pytest.mark.parametrize(("channels", "multiple"), list(itertools.product(range(1, 20), (2, 4))))
def test_steps_in_multiples(channels: int, multiple: int) -> None:
    found = lane_steps(channels, multiple)
    assert all(lanes % multiple == 0 for lanes in found)
    assert {-(-channels // lanes) for lanes in found} == {
        -(-channels // lanes) for lanes in range(multiple, channels + multiple, multiple)
    }


@pytest.mark.parametrize("seed", range(3))
def test_an_option_is_what_its_folding_costs(seed: int) -> None:
    """Cycles and amounts of every option are its folding's; none that is kept within an interval beats another."""
    graph = graph_of(2, [2, 1], 6, seed)
    options = node_options(Design(graph, board_with(), *FRAME))
    for node in graph.convolutions:
        layer = options[node.name]
        assert (np.diff(layer.cycles) >= 0).all()
        for place in range(0, len(layer.cycles), 7):
            folding = layer.configs[place]
            cost = folding.cost("xc7")
            assert tuple(layer.amounts[place]) == amounts(cost)
            assert layer.cycles[place] == folding.cycles
            assert tuple(layer.lanes[place]) == (folding.in_lanes, folding.out_lanes)
        all_of_it = np.column_stack([layer.cycles, layer.amounts])
        assert len(pareto_front(all_of_it, layer.lanes)) == len(layer.cycles)


def test_what_is_kept_free_is_what_a_smaller_board_lacks() -> None:
    graph = graph_of(*CASES[0])
    (plan,) = size_together([graph], board_with(), *FRAME)
    least = {key: amount / (2 if key == "bram36" else 1) for key, amount in zip(RESOURCES, taken_by(plan), strict=True)}
    for key in ("dsp", "lut"):
        has = int(least[key]) - 1
        (smaller,) = size_together([graph], board_with(**{key: has}), *FRAME)
        (kept,) = Sizing([Design(graph, board_with(**{key: has + 7}), *FRAME)]).plans(None, {key: 7})
        assert kept.configs == smaller.configs != plan.configs
