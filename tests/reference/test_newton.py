"""Frames in which a value is close to a wanted one: each layer's in its own window, after whole steps of pixels."""

from __future__ import annotations

import numpy as np
import torch
from support.ir_samples import sample_graph

from hwgen.ir.rounding import rounding
from hwgen.reference.newton import Aim, approach
from hwgen.reference.relaxed import Window
from hwgen.verify.patterns import noise


def test_values_settle_where_only_rounding_takes_them_beyond() -> None:
    """Of three layers at once; the second channel of the last one does not count."""
    graph = sample_graph(1)
    start = noise((32, 48, 3), 0, 255, 3)
    nodes = graph.convolutions[:3]

    def exact(frame: np.ndarray) -> list[np.ndarray]:
        """Of all layers before rounding, in units of the output."""
        found, x = [], frame
        for node in nodes:
            made = rounding(node, x)
            assert made is not None
            found.append(made.wide * 2.0**-made.rule.shift)
            x = node.execute(x)
        return found

    aims = []
    for index, (node, values) in enumerate(zip(nodes, exact(start), strict=True)):
        wanted = np.rint(values.max(axis=(0, 1))) + (6.75, 6.75, 3)[index]  # the last layer's sums are coarse
        if index == 2:
            wanted[1] = np.inf
        aims.append((Aim(node.name, wanted, 0.2), Window(0.3, 0.1 + index / 3, 0.7, 0.24 + index / 3)))

    def met(frame: np.ndarray) -> list[bool]:
        found = []
        for (aim, window), values in zip(aims, exact(frame), strict=True):
            there = window.of(torch.tensor(values.transpose(2, 0, 1)[None])).numpy()
            found.append(bool((np.abs(there - aim.value[:, None, None]) <= aim.within + 1e-3).any()))
        return found

    found = approach(graph, start, aims)
    assert found.min() >= 0 and found.max() <= 255
    assert met(start) == [False] * 3 and met(found) == [True] * 3
    np.testing.assert_array_equal(found, approach(graph, start, aims))
