"""Convolutions' kernels of all kinds in one form: (out, in, rows, columns) on channels of the stream."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.network import Placed, Side
from hwgen.train.complex_layers import interleaved, parts


def stream_kernel(state: Mapping[str, Tensor], side: Side, placed: Placed) -> Tensor:
    """The kernel of a convolution in the state of `hwgen.train.deep_jscc.DeepJSCC`; between groups it is 0.

    Of a transposed convolution not mirrored: as torch has it, but outputs first.
    """
    at, layer = f"{side}.{placed.index}.conv", placed.layer
    assert isinstance(layer, Layer)
    if layer.complex:
        return interleaved(state[f"{at}.real.weight"], state[f"{at}.imag.weight"])
    kernel = state[f"{at}.weight"]
    if isinstance(layer, DecoderLayer):
        return kernel.transpose(0, 1)
    if placed.groups == 1:
        return kernel
    whole = kernel.new_zeros(placed.given.channels, placed.taken[0].channels, *kernel.shape[2:])
    for rows, columns in _blocks(placed):
        whole[rows, columns] = kernel[rows]
    return whole


def from_stream_kernel(kernel: Tensor, side: Side, placed: Placed) -> dict[str, Tensor]:
    """The inverse: a convolution's kernels by their names in the state."""
    at, layer = f"{side}.{placed.index}.conv", placed.layer
    assert isinstance(layer, Layer)
    if layer.complex:
        real, imag = parts(kernel)
        return {f"{at}.real.weight": real, f"{at}.imag.weight": imag}
    if isinstance(layer, DecoderLayer):
        kernel = kernel.transpose(0, 1)
    elif placed.groups > 1:
        kernel = torch.cat([kernel[rows, columns] for rows, columns in _blocks(placed)])
    return {f"{at}.weight": kernel}


def _blocks(placed: Placed) -> list[tuple[slice, slice]]:
    """Outputs and inputs of every group."""
    outputs, inputs = (channels // placed.groups for channels in (placed.given.channels, placed.taken[0].channels))
    return [(slice(group * outputs, (group + 1) * outputs), slice(group * inputs, (group + 1) * inputs))
            for group in range(placed.groups)]  # fmt: skip
