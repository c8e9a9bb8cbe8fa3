"""Sizing: what every convolution becomes, so that the board is used to its limit.

Each layer has its options (`hwgen.plan.options`): foldings, and forms of multipliers and memories. A choice takes one
option of every layer; its interval is that of its slowest layer, its resources are their sum. Whatever fits an interval
fits a longer one, so the shortest is found by bisection over the cycle counts that some option of some layer has; each
question on the way, and which choice is best, is an integer program solved exactly (`hwgen.plan.select`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.plan.ends import least_cycles
from hwgen.plan.options import RESOURCES, graph_options
from hwgen.plan.plan import Plan
from hwgen.plan.select import Options, cheapest, evenest, total
from hwgen.plan.timing import frame_interval
from hwgen.rtl.complex_multiply import FORMS, Form
from hwgen.rtl.convolution import ConvolutionFolding

SLACK = 0.01
"""What DSPs are worth: the fewest within so much of the shortest interval."""


@dataclass(frozen=True)
class Choice:
    """One option of each layer. amounts : what they take together, int64 in the order of `RESOURCES`."""

    foldings: tuple[ConvolutionFolding, ...]
    form: Form
    amounts: NDArray[np.int64]


def size(graph: Graph, board: Board, width: int, height: int, fps: float | None = None) -> Plan:
    """Choose the folding and the forms of every layer, and of a precoder's or equaliser's multiplications.

    Without `fps`: the shortest frame interval that the board's DSPs, LUTs, flip-flops and block RAM allow; within 1 %
    of it the fewest DSPs; with those the shortest interval; at that the smallest sum of the other resources' shares.
    With `fps`: that rate at the board's clock with the smallest largest share of any resource.

    Raises
    ------
    HwgenError : the board has too little of something, the rate is beyond what it can do, or the frame is over before
        its coefficients are there
    """
    sizing = _Sizing(graph, board, width, height)
    shortest = sizing.shortest(sizing.has)
    if shortest is None:
        raise sizing.too_small()
    if fps is None:
        choice: Choice | None = sizing.fastest(shortest)
    else:
        # A rate of clock / n allows n cycles, whatever the quotient's last bit says.
        allowed = math.floor(board.clock_mhz * 1e6 / fps * (1 + 1e-12))
        if allowed < shortest:
            raise sizing.too_fast(fps, allowed, shortest)
        choice = sizing.evenest(allowed)
    assert choice is not None
    foldings = {node.name: folding for node, folding in zip(graph.convolutions, choice.foldings, strict=True)}
    plan = Plan(graph, board, width, height, foldings, form=choice.form)
    if (lasts := frame_interval(plan)) < (least := least_cycles(graph)):
        wanted = f"frames of at least {least} cycles, for each brings {graph.coefficient_words} words of coefficients"
        raise HwgenError("--frame", wanted, f"{width}x{height}, of {lasts} cycles")
    return plan


class _Sizing:
    """One graph on one board: its layers' options, the budgets that they share, and the questions asked of them."""

    def __init__(self, graph: Graph, board: Board, width: int, height: int) -> None:
        self.graph, self.board, self.width, self.height = graph, board, width, height
        self.layers = graph_options(graph, board, width, height)
        self.has = np.array([board.budget(key) * (2 if key == "bram36" else 1) for key in RESOURCES])
        self.candidates = np.unique(np.concatenate([layer.cycles for layer in self.layers])).tolist()

    def shortest(self, budgets: NDArray[np.int64], low: int = 0, high: int | None = None) -> int | None:
        """The shortest interval low .. high within the budgets; None where no number of cycles helps."""
        candidates = [c for c in self.candidates if c >= low and (high is None or c <= high)]
        place = bisect_left(candidates, True, key=lambda interval: self.cheapest(interval, budgets) is not None)
        return candidates[place] if place < len(candidates) else None

    def fastest(self, shortest: int) -> Choice:
        """The best choice where no rate is wanted."""
        most = int(shortest * (1 + SLACK))
        fewest = self.cheapest(most, self.has)
        assert fewest is not None
        budgets = self.has.copy()
        budgets[0] = fewest.amounts[0]
        interval = self.shortest(budgets, shortest, most)
        assert interval is not None
        choice = self.cheapest(interval, budgets, [0, *(1 / np.maximum(self.has[1:], 1))])
        assert choice is not None
        return choice

    def cheapest(
        self, interval: int, budgets: NDArray[np.int64], weights: Sequence[float] = (1, 0, 0, 0)
    ) -> Choice | None:
        """The choice within interval and budgets with the smallest weighted sum of resources: the fewest DSPs."""
        return self._choice(interval, lambda layers: cheapest(layers, budgets.tolist(), weights))

    def evenest(self, interval: int) -> Choice | None:
        """The choice within the interval with the smallest largest share of what the board has, above 1 if need be;
        None where nothing is so fast."""
        return self._choice(interval, lambda layers: evenest(layers, self.has.tolist()))

    def _choice(self, interval: int, solve: Callable[[Sequence[Options]], tuple[int, ...] | None]) -> Choice | None:
        places = [layer.within(interval) for layer in self.layers]
        if not all(len(of_layer) for of_layer in places):
            return None
        options = [layer.choices.take(of_layer) for layer, of_layer in zip(self.layers, places, strict=True)]
        chosen = solve(options)
        if chosen is None:
            return None
        found = [
            layer.foldings[of_layer[place]] for layer, of_layer, place in zip(self.layers, places, chosen, strict=True)
        ]
        foldings = tuple(one for one in found if isinstance(one, ConvolutionFolding))
        form = next((one for one in found if not isinstance(one, ConvolutionFolding)), FORMS[0])
        return Choice(foldings, form, total(options, chosen))

    # -- what to say when it does not fit ------------------------------------------------------------------------------

    def too_fast(self, fps: float, allowed: int, shortest: int) -> HwgenError:
        """The rate that would fit, and what the wanted one is short of."""
        reached = math.floor(self.board.clock_mhz * 1e8 / shortest) / 100  # downwards: the rate that is named is met
        most = f"at most {reached:.2f} on {self.board.name} at {self.board.clock_mhz:g} MHz"
        needed = self.evenest(allowed)
        if needed is None:
            return HwgenError("--fps", f"{most}: no folding is faster than {self.least_cycles():,} cycles", f"{fps:g}")
        return HwgenError("--fps", most, f"{fps:g}, which takes {self._short_of(needed)}")

    def least_cycles(self) -> int:
        """The cycles of the slowest layer at its fastest."""
        return max(int(layer.cycles[0]) for layer in self.layers)

    def too_small(self) -> HwgenError:
        """The resource that is short however slow the design may be; where each suffices alone, all of them."""
        unlimited = np.full(len(RESOURCES), 2**31)
        frames = f"{self.graph.model} with {self.width}x{self.height} frames"
        for place, key in enumerate(RESOURCES):
            least = self.cheapest(self.candidates[-1], unlimited, np.eye(len(RESOURCES))[place].tolist())
            assert least is not None
            if least.amounts[place] > self.has[place]:
                wanted, has = _count(key, least.amounts[place]), _count(key, self.has[place])
                return HwgenError(
                    self.board.where("resources", key),
                    f"at least {wanted:g} for {frames} at any rate",
                    f"{has:g}, {wanted - has:g} short",
                )
        needed = self.evenest(self.candidates[-1])
        assert needed is not None
        room = f"room for {frames}, which at any rate takes for instance {self._short_of(needed)}"
        return HwgenError(self.board.where("resources"), room, "less")

    def _short_of(self, needed: Choice) -> str:
        """What a choice takes of the resources that are short: `340 of 220 DSP (120 short)`."""
        return ", ".join(
            f"{_count(key, amount):g} of {_count(key, has):g} {key} ({_count(key, amount - has):g} short)"
            for key, amount, has in zip(RESOURCES, needed.amounts, self.has, strict=True)
            if amount > has
        )


def _count(key: str, amount: int) -> float:
    """An amount as people count it: block RAM in whole blocks."""
    return amount / 2 if key == "bram36" else float(amount)
