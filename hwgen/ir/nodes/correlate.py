"""Sums of products over windows, exactly, as float64 matrix products (BLAS).

Every partial sum is an integer below 2**MAX_ACCUMULATOR_BITS < 2**53 in magnitude, so float64 holds all of them
exactly in any order.
"""

from __future__ import annotations

import numpy as np

from hwgen.numerics.integer import IntArray

CHUNK_VALUES = 1 << 22
"""Largest number of im2col values at once (32 MiB of float64)."""


def correlate(padded: IntArray, weight: IntArray, stride: int, dilation: int = 1, groups: int = 1) -> IntArray:
    """Sums of weight (O, I / groups, K, L) over every window of (H, W, I), `stride` apart, taps `dilation` apart."""
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    parts = []
    for group in range(groups):
        taken = padded[..., group * inputs : (group + 1) * inputs]
        parts.append(_correlate(taken, weight[group * outputs : (group + 1) * outputs], stride, dilation))
    return parts[0] if groups == 1 else np.concatenate(parts, axis=2)


def _correlate(padded: IntArray, weight: IntArray, stride: int, dilation: int) -> IntArray:
    out_channels, _, height, width = weight.shape
    span = (dilation * (height - 1) + 1, dilation * (width - 1) + 1)
    # (row, column, channel, i, j): a view, copied in blocks of rows
    windows = np.lib.stride_tricks.sliding_window_view(padded.astype(np.float64), span, axis=(0, 1))
    windows = windows[::stride, ::stride, :, ::dilation, ::dilation]
    rows, columns = windows.shape[:2]
    matrix = weight.reshape(out_channels, -1).T.astype(np.float64)
    out = np.empty((rows, columns, out_channels), dtype=np.int64)
    block = max(1, CHUNK_VALUES // (columns * matrix.shape[0]))
    for top in range(0, rows, block):
        part = windows[top : top + block]
        flat = part.reshape(part.shape[0] * columns, -1)
        out[top : top + block] = (flat @ matrix).reshape(part.shape[0], columns, -1)
    return out
