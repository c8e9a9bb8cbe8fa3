"""A graph with gradients: frames searched for values beyond a layer's limits.

Forward is the integer graph in float32, close to exact; backward takes rounding for the identity and lets a little of
the gradient through where a value is limited, or on a flat branch of a PReLU, so that it can come back. What the
search finds is a proposal: whoever asks runs the integer graph on it. Steps are the gradient's signs, which use a
bounded range best (projected gradient ascent, Madry et al. 2018): windows that see different parts of the frame do not
compete.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from hwgen.ir.graph import Graph
from hwgen.ir.node import Node
from hwgen.ir.nodes import (
    Add,
    AveragePool,
    Concat,
    Conv2d,
    Convolution,
    ConvTranspose2d,
    DepthToSpace,
    Gain,
    MaxPool,
    Power,
    Receive,
    SpaceToDepth,
    Table,
)
from hwgen.ir.rounding import rule_of
from hwgen.numerics.formats import POWER
from hwgen.numerics.integer import IntArray

LEAK = 0.1
"""Share of the gradient that passes a limited value."""
BEYOND = 2.0
"""By how much a value should pass its limit, in units of the output."""
STEPS = 80
FIRST, LAST = 1 / 8, 1 / 128
"""Step sizes at the beginning and the end, in parts of the input's range."""


@dataclass(frozen=True)
class Goal:
    """A value that some output of a node should have.

    level : that it should pass, upwards or downwards: (C,), in units of the output
    up : the direction
    accumulator : the value in front of a PReLU instead of that behind it, in units of its sums
    """

    node: str
    level: IntArray
    up: bool
    accumulator: bool = False


@dataclass(frozen=True)
class Window:
    """A part of every layer's frames, (top, left, bottom, right) in parts of height and width."""

    top: float
    left: float
    bottom: float
    right: float

    def around(self) -> Window:
        """Three quarters of its size more on all sides."""
        rows, columns = 0.75 * (self.bottom - self.top), 0.75 * (self.right - self.left)
        top, left = max(0.0, self.top - rows), max(0.0, self.left - columns)
        return Window(top, left, self.bottom + rows, self.right + columns)

    def of(self, values: torch.Tensor) -> torch.Tensor:
        """What (1, C, H, W) has there: at least one position."""
        height, width = values.shape[2:]
        rows = _span(self.top, self.bottom, height)
        columns = _span(self.left, self.right, width)
        return values[0, :, rows, columns]


def _span(first: float, last: float, size: int) -> slice:
    start = min(int(first * size), size - 1)
    return slice(start, max(start + 1, int(last * size)))


def search(graph: Graph, start: IntArray, goals: Sequence[tuple[Goal, Window]], steps: int = STEPS) -> IntArray:
    """A frame whose values pass as many goals as can be found, from the frame `start`.

    Parameters
    ----------
    start
        (H, W, C) integers: pixels (tx), or what the first node, the `Receive`, gives (rx).

    Returns
    -------
    (H, W, C) int64 of the same range.
    """
    with one_thread():
        return _search(graph, start, goals, steps)


@contextmanager
def one_thread() -> Iterator[None]:
    """With one thread sums have one order; and small layers are faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _search(graph: Graph, start: IntArray, goals: Sequence[tuple[Goal, Window]], steps: int) -> IntArray:
    first = graph.value_nodes[0]
    low, high = first.output.bounds if isinstance(first, Receive) else graph.input.bounds
    x = torch.tensor(start.transpose(2, 0, 1)[None], dtype=torch.float32)
    best, most = x, -math.inf
    for step in range(steps):
        x = x.detach().requires_grad_(True)
        levels, _ = forward(graph, x)
        scores = [_score(levels, goal, window) for goal, window in goals]
        reached = sum(min(score.item(), 0.0) for score in scores)
        if reached > most:
            best, most = x.detach(), reached
        if most >= 0:
            break
        loss = torch.stack([score.clamp(max=0.0) for score in scores]).sum()
        (gradient,) = torch.autograd.grad(loss, x)
        size = (high - low) * FIRST * (LAST / FIRST) ** (step / steps)
        x = (x + max(size, 1.0) * gradient.sign()).clamp(low, high)
    return np.rint(best[0].numpy().transpose(1, 2, 0)).astype(np.int64)


def _score(levels: Levels, goal: Goal, window: Window) -> torch.Tensor:
    """How far the nearest output is beyond its level; below 0 where it is not."""
    there = window.of(levels[goal.node, goal.accumulator])
    wanted = torch.tensor(goal.level, dtype=torch.float32)[:, None, None]
    beyond = there - wanted if goal.up else wanted - there
    return beyond.max() - BEYOND


Levels = dict[tuple[str, bool], torch.Tensor]
"""By node: its output before rounding and saturation and, with True, the accumulators of a convolution."""


def forward(graph: Graph, x: torch.Tensor) -> tuple[Levels, dict[str, torch.Tensor]]:
    """The levels and the outputs, (1, C, H, W) each, of the nodes between pixels and symbols.

    x : pixels, or what the `Receive` gives
    """
    outs: dict[str, torch.Tensor] = {}
    found: Levels = {}
    for node in graph.value_nodes:
        taken = [outs.get(name, x) for name in graph.inputs[node.name]]  # what is not there yet is the variable
        wide, acc = _wide(node, *taken)
        if acc is not None:
            found[node.name, True] = acc
        outs[node.name] = found[node.name, False] = wide
        if (rule := rule_of(node)) is not None:
            low, high, left = (
                torch.tensor(array, dtype=torch.float32)[:, None, None] for array in (rule.low, rule.high, rule.left)
            )
            outs[node.name] = _through(wide, low, high) * 2.0**left
    return found, outs


def _through(level: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Rounded and limited; the gradient is that of a leaky limit."""
    limited = torch.clamp(level, low, high)
    soft = limited + LEAK * (level - limited)
    return soft + (torch.clamp(level.round(), low, high) - soft).detach()


Wide = tuple[torch.Tensor, torch.Tensor | None]


@singledispatch
def _wide(node: Node, *taken: torch.Tensor) -> Wide:
    """A node's output before it is rounded, in units of the output, and its accumulators: (1, C, H, W)."""
    raise TypeError(f"no gradients of {type(node).__name__}")


@_wide.register
def _(node: Convolution, *taken: torch.Tensor) -> Wide:
    weight, bias = torch.tensor(node.weight, dtype=torch.float32), torch.tensor(node.bias, dtype=torch.float32)
    if isinstance(node, ConvTranspose2d):
        acc = functional.conv_transpose2d(
            taken[0], weight.transpose(0, 1), bias, node.stride, node.padding, node.output_padding
        )  # fmt: skip
    else:
        assert isinstance(node, Conv2d)
        padding = (node.padding_height, node.padding_width)
        acc = functional.conv2d(taken[0], weight, bias, node.stride, padding, node.dilation, node.groups)
    unit = 2.0 ** -torch.tensor(node.shift, dtype=torch.float32)[:, None, None]
    if node.slope is None:
        return acc * unit, acc
    slope = torch.tensor(node.slope / 2**node.slope_fraction, dtype=torch.float32)[:, None, None]
    level, steep = torch.where(acc >= 0, acc, acc * slope), torch.where(slope == 0, LEAK, slope)
    soft = torch.where(acc >= 0, acc, acc * steep)  # a branch that is flat passes a little of the gradient, too
    return (soft + (level - soft).detach()) * unit, acc


@_wide.register
def _(node: Receive, *taken: torch.Tensor) -> Wide:
    """The variable is what it gives, so that its shift does not matter."""
    left = torch.zeros(node.channels)
    left[1::2] = node.imag_left
    return taken[0] * 2.0 ** -left[:, None, None], None


@_wide.register
def _(node: Gain, *taken: torch.Tensor) -> Wide:
    scale = torch.as_tensor(node.scale * 2.0**-node.shift, dtype=torch.float32)
    return taken[0] * (scale[:, None, None] if scale.ndim else scale), None


@_wide.register
def _(node: Power, *taken: torch.Tensor) -> Wide:
    (x,) = taken
    symbols, power = (x.numel() + 1) // 2, node.power / 2**POWER.fraction
    return x * (symbols * power / (x.square().sum() + 1e-3)).sqrt() * 2.0**-node.output_exponent, None


@_wide.register
def _(node: Add, *taken: torch.Tensor) -> Wide:
    return (taken[0] + taken[1]) * 2.0**-node.shift, None


@_wide.register
def _(node: AveragePool, *taken: torch.Tensor) -> Wide:
    mean = functional.avg_pool2d(taken[0], node.kernel, node.stride, node.padding)
    return mean * (node.kernel**2 * node.multiplier * 2.0**-node.shift), None


@_wide.register
def _(node: MaxPool, *taken: torch.Tensor) -> Wide:
    return functional.max_pool2d(taken[0], node.kernel, node.stride, node.padding), None


@_wide.register
def _(node: Concat, *taken: torch.Tensor) -> Wide:
    return torch.cat(taken, dim=1), None


@_wide.register
def _(node: SpaceToDepth, *taken: torch.Tensor) -> Wide:
    return functional.pixel_unshuffle(taken[0], node.factor), None


@_wide.register
def _(node: DepthToSpace, *taken: torch.Tensor) -> Wide:
    return functional.pixel_shuffle(taken[0], node.factor), None


@_wide.register
def _(node: Table, *taken: torch.Tensor) -> Wide:
    """The gradient is the slope between the neighbours."""
    size = 1 << node.input.bits
    low, high = node.input.bounds
    codes = taken[0].detach().round().clamp(low, high).long()
    values: npt.NDArray[np.float32] = node.values.astype(np.float32)
    table = torch.tensor(values)
    slope = (table[(codes + 1).clamp(max=high) % size] - table[(codes - 1).clamp(min=low) % size]) / 2
    soft = taken[0] * slope
    return soft + (table[codes % size] - soft).detach(), None
