"""Integers to Brevitas's quantised tensors and back, and the quantisers between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hwgen.ir.types import IntType
from hwgen.numerics.integer import IntArray
from hwgen.train.quantisers import plain, quant_activation, set_exponents


def quantiser(kind: IntType, exponent: int) -> nn.Module:
    """A float64 Brevitas quantiser to integers of a type times 2**exponent; of an unsigned type a rectifier too."""
    layer = quant_activation(kind.bits, kind.signed).double().eval()
    set_exponents(layer, exponent, kind.bits - kind.signed)
    return layer


def real(x: IntArray, exponent: int) -> Tensor:
    """(H, W, C) integers * 2**exponent as a float64 tensor (1, C, H, W)."""
    return torch.from_numpy(x.astype(np.float64) * 2.0**exponent).permute(2, 0, 1)[None]


def quantised(x: IntArray, kind: IntType, exponent: int) -> Any:
    """(H, W, C) integers of a type as a Brevitas quantised tensor (1, C, H, W) of scale 2**exponent."""
    return quantiser(kind, exponent)(real(x, exponent))


def integers(x: Any, exponent: int) -> IntArray:
    """Brevitas's quantised tensor (1, C, H, W) to integers (H, W, C); refuses what is no multiple of its scale."""
    value = plain(x) * 2.0**-exponent
    rounded = value.round()
    if not torch.equal(rounded, value):
        raise ArithmeticError(f"Brevitas gave values that are no multiples of 2**{exponent}")
    return np.ascontiguousarray(rounded[0].permute(1, 2, 0).numpy()).astype(np.int64)


def quantiser_of_parts(kind: IntType, exponent: int, coarse: tuple[int, int] | None) -> nn.Module:
    """A quantiser, or one each for real and imaginary parts (see `hwgen.ir.nodes.convolution.Convolution`)."""
    whole = quantiser(kind, exponent)
    if coarse is None:
        return whole
    return _Parts(whole, quantiser(IntType(coarse[0], kind.signed), exponent + coarse[1]))


class _Parts(nn.Module):
    """Odd channels through the imaginary parts' quantiser, then all through the real ones', whose finer grid holds
    what came out of it: that one changes nothing there, and gives the whole tensor one scale."""

    def __init__(self, whole: nn.Module, imag: nn.Module) -> None:
        super().__init__()
        self.whole, self.imag = whole, imag

    def forward(self, x: Any) -> Any:
        mixed = plain(x).clone()
        mixed[:, 1::2] = plain(self.imag(mixed[:, 1::2]))
        return self.whole(mixed)
