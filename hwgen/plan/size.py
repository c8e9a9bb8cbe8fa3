"""Sizing: what every node's hardware becomes, so that the board is used to its limit.

Each node has its options (`hwgen.lower`): foldings, and forms of multipliers and memories. A choice takes one option of
every node; its interval is that of its slowest node, its resources are their sum. Whatever fits an interval fits a
longer one, so the shortest is found by bisection over the cycle counts that some option of some node has; each question
on the way, and which choice is best, is an integer program solved exactly (`hwgen.plan.select`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwgen.board import Board
from hwgen.errors import HwgenError
from hwgen.ir.graph import Graph
from hwgen.lower.base import RESOURCES, Options
from hwgen.option_values import Engine
from hwgen.plan.design import Design
from hwgen.plan.pareto import pareto_front
from hwgen.plan.plan import Plan
from hwgen.plan.select import Layer, Link, cheapest, evenest, total
from hwgen.rewrite.hardware import INPUT

SLACK = 0.01
"""Weight of DSPs against speed: the fewest within so much of the shortest interval."""
FEWEST_DSPS = tuple(float(key == "dsp") for key in RESOURCES)


Key = tuple[int, str]
"""A node: the design's place among those sized together, and its name."""


@dataclass(frozen=True)
class Choice:
    """One option of each node.

    Parameters
    ----------
    configs
        Those of each design, by node.
    amounts
        Their resources together, int64 in the order of `RESOURCES`.
    """

    configs: tuple[dict[str, Any], ...]
    amounts: NDArray[np.int64]


def size(
    graph: Graph, board: Board, width: int, height: int, fps: float | None = None, engine: Engine = "direct"
) -> Plan:
    """Choose the hardware of every node.

    Without `fps`: the shortest frame interval that the board's resources allow; within 1 % of it the fewest DSPs; with
    those the shortest interval; at that the smallest sum of the other resources' shares.
    With `fps`: that rate at the board's clock with the smallest largest share of any resource.

    Raises
    ------
    HwgenError
        The board has too little of something, the rate is beyond what it can do, or the frame is over before its
        coefficients are there.
    """
    (plan,) = size_together([graph], board, width, height, fps, engine)
    return plan


def size_together(
    graphs: Sequence[Graph], board: Board, width: int, height: int, fps: float | None = None, engine: Engine = "direct"
) -> tuple[Plan, ...]:
    """Choose the hardware of several graphs that share one board and have one rate: a transmitter and its receiver.

    As `size` has it, of all of them at once: the interval is that of the slowest node of any, resources are those of
    all together. Each may then be a little faster than the others by itself.

    Raises
    ------
    HwgenError
        As `size`.
    """
    return Sizing([Design(graph, board, width, height, engine) for graph in graphs]).plans(fps)


def node_options(design: Design) -> dict[str, Options[Any]]:
    """Options of every node of a design, in topological order, with numbers of lanes that both ends can have."""
    lowerings, hardware = design.lowerings, design.hardware

    def lanes(producer: str, consumer: str) -> list[int]:
        offered, accepted = lowerings[producer].lanes_offered, lowerings[consumer].lanes_accepted
        return offered if accepted is None else [count for count in offered if count in accepted]

    found = {}
    for name, one in lowerings.items():
        sources = [[1] if source == INPUT else lanes(source, name) for source in hardware.inputs[name]]
        outputs = one.lanes_offered
        for consumer, _ in hardware.consumers[name]:
            outputs = [count for count in outputs if count in lanes(name, consumer)]
        found[name] = one.options(design.board, sources, outputs if hardware.consumers[name] else [1])
    return found


class Sizing:
    """Designs on one board: their nodes' options, the budgets that they share, and the questions asked of them.

    Nodes without a choice are counted with the first one that has any.
    """

    def __init__(self, designs: Sequence[Design]) -> None:
        self.designs = designs
        self.board, self.width, self.height = designs[0].board, designs[0].width, designs[0].height
        lowerings = {
            (place, name): one for place, design in enumerate(designs) for name, one in design.lowerings.items()
        }
        options = {
            (place, name): found
            for place, design in enumerate(designs)
            for name, found in node_options(design).items()
        }
        # A node of single values leaves its neighbours no choice either; others must be asked together with them.
        self.given = {
            key: found.configs[0]
            for key, found in options.items()
            if len(found.configs) == 1 and lowerings[key].lanes_offered == [1]
        }
        if len(self.given) == len(options):
            self.given.popitem()  # the integer program needs a node
        chosen = {key: found for key, found in options.items() if key not in self.given}
        # What has no streams of several values comes last.
        self.keys: list[Key] = sorted(chosen, key=lambda key: lowerings[key].takes_single_beats)
        self.layers = [chosen[key] for key in self.keys]
        always = sum(options[key].amounts[0] for key in self.given)
        self.layers[0] = replace(self.layers[0], amounts=self.layers[0].amounts + always)
        self.links = [
            Link(self.keys.index((which, source)), options[which, source].lanes.shape[1] - 1, place, port)
            for place, (which, name) in enumerate(self.keys)
            for port, source in enumerate(designs[which].hardware.inputs[name])
            if (which, source) in self.keys
        ]
        self.has = self._budgets({})
        self.least = max((lowerings[key].cycles(config) for key, config in self.given.items()), default=0)
        cycles = np.concatenate([layer.cycles for layer in self.layers])
        self.candidates = np.unique(np.maximum(cycles, self.least)).tolist()

    def plans(self, fps: float | None, kept: Mapping[str, float] | None = None) -> tuple[Plan, ...]:
        """The designs' plans within the board's budget less `kept`, chosen as `size` says.

        Parameters
        ----------
        fps
            The rate; None for the shortest interval.
        kept
            Resources of the board's budget that are left free, by name, besides what its `usable` leaves.

        Raises
        ------
        HwgenError
            As `size`.
        """
        self.has = self._budgets(kept or {})
        shortest = self.shortest(self.has)
        if shortest is None:
            raise self.too_small()
        if fps is None:
            choice: Choice | None = self.fastest(shortest)
        else:
            # A rate of clock / n allows n cycles, whatever the quotient's last bit says.
            allowed = math.floor(self.board.clock_mhz * 1e6 / fps * (1 + 1e-12))
            if allowed < shortest:
                raise self.too_fast(fps, allowed, shortest)
            choice = self.evenest(allowed)
        assert choice is not None
        plans = tuple(Plan(design, configs) for design, configs in zip(self.designs, choice.configs, strict=True))
        for plan in plans:
            if (lasts := plan.frame_interval) < (least := plan.design.least_frame_cycles):
                words = plan.graph.coefficient_words
                wanted = f"frames of at least {least} cycles, for each brings {words} words of coefficients"
                raise HwgenError("--frame", wanted, f"{self.width}x{self.height}, of {lasts} cycles")
        return plans

    def _budgets(self, kept: Mapping[str, float]) -> NDArray[np.int64]:
        """What designs may take, in the order of `RESOURCES`, block RAM in halves."""
        free = {key: self.board.budget(key) - kept.get(key, 0) for key in RESOURCES}
        return np.array([math.floor(free[key] * (2 if key == "bram36" else 1)) for key in RESOURCES])

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
        self, interval: int, budgets: NDArray[np.int64], weights: Sequence[float] = FEWEST_DSPS
    ) -> Choice | None:
        """The choice within interval and budgets with the smallest weighted sum of resources: the fewest DSPs."""
        return self._choice(interval, lambda layers, links: cheapest(layers, links, budgets.tolist(), weights))

    def evenest(self, interval: int) -> Choice | None:
        """The choice within the interval with the smallest largest share of what the board has, above 1 if need be;
        None where nothing is so fast."""
        return self._choice(interval, lambda layers, links: evenest(layers, links, self.has.tolist()))

    def _choice(
        self, interval: int, solve: Callable[[Sequence[Layer], Sequence[Link]], tuple[int, ...] | None]
    ) -> Choice | None:
        within = [np.arange(np.searchsorted(layer.cycles, interval, side="right")) for layer in self.layers]
        rows = [
            of_layer[pareto_front(layer.amounts[of_layer], layer.lanes[of_layer])]
            for layer, of_layer in zip(self.layers, within, strict=True)
        ]
        if not all(len(of_layer) for of_layer in rows):
            return None
        options = [
            Layer(layer.amounts[of_layer], layer.lanes[of_layer])
            for layer, of_layer in zip(self.layers, rows, strict=True)
        ]
        chosen = solve(options, self.links)
        if chosen is None:
            return None
        found = dict(self.given)
        for key, layer, of_layer, place in zip(self.keys, self.layers, rows, chosen, strict=True):
            found[key] = layer.configs[of_layer[place]]
        configs = tuple(
            {name: found[which, name] for name in design.lowerings} for which, design in enumerate(self.designs)
        )
        return Choice(configs, total(options, chosen))

    # -- what to say when it does not fit ------------------------------------------------------------------------------

    def too_fast(self, fps: float, allowed: int, shortest: int) -> HwgenError:
        """The rate that would fit, and what the wanted one is short of."""
        reached = math.floor(self.board.clock_mhz * 1e8 / shortest) / 100  # downwards: the rate that is named is met
        most = f"at most {reached:.2f} on {self.board.name} at {self.board.clock_mhz:g} MHz"
        needed = self.evenest(allowed)
        if needed is None or allowed < self.least_cycles():
            return HwgenError("--fps", f"{most}: no folding is faster than {self.least_cycles():,} cycles", f"{fps:g}")
        return HwgenError("--fps", most, f"{fps:g}, which takes {self._short_of(needed)}")

    def least_cycles(self) -> int:
        """The cycles of the slowest layer at its fastest."""
        return max(self.least, *(int(layer.cycles[0]) for layer in self.layers))

    def too_small(self) -> HwgenError:
        """The resource that is short however slow the design may be; where each suffices alone, all of them."""
        unlimited = np.full(len(RESOURCES), 2**31)
        graphs = [design.graph for design in self.designs]
        both = "" if len(graphs) == 1 else f" ({len(graphs)} designs together)"
        frames = f"{graphs[0].model}{both} with {self.width}x{self.height} frames"
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
        """Resources that a choice has too little of: `340 of 220 DSP (120 short)`."""
        return ", ".join(
            f"{_count(key, amount):g} of {_count(key, has):g} {key} ({_count(key, amount - has):g} short)"
            for key, amount, has in zip(RESOURCES, needed.amounts, self.has, strict=True)
            if amount > has
        )


def _count(key: str, amount: int) -> float:
    """An amount as people count it: block RAM in whole blocks."""
    return amount / 2 if key == "bram36" else float(amount)
