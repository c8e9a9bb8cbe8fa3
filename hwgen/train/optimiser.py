"""Muon for convolution kernels, Adam for everything else.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) replaces the momentum of a weight
matrix by the nearest orthogonal matrix, so that all its directions learn at one pace. These networks have no
normalisation layers and are badly conditioned: for the same number of steps it gets further than Adam.
torch.optim.Muon takes matrices only, and the input-channel axis of a transposed convolution comes first, so the
few lines are here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from hwgen.train.complex_layers import Kernel

MOMENTUM = 0.95
ITERATIONS = 5
# Quintic Newton-Schulz coefficients of the reference implementation: singular values end near 1.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
# An orthogonal O x I matrix has entries of RMS 1/sqrt(max(O, I)); Adam's steps have an RMS near 0.2.
ADAM_RMS = 0.2
REST_LR = 0.5  # of the kernels' learning rate, for biases, slopes and thresholds


def orthogonalise(matrix: Tensor) -> Tensor:
    """The nearest (semi-)orthogonal matrix, approximately: (R, C) float -> (R, C) float32."""
    a, b, c = COEFFICIENTS
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide.bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if wide is matrix else x.T).float()


class Muon(torch.optim.Optimizer):
    """Muon for 4-d kernels, Adam for parameters of other shapes and groups with ``adam``, as one optimiser.

    Every group's ``lr`` is set by the caller; `groups` tells how they relate.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(groups, {"lr": 0.0, "betas": (0.9, 0.999), "transposed": False, "scale": 1.0, "adam": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step from the gradients in place."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                rule = self._kernel if parameter.ndim == 4 and not group["adam"] else self._adam
                parameter.add_(rule(parameter, parameter.grad, group), alpha=-group["lr"])

    def _kernel(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].lerp_(gradient, 1.0 - MOMENTUM)
        update = gradient.lerp(momentum, MOMENTUM)
        if group["transposed"]:
            update = update.transpose(0, 1)
        flat = update.reshape(len(update), -1)
        result = (orthogonalise(flat) * (ADAM_RMS * math.sqrt(max(flat.shape)))).reshape(update.shape)
        return result.transpose(0, 1) if group["transposed"] else result

    def _adam(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        low, high = group["betas"]
        state["step"] += 1
        state["mean"].lerp_(gradient, 1.0 - low)
        state["square"].lerp_(gradient.square(), 1.0 - high)
        count = state["step"].item()
        return (state["mean"] / (1.0 - low**count)) / ((state["square"] / (1.0 - high**count)).sqrt() + 1e-8)


def groups(network: nn.Module, apart: Collection[Tensor] = (), share: float = 1.0) -> list[dict[str, Any]]:
    """Parameter groups for `Muon`; ``scale`` is each group's share of the learning rate.

    Parameters
    ----------
    apart : parameters of plain convolutions that learn by Adam, at `share` of the learning rate
    """
    kernels: list[Tensor] = []
    transposed: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, nn.ConvTranspose2d):
            transposed.append(module.weight)
        elif isinstance(module, (nn.Conv2d, Kernel)):
            kernels.append(module.weight)
    slow = {id(parameter) for parameter in apart}
    kernels = [kernel for kernel in kernels if id(kernel) not in slow]
    seen = {id(kernel) for kernel in (*kernels, *transposed)} | slow
    rest = [parameter for parameter in network.parameters() if id(parameter) not in seen]
    found = [
        {"params": kernels, "transposed": False, "scale": 1.0},
        {"params": transposed, "transposed": True, "scale": 1.0},
        {"params": rest, "transposed": False, "scale": REST_LR},
    ]
    if apart:
        found.append({"params": list(apart), "transposed": False, "scale": share, "adam": True})
    return found
