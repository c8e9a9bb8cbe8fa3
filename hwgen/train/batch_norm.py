"""Batch normalisation behind convolutions, which training has and hardware has not: it is folded into their weights.

In evaluation y = (x - mean) / sqrt(variance + eps) * scale + offset with constants for every channel (Ioffe and
Szegedy, Batch Normalization, 2015). Behind a convolution x = w * input that is one with the kernel w * s and the bias
offset - mean * s, where s = scale / sqrt(variance + eps).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from hwgen.spec.layers import DecoderLayer, Layer
from hwgen.spec.model import ModelSpec
from hwgen.spec.network import Network

EPSILON = 1e-5
"""Added to the variance."""
NAMES = ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")


def without(network: Network) -> Network:
    """The same layers, none of them normalised: what a network of folded weights is."""
    return replace(
        network,
        layers=tuple(
            replace(placed, layer=placed.layer.model_copy(update={"batch_norm": False}))
            if isinstance(placed.layer, Layer)
            else placed
            for placed in network.layers
        ),
    )


def fold_batch_norm(state: Mapping[str, Tensor], spec: ModelSpec) -> dict[str, Tensor]:
    """A float network's state -> the state of the same function without normalisation.

    Parameters
    ----------
    state
        Of `hwgen.train.deep_jscc.DeepJSCC`, `pruned` or `dense`. Layers that have no normalisation stay as they are.
    spec
        The specification whose network it is: kernels of transposed convolutions have their outputs second.

    Returns
    -------
    All tensors but the normalisation's, and `conv.bias` where there was none; computed in float64, of the kernel's
    type.
    """
    found = {name: value for name, value in state.items() if ".norm." not in name}
    for side, layers in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        for index, layer in enumerate(layers):
            at = f"{side}.{index}"
            if f"{at}.{NAMES[0]}" not in state:
                continue
            kernel = state[f"{at}.conv.weight"]
            scale, offset = _affine(state, at)
            axis = 1 if isinstance(layer, DecoderLayer) else 0
            shape = [1] * kernel.ndim
            shape[axis] = -1
            found[f"{at}.conv.weight"] = (kernel.double() * scale.view(shape)).to(kernel.dtype)
            found[f"{at}.conv.bias"] = offset.to(kernel.dtype)
    return found


def _affine(state: Mapping[str, Tensor], at: str) -> tuple[Tensor, Tensor]:
    """(C,) float64 factor and summand of every channel."""
    weight, bias, mean, variance = (state[f"{at}.{name}"].double() for name in NAMES)
    scale = weight / torch.sqrt(variance + EPSILON)
    return scale, bias - mean * scale
