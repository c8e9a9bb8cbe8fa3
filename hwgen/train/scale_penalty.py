"""Penalties on batch normalisation's scales in float training: they make channels that criterion `slimming` can remove.

    slimming      sum |g|                                  Z. Liu et al., Network Slimming, ICCV 2017, equation 1
    polarisation  T sum |g| - sum |g - mean(g)|            T. Zhuang et al., Neuron-level Structured Pruning using
                                                           Polarization Regularizer, NeurIPS 2020

over the scales g of all layers, each with its weight in the loss. The first one makes all of them small. The second one
has no lower bound where few scales are large: of n positive ones with k above the mean, those fall by
T - 2 (n - k) / n a unit of the weight, so they grow with k below 0.4 n, and the others fall by T + 2 k / n.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from hwgen.errors import HwgenError
from hwgen.spec.model import ModelSpec

T = 1.2
"""One of the values that the paper's authors use."""


def scales(network: nn.Module) -> Iterator[Tensor]:
    """(C,) of each batch normalisation."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            yield module.weight


def penalty(network: nn.Module, slimming: float, polarisation: float) -> Tensor:
    """What is added to the loss, (): both sums with their weights."""
    found = torch.cat([one.reshape(-1) for one in scales(network)])
    size = found.abs().sum()
    return slimming * size + polarisation * (T * size - (found - found.mean()).abs().sum())


def check(spec: ModelSpec) -> None:
    """Refuse penalties of a network without batch normalisation.

    Raises
    ------
    HwgenError : it has none
    """
    layers = [*spec.convolutions("encoder"), *spec.convolutions("decoder")]
    for key in ("slimming", "polarisation"):
        if getattr(spec.training, key, 0.0) and not any(layer.batch_norm for layer in layers):
            raise HwgenError(spec.where("training", key), "this key with batch_norm in some layers only", "none")
