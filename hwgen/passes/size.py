"""Sizing: how many lanes each convolution gets.

A layer with PE x SIMD lanes takes ceil(O / PE) * ceil(I / SIMD) * K * K cycles per output pixel, and two lanes share
a DSP. For a given frame interval the best choice of each layer is independent of the others': the fewest DSPs that
finish in time (among equals, the fewest lanes, then the fewest PEs: a shorter drain). So the whole problem has one
unknown, the interval: the candidates are the cycle counts that some folding of some layer has, and the smallest one
whose DSPs fit the board is the answer.
"""

from __future__ import annotations

from bisect import bisect_left

from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.ir.graph import Conv2d, Gain, Graph
from hwgen.passes.plan import Plan, fold_convolution, pixel_lanes
from hwgen.passes.timing import layer_cycles
from hwgen.rtl.convolution import ConvolutionFolding
from hwgen.rtl.cost import convolution_bram36, convolution_dsp, gain_dsp


def size(graph: Graph, board: Board, width: int, height: int, fps: float | None = None) -> Plan:
    """Choose PE and SIMD of every layer.

    With `fps` the design meets that rate at the board's clock with the fewest DSPs; without, it takes the shortest
    frame interval that the board's DSPs allow and, at that interval, the fewest DSPs.

    Raises
    ------
    HwgenError : the board has too few DSPs, or the rate is beyond what it can do
    """
    shapes = graph.shapes(width, height)
    sizes = [shapes["pixels"], *(shapes[node.name] for node in graph.nodes)]
    choices = {
        node.name: _pareto(node, *sizes[index][1::-1], first=index == 0)
        for index, node in enumerate(graph.nodes)
        if isinstance(node, Conv2d)
    }
    nodes = {node.name: node for node in graph.nodes if isinstance(node, Conv2d)}
    budget = board.resources.dsp - sum(gain_dsp() for node in graph.nodes if isinstance(node, Gain))

    def plan_for(interval: int) -> Plan | None:
        """The cheapest plan within that interval, if there is one."""
        foldings = {}
        for name, options in choices.items():
            fitting = [folding for cycles, folding in options if cycles <= interval]
            if not fitting:
                return None
            foldings[name] = min(fitting, key=_price)
        return Plan(graph, board, width, height, foldings)

    def dsp(plan: Plan) -> int:
        return sum(
            convolution_dsp(nodes[name].accumulator_bits, folding) for name, folding in plan.foldings.items()
        )

    candidates = sorted({cycles for options in choices.values() for cycles, _ in options})

    def fits(interval: int) -> bool:
        plan = plan_for(interval)
        return plan is not None and dsp(plan) <= budget

    smallest = plan_for(candidates[-1])
    assert smallest is not None
    if dsp(smallest) > budget:
        short = dsp(smallest) - budget
        wanted = f"at least {board.resources.dsp + short} for {graph.model}"
        raise HwgenError(f"{board.path}: resources.dsp", wanted, str(board.resources.dsp))
    # Fewer cycles never cost fewer DSPs, so the candidates that fit are those from some place on.
    interval = candidates[bisect_left(candidates, True, key=fits)]
    if fps is not None:
        allowed = int(board.clock_mhz * 1e6 / fps)
        if allowed < interval:
            most = f"at most {board.clock_mhz * 1e6 / interval:.2f} on {board.name} at {board.clock_mhz:g} MHz"
            raise HwgenError("--fps", most, f"{fps:g}")
        interval = min(allowed, candidates[-1])
    plan = plan_for(interval)
    assert plan is not None
    needed = sum(convolution_bram36(folding, nodes[name].weight_bits) for name, folding in plan.foldings.items())
    if needed > board.resources.bram36:
        wanted = f"at least {needed:g} BRAM36 for {graph.model} with {width}x{height} frames"
        raise HwgenError(f"{board.path}: resources.bram36", wanted, str(board.resources.bram36))
    return plan


def _price(folding: ConvolutionFolding) -> tuple[int, int, int]:
    return folding.mac_dsp, folding.lanes, folding.pe


def _pareto(node: Conv2d, width: int, height: int, first: bool) -> list[tuple[int, ConvolutionFolding]]:
    """(cycles, folding) of every folding of the layer that no other one beats in both cycles and DSPs."""
    best: dict[int, ConvolutionFolding] = {}
    for pe in _steps(node.out_channels):
        for simd in _steps(node.in_channels):
            if pe > node.kernel**2 * -(-node.in_channels // simd):
                continue  # its results could not leave one by one
            folding = fold_convolution(node, width, height, pe, simd)
            cycles = layer_cycles(folding, pixel_lanes(folding) if first else 1)
            if cycles not in best or _price(folding) < _price(best[cycles]):
                best[cycles] = folding
    kept: list[tuple[int, ConvolutionFolding]] = []
    for cycles in sorted(best):
        if not kept or best[cycles].mac_dsp < kept[-1][1].mac_dsp:
            kept.append((cycles, best[cycles]))
    return kept


def _steps(channels: int) -> list[int]:
    """The smallest lane count for each number of folds: more lanes for the same folds would only idle."""
    return sorted({-(-channels // folds) for folds in range(1, channels + 1)})
