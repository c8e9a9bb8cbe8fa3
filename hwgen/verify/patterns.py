"""Plain test patterns as frames: flat, noisy, checked and striped parts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hwgen.numerics.integer import IntArray

SHAPE = (2, 4)
"""Rows and columns of parts in a frame."""


def patterns(shape: tuple[int, int, int], low: int, high: int, seed: int = 0) -> IntArray:
    """A frame (H, W, C) of integers from `low` to `high`, in parts: the smallest value, the largest, noise of both, all
    values with the same probability, a chequerboard, stripes across and along, and noise around the middle."""
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    y, x = np.arange(height)[:, None, None], np.arange(width)[None, :, None]
    c = np.arange(channels)
    middle, spread = (low + high) / 2, (high - low) / 8
    ends = np.array([low, high])
    parts = [
        np.full(shape, low), np.full(shape, high), ends[rng.integers(0, 2, shape)],
        rng.integers(low, high + 1, shape), ends[(x + y + c) & 1], ends[(y + 0 * x + c) & 1],
        ends[(x + 0 * y + c) & 1], np.clip(np.rint(rng.normal(middle, spread, shape)), low, high),
    ]  # fmt: skip
    rows, columns = SHAPE
    at = np.minimum(y * rows // height, rows - 1) * columns + np.minimum(x * columns // width, columns - 1)
    return np.select([at == index for index in range(len(parts))], _integers(parts))


def noise(
    shape: tuple[int, int, int], low: int, high: int, seed: int, cell: int = 1, deviation: float = 0.125
) -> IntArray:
    """A frame of normally distributed values around the middle.

    Parameters
    ----------
    cell
        Sides of the squares that have one value.
    deviation
        In parts of the range.
    """
    height, width, channels = shape
    small = -(-height // cell), -(-width // cell), channels
    values = np.random.default_rng(seed).normal((low + high) / 2, (high - low) * deviation, small)
    values = values.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
    return np.clip(np.rint(values), low, high).astype(np.int64)


def _integers(parts: Sequence[npt.NDArray[Any]]) -> list[IntArray]:
    return [part.astype(np.int64) for part in parts]
