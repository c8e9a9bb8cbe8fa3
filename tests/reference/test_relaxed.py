"""The graph with gradients: its values are the integer graph's, and what it searches it finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.graphs import random_dag
from support.ir_samples import sample_graph

from hwgen.ir.execute import execute
from hwgen.ir.nodes import Power, Receive
from hwgen.ir.rounding import rounding
from hwgen.numerics.words import pack_symbols
from hwgen.reference.relaxed import Goal, Window, forward, search


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_forward_is_the_integer_graph(side: str) -> None:
    """But for float32: a tie behind a PReLU may fall on the other side."""
    kinds = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        graph = random_dag(rng, side)
        width, height = graph.frame
        if side == "tx":
            given = rng.integers(0, 256, (height, width, graph.input_channels))
            wanted = execute(graph, given.astype(np.uint8))
        else:
            first = graph.value_nodes[0]
            assert isinstance(first, Receive)
            given = rng.integers(-128, 128, graph.shapes(width, height)["symbols"])
            given[..., 1::2] = given[..., 1::2] >> first.imag_left << first.imag_left
            wanted = execute(graph, pack_symbols(np.clip(given << first.shift, -32768, 32767)))
            given = wanted[first.name].astype(np.int64)
        _, found = forward(graph, torch.tensor(given.transpose(2, 0, 1)[None], dtype=torch.float32))
        assert set(found) == {node.name for node in graph.value_nodes}
        for node in graph.value_nodes:
            kinds.add(type(node).__name__)
            got = found[node.name][0].numpy().transpose(1, 2, 0)
            assert got.shape == wanted[node.name].shape
            most = 4 if isinstance(node, Power) else 0  # whose integer gain is within 2**-14 of the exact one
            assert (np.abs(got - wanted[node.name]) <= most).mean() > 0.99, (seed, node)
    assert len(kinds) >= 8


@pytest.mark.parametrize("up", [False, True])
def test_a_search_passes_its_levels(up: bool) -> None:
    """Each goal in its own window, from a frame of noise in which no value is beyond its level."""
    graph = sample_graph(1)
    start = np.random.default_rng(3).integers(112, 144, (16, 24, 3))
    convolutions = graph.convolutions[:2]

    def exact(frame: np.ndarray) -> list[np.ndarray]:
        """Of both layers before rounding."""
        found, x = [], frame
        for node in convolutions:
            made = rounding(node, x)
            assert made is not None
            found.append(made.wide * 2.0**-made.rule.shift)
            x = node.execute(x)
        return found

    goals = []
    for index, (node, values) in enumerate(zip(convolutions, exact(start), strict=True)):
        level = np.rint(values.max(axis=(0, 1)) + 20 if up else values.min(axis=(0, 1)) - 20).astype(np.int64)
        goals.append((Goal(node.name, level, up), Window(0.1, 0.1 + index / 2, 0.9, 0.4 + index / 2)))

    def beyond(frame: np.ndarray) -> list[bool]:
        found = []
        for (goal, window), values in zip(goals, exact(frame), strict=True):
            there = window.of(torch.tensor(values.transpose(2, 0, 1)[None])).numpy()
            found.append(bool((there > goal.level[:, None, None] if up else there < goal.level[:, None, None]).any()))
        return found

    found = search(graph, start, goals)
    assert found.min() >= 0 and found.max() <= 255
    assert beyond(start) == [False, False] and beyond(found) == [True, True]
    np.testing.assert_array_equal(found, search(graph, start, goals))


def test_a_window_has_a_position_in_the_smallest_frame() -> None:
    assert Window(0.9, 0.3, 0.95, 0.4).of(torch.zeros(1, 3, 1, 2)).shape == (3, 1, 1)
