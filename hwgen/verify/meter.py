"""Collects what the layers of a graph meet, frame after frame.

The values are the golden model's, which the integer graph, executed here, equals.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from hwgen.ir.node import Node
from hwgen.ir.nodes import Convolution
from hwgen.ir.rounding import Met, rounding, rule_of
from hwgen.ir.taps import touched, weights_per_tap
from hwgen.numerics.integer import IntArray
from hwgen.verify.coverage import Coverage, LayerCoverage, constant


class Meter:
    """Collects what the nodes of a graph meet, frame after frame; `answer` is for `hwgen.ir.execute.run`."""

    def __init__(self) -> None:
        self.coefficients: IntArray | None = None  # of the frame
        self._met: dict[str, Met] = {}
        self._signs: dict[str, tuple[int, int]] = {}
        self._ends: dict[str, tuple[IntArray, IntArray]] = {}
        self._waiting: dict[str, IntArray] = {}
        self._weights: dict[str, int] = {}
        self._values: dict[str, int] = {}
        self._free: set[str] = set()  # whose shift is every frame's own

    def answer(self, node: Node, *inputs: IntArray) -> IntArray:
        """The node's output; what it meets on the way is counted."""
        found, name = rounding(node, *inputs, coefficients=self.coefficients), node.name
        if found is not None:
            met = found.met()
            self._met[name] = met + self._met[name] if name in self._met else met
            if rule_of(node) is None:
                self._free.add(name)
        if isinstance(node, Convolution):
            assert found is not None and found.accumulators is not None
            out = node.activate(found.accumulators)  # as its `execute` does, which would accumulate once more
            if node.slope is not None:
                positive = int((found.accumulators >= 0).sum())
                before = self._signs.get(name, (0, 0))
                self._signs[name] = before[0] + positive, before[1] + out.size - positive
            self._count_taps(node, inputs[0])
        else:
            out = node.execute(*inputs, coefficients=self.coefficients)
        flat = out.reshape(-1, out.shape[-1])
        low, high = flat.min(axis=0), flat.max(axis=0)
        if name in self._ends:
            low, high = np.minimum(low, self._ends[name][0]), np.maximum(high, self._ends[name][1])
        self._ends[name] = low, high
        self._values[name] = self._values.get(name, 0) + out.size
        return out

    def _count_taps(self, node: Convolution, taken: IntArray) -> None:
        if node.name not in self._waiting:
            self._waiting[node.name] = weights_per_tap(node)
            self._weights[node.name] = int(self._waiting[node.name].sum())
        waiting = self._waiting[node.name]
        if waiting.any():
            self._waiting[node.name] = np.where(touched(node, taken != 0), 0, waiting)

    def coverage(self) -> Coverage:
        """Coverage of every layer, in the order of the graph."""
        found = {}
        for name, (low, high) in self._ends.items():
            ends = tuple(zip(low.tolist(), high.tolist(), strict=True))
            layer = LayerCoverage(self._values[name], len(ends), constant(ends), ends=ends)
            if name in self._met:
                layer = replace(layer, **asdict(self._met[name]))
            if name in self._free:
                layer = replace(layer, rounded_beyond=None)
            if name in self._signs:
                positive, negative = self._signs[name]
                layer = replace(layer, positive=positive, negative=negative)
            if name in self._waiting:
                waiting = self._waiting[name]
                layer = replace(
                    layer, weights=self._weights[name], idle_weights=int(waiting.sum()), waiting=waiting
                )  # fmt: skip
            found[name] = layer
        return found
