"""Directed frames: made to meet the cases of a graph's layers that pictures have left.

    tx: pixels; coefficients of a precoder that round and saturate
    rx: received symbols, given to the receiver as they are; coefficients of an equaliser that multiply by 1.5

The first one is of patterns (`hwgen.verify.patterns`); of a receiver the next is of symbols that its first rounding
finds half-way or takes beyond the largest value. Others are searched with gradients (`hwgen.reference.relaxed`,
`newton`), each for all cases that are still left, which have their own windows in it side by side; then come
coefficients by which a product is rounded beyond the largest value, and noise, for ties. A frame is kept if the integer
graph meets a case on it that none before has met. Nothing is random but by fixed seeds, and PyTorch computes in one
thread: the same machine makes the same frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hwgen.ir.execute import Frame, run
from hwgen.ir.graph import Graph, SymbolNode
from hwgen.ir.node import Node
from hwgen.ir.nodes import MatrixProduct, Power, Receive
from hwgen.ir.nodes.matrix_product import COEFFICIENT, COEFFICIENT_FRACTION
from hwgen.ir.reach import reaches
from hwgen.ir.rounding import rule_of
from hwgen.numerics.integer import IntArray, round_shift, saturate
from hwgen.numerics.words import pack_symbols
from hwgen.reference.newton import Aim, approach
from hwgen.reference.relaxed import Goal, Window, search
from hwgen.verify.bounds import Bounds
from hwgen.verify.coverage import NOT_MET, Coverage, merged, with_bounds
from hwgen.verify.meter import Meter
from hwgen.verify.patterns import noise, patterns

MOST = 5
"""Directed frames of a verification, by default."""
SEARCHES = 6
"""Searches in which nothing new is found, before the rest is left."""
NOISES = 12
"""Frames of noise that are tried for ties."""
ONE_AND_A_HALF = 3 << (COEFFICIENT_FRACTION - 1)
"""A coefficient by which every odd number becomes a tie."""

TIES = ("ties_down", "ties_up")
FAR = 1 << 40
"""A level that no value has."""


@dataclass(frozen=True)
class Directed:
    """A frame as the input port takes it, and the coefficients that come with it, where the graph takes some."""

    frame: Frame
    coefficients: IntArray | None


def directed_frames(
    graph: Graph, size: tuple[int, int], met: Coverage, bounds: Mapping[str, Bounds], most: int = MOST
) -> list[Directed]:
    """At most so many frames.

    Parameters
    ----------
    size
        (width, height) of the image.
    met
        By the frames that are there already.
    bounds
        What no frame meets.
    """
    maker = _Maker(graph, size, met, bounds)
    if most > 0:
        maker.keep(maker.patterns())
    at_edges = {name for name, _ in maker.left(*TIES, "rounded_beyond")}
    if len(maker.kept) < most and isinstance(first := graph.value_nodes[0], Receive) and first.name in at_edges:
        maker.offer(maker.edges(first))
    failed = 0
    while len(maker.kept) < most and failed < SEARCHES and (left := maker.wanted()):
        if failed:  # one alone, by one channel alone, and another one each time
            left = [maker.narrowed(left[(failed - 1) % len(left)], (failed - 1) // len(left))]
        failed += not maker.offer(maker.searched(left))
    node = graph.symbol_node
    if len(maker.kept) < most and isinstance(node, MatrixProduct) and maker.left("rounded_beyond"):
        maker.offer(maker.products(node))
    for seed in range(NOISES):
        if len(maker.kept) >= most or not maker.left(*TIES):
            break
        maker.offer(maker.noise(seed))
    return maker.kept


class _Maker:
    """Makes frames for a graph and keeps account of what is left.

    Frames are made as `values`, (H, W, C): pixels, or what goes into the `Receive` of a receiver.
    """

    def __init__(self, graph: Graph, size: tuple[int, int], met: Coverage, bounds: Mapping[str, Bounds]) -> None:
        self.graph, self.size, self.bounds = graph, size, bounds
        self.kept: list[Directed] = []
        self.coverage = with_bounds(met, bounds)
        self.reaches = reaches(graph, *size)
        self.shape = graph.shapes(*size)[graph.source]
        self.tried = 0

    def left(self, *cases: str) -> list[tuple[str, str]]:
        """The layers and cases that are not met."""
        return [
            (name, case) for name, layer in self.coverage.items() for case, state in layer.states().items()
            if state == NOT_MET and (not cases or case in cases)
        ]  # fmt: skip

    def node(self, name: str) -> Node:
        """The layer of that name."""
        return next(node for node in self.graph.nodes if node.name == name)

    def offer(self, made: Directed) -> bool:
        """Keep a frame if something is met on it that was left."""
        before, old = self.coverage, len(self.left())
        self._run(made)
        if len(self.left()) < old:
            self.kept.append(made)
            return True
        self.coverage = before
        return False

    def keep(self, made: Directed) -> None:
        """Keep a frame in any case."""
        self._run(made)
        self.kept.append(made)

    def _run(self, made: Directed) -> None:
        meter = Meter()
        meter.coefficients = made.coefficients
        run(self.graph, made.frame, meter.answer, self.size)
        self.coverage = merged([self.coverage, with_bounds(meter.coverage(), self.bounds)])

    # -- frames ------------------------------------------------------------------------------------------------------

    def patterns(self) -> Directed:
        """The patterns, over the port's whole range: an equaliser saturates on them."""
        low, high = self.graph.input.bounds
        made = patterns(self.shape, low, high)
        if self.graph.side == "rx":
            made[-1, -1] = (2 * high + 1) // 3  # which 1.5 times is half-way above the largest value
        return self._frame(made, 1.0)

    def edges(self, node: Receive) -> Directed:
        """Symbols that a `Receive` rounds half to even, in every channel where there are any: odd multiples of the
        smallest one, from near 0 on, as far as the port's range goes; and at every second place the smallest ones that
        it rounds beyond the largest value."""
        rule = rule_of(node)
        assert rule is not None, "it rounds"
        scale = np.broadcast_to(np.asarray(node.scale, dtype=np.int64), rule.shift.shape)
        powers = rule.shift - 1 - np.log2(scale & -scale).astype(np.int64)  # half a unit is scale times 2**that
        half = np.where(powers >= 0, np.int64(1) << np.maximum(powers, 0), 0)
        rows, columns, _ = self.shape
        place = np.arange(rows * columns).reshape(rows, columns, 1)
        odd = np.where(place % 4 < 2, 1, -1) * (place // 4 * 2 + 1)
        unit = np.int64(1) << np.maximum(rule.shift, 0)
        beyond = -((-rule.high * unit - (unit + 1) // 2) // scale)
        values = np.where(place % 2 == 0, odd * half, beyond)
        low, high = self.graph.input.bounds
        made = self._frame(np.where((values >= low) & (values <= high), values, 0), 1.0)
        if made.coefficients is not None:  # of an equaliser that passes symbols as they are
            made = replace(made, coefficients=np.sign(made.coefficients) << COEFFICIENT_FRACTION)
        return made

    def noise(self, seed: int) -> Directed:
        """Noise around the middle of the first layer's range, wide and coarse or narrow and fine."""
        cell, deviation = 1 << seed % 4, (0.125, 0.5)[seed // 4 % 2]
        return self._frame(self._port(noise(self.shape, *self._range, seed, cell, deviation)))

    def searched(self, left: Sequence[Goal | Aim]) -> Directed:
        """The frame of a search, from noise, goals before aims. A gain that depends on all values is searched alone."""
        self.tried += 1
        whole = {node.name for node in self.graph.nodes if isinstance(node, Power)}
        apart = [one for one in left if one.node not in whole] or left[:1]
        found = noise(self.shape, *self._range, self.tried)
        placed = list(zip(apart, self._windows(len(apart)), strict=True))
        if goals := [(one, window) for one, window in placed if isinstance(one, Goal)]:
            found = search(self.graph, found, goals)
        if aims := [(one, window) for one, window in placed if isinstance(one, Aim)]:
            found = approach(self.graph, found, aims)
        return self._frame(self._port(found))

    def products(self, node: MatrixProduct) -> Directed:
        """Noise, and on a matrix's diagonal a coefficient by which some part of its symbols is rounded beyond the
        largest value; the usual ones if there is none."""
        made = self.noise(0)
        assert made.coefficients is not None
        parts: list[IntArray] = []

        def answer(one: Node, *inputs: IntArray) -> IntArray:
            if one is node:
                parts.append(np.unique(inputs[0]))
            return one.execute(*inputs, coefficients=made.coefficients)

        run(self.graph, made.frame, answer, self.size)
        unit, high = 1 << COEFFICIENT_FRACTION, node.output.bounds[1]
        positive = parts[0][parts[0] > 0]
        factors = -(-(high * unit + unit // 2) // positive)
        fits = (factors <= COEFFICIENT.bounds[1]) & (factors * positive < (high + 1) * unit)
        if not fits.any():
            return made
        coefficients = np.where(made.coefficients != 0, factors[fits][0], 0)
        return Directed(made.frame, coefficients)

    def _windows(self, count: int) -> list[Window]:
        """So many windows side by side."""
        rows, columns = self.shape[:2]
        across = min(count, math.ceil(math.sqrt(count * columns / rows)))
        down = -(-count // across)
        places = [divmod(index, across) for index in range(count)]
        return [
            Window((y + 0.3) / down, (x + 0.3) / across, (y + 0.7) / down, (x + 0.7) / across) for y, x in places
        ]  # fmt: skip

    @property
    def _range(self) -> tuple[int, int]:
        """Lowest and highest value of what is searched: pixels, or the first layer's integers."""
        first = self.graph.value_nodes[0]
        return first.output.bounds if isinstance(first, Receive) else self.graph.input.bounds

    def _port(self, searched: IntArray) -> IntArray:
        """What goes into a `Receive` that shall give these integers; pixels as they are."""
        first = self.graph.value_nodes[0]
        if not isinstance(first, Receive):
            return searched
        if first.factor is None:
            return round_shift(searched, -first.shift)
        return np.rint(searched * 2.0**first.shifts / first.scale).astype(np.int64)

    def _frame(self, values: IntArray, gain: float = 1.5) -> Directed:
        """As the port takes it; an equaliser multiplies by 1.5, which is undone for a `gain` of 1.5."""
        node = self.graph.symbol_node
        coefficients = _diagonal(node, self.graph.side) if isinstance(node, MatrixProduct) else None
        if self.graph.side == "tx":
            return Directed(values.astype(np.uint8), coefficients)
        parts = saturate(values, self.graph.input.bits, self.graph.input.signed)
        if not isinstance(node, MatrixProduct):
            return Directed(pack_symbols(parts), coefficients)
        return Directed(_before(node, parts, gain), coefficients)

    # -- goals -------------------------------------------------------------------------------------------------------

    def wanted(self) -> list[Goal | Aim]:
        """All goals and aims."""
        return [*self.goals(), *self.aims()]

    def goals(self) -> list[Goal]:
        """What a search can be for: all that is left but ties, of the layers between pixels and symbols."""
        values = {node.name: node for node in self.graph.value_nodes if not isinstance(node, Receive)}
        found: list[Goal] = []
        for name, case in self.left():
            if name in values and case in _GOALS:
                found += _GOALS[case](self, name)
        return found

    def aims(self) -> list[Aim]:
        """Of the layers between pixels and symbols, the sums that are left that only rounding takes beyond."""
        found = []
        for name, _ in self.left("rounded_beyond"):
            rule = rule_of(self.node(name))
            if rule is None or isinstance(self.node(name), (Receive, SymbolNode)):
                continue
            grid = 2.0 ** -np.maximum(rule.shift, 0)  # sums are multiples of it, in units of the output
            first, last = 0.5 + grid * (rule.high % 2 == 0), 1 - grid
            found.append(Aim(name, np.where(first <= last, rule.high + (first + last) / 2, np.inf), 0.2))
        return [aim for aim in found if np.isfinite(aim.value).any()]

    def _limits(self, name: str) -> tuple[IntArray, IntArray]:
        node = self.node(name)
        if (rule := rule_of(node)) is not None:
            return rule.low, rule.high
        ends = (np.full(self.coverage[name].channels, end, dtype=np.int64) for end in node.output.bounds)
        return next(ends), next(ends)

    def narrowed(self, goal: Goal | Aim, place: int) -> Goal | Aim:
        """The same goal of one channel: that whose bounds exceed the limit most, or is at that place in the order."""
        reach = self.reaches[goal.node]
        if isinstance(goal, Aim) or goal.accumulator or reach.rule is None or (np.abs(goal.level) != FAR).sum() == 1:
            return goal
        channel = int(np.argsort(-reach.beyond(goal.up), kind="stable")[place % len(goal.level)])
        level = np.full_like(goal.level, FAR if goal.up else -FAR)
        level[channel] = goal.level[channel]
        return Goal(goal.node, level, goal.up)

    def limit(self, name: str, up: bool) -> list[Goal]:
        """Beyond the limit."""
        return [Goal(name, self._limits(name)[up], up)]

    def branch(self, name: str, up: bool) -> list[Goal]:
        """An accumulator on that side of 0."""
        return [Goal(name, np.zeros(self.coverage[name].channels, dtype=np.int64), up, accumulator=True)]

    def channels(self, name: str) -> list[Goal]:
        """Another value than the one that a channel always has."""
        layer, high = self.coverage[name], self._limits(name)[1]
        rule = self.reaches[name].rule
        found = []
        for channel, (value, other) in enumerate(layer.ends):
            if value == other and channel not in layer.bounds.constant:
                level = value if rule is None else value >> int(rule.left[channel])
                up = level < high[channel]
                beyond = np.full(layer.channels, FAR if up else -FAR, dtype=np.int64)
                beyond[channel] = level
                found.append(Goal(name, beyond, bool(up)))
        return found

    def weights(self, name: str) -> list[Goal]:
        """Another value than 0 of each channel that some idle weights multiply."""
        source = self.graph.inputs[name][0]
        waiting = self.coverage[name].waiting
        if waiting is None or source not in self.coverage or rule_of(self.node(source)) is None:
            return []
        free = set(np.flatnonzero(waiting.any(axis=(1, 2))).tolist()) - self.coverage[source].bounds.constant
        high, found = self._limits(source)[1], []
        for channel in sorted(free):
            up = bool(high[channel] > 0)
            level = np.full_like(high, FAR if up else -FAR)
            level[channel] = 0
            found.append(Goal(source, level, up))
        return found


_GOALS: dict[str, Callable[[_Maker, str], list[Goal]]] = {
    "saturated_low": lambda maker, name: maker.limit(name, False),
    "saturated_high": lambda maker, name: maker.limit(name, True),
    "positive": lambda maker, name: maker.branch(name, True),
    "negative": lambda maker, name: maker.branch(name, False),
    "channels": lambda maker, name: maker.channels(name),
    "weights": lambda maker, name: maker.weights(name),
}


def _diagonal(node: MatrixProduct, side: str) -> IntArray:
    """(tables, rows, columns, 2) coefficients: row r has 1.5 times column r; of a precoder every second row nearly 32
    times, so that it saturates."""
    found = np.zeros((node.tables, node.rows, node.columns, 2), dtype=np.int64)
    for row in range(min(node.rows, node.columns)):
        most = side == "tx" and row % 2 == 1
        found[:, row, row, 0] = COEFFICIENT.bounds[1] if most else ONE_AND_A_HALF
    return found


def _before(node: MatrixProduct, parts: IntArray, gain: float) -> npt.NDArray[np.uint32]:
    """Symbols for which an equaliser with `_diagonal`'s coefficients gives these parts times 1.5 / gain, within 1."""
    symbols = parts.reshape(-1)
    symbols = np.append(symbols, 0) if symbols.size % 2 else symbols
    wanted = np.rint(symbols.reshape(-1, node.rows, 2) / gain).astype(np.int64)
    found = np.zeros((len(wanted), node.columns, 2), dtype=np.int64)
    same = min(node.rows, node.columns)
    found[:, :same] = wanted[:, :same]
    found[..., 1] *= np.where(node.conjugate, -1, 1)
    return pack_symbols(found.reshape(-1, 2))
