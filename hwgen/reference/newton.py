"""Frames in which some value of a layer is close to a wanted one, where `relaxed.search` stops at any beyond a level.

For each aim there is the value nearest to it in its own window. A step changes the pixels around by the least that
brings it there, were the graph linear: delta = distance * gradient / |gradient|**2 (Newton's step of least norm).
Pixels are integers, so that a step is rounded up or down at random, by its fraction: small steps do not vanish, and
their sum is right on average. What is found is a proposal, as of `relaxed`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hwgen.ir.graph import Graph
from hwgen.ir.nodes import Receive
from hwgen.numerics.integer import IntArray
from hwgen.reference.relaxed import Window, forward, one_thread

STEPS = 60
FARTHEST = 16.0
"""Units of the output by which a value moves in a step at most: farther off the graph is not linear."""


@dataclass(frozen=True)
class Aim:
    """A value that some output of a node should have before it is rounded.

    value : of each channel, (C,) float64, in units of the output; infinite for a channel that does not count
    within : the distance that is near enough
    """

    node: str
    value: npt.NDArray[np.float64]
    within: float


def approach(graph: Graph, start: IntArray, aims: Sequence[tuple[Aim, Window]], steps: int = STEPS) -> IntArray:
    """A frame with as many aims met as can be found.

    Parameters
    ----------
    start : (H, W, C) integers that the graph's port takes
    aims : each with the window in which it may be met
    steps : most steps

    Returns
    -------
    (H, W, C) int64, of the port's range
    """
    with one_thread():
        return _approach(graph, start, aims, steps)


def _approach(graph: Graph, start: IntArray, aims: Sequence[tuple[Aim, Window]], steps: int) -> IntArray:
    first = graph.value_nodes[0]
    low, high = first.output.bounds if isinstance(first, Receive) else graph.input.bounds
    x = torch.tensor(start.transpose(2, 0, 1)[None], dtype=torch.float32)
    random = torch.Generator().manual_seed(0)
    best, fewest = x, math.inf
    for _ in range(steps):
        x = x.detach().requires_grad_(True)
        levels, _ = forward(graph, x)
        nearest, distances = zip(*(_nearest(levels[aim.node, False], aim, window) for aim, window in aims), strict=True)
        left = sum(abs(distance) > aim.within for distance, (aim, _) in zip(distances, aims, strict=True))
        if left < fewest:
            best, fewest = x.detach(), left
        if not left:
            break
        (gradient,) = torch.autograd.grad(torch.stack(nearest).sum(), x)
        delta = torch.zeros_like(x)
        for distance, (aim, window) in zip(distances, aims, strict=True):
            if abs(distance) > aim.within:
                own = window.around().of(gradient)
                step = max(-FARTHEST, min(FARTHEST, distance))
                window.around().of(delta).copy_(own * (step / max(float(own.square().sum()), 1e-12)))
        noise = torch.rand(x.shape, generator=random)
        x = (x + torch.floor(delta + noise)).clamp(low, high)
    return np.rint(best[0].numpy().transpose(1, 2, 0)).astype(np.int64)


def _nearest(level: torch.Tensor, aim: Aim, window: Window) -> tuple[torch.Tensor, float]:
    """The value that is nearest to its aim, and how much is missing."""
    there = window.of(level)
    missing = torch.tensor(aim.value, dtype=torch.float32)[:, None, None] - there.detach()
    place = int(missing.abs().argmin())
    return there.reshape(-1)[place], float(missing.reshape(-1)[place])
