"""Weights from a codebook: every weight of a layer is one of N integers, on its channel's power-of-two grid.

Weights w of output channel o with scale 2**e[o] are x = w * 2**-e[o] in steps of their integers. The codebook
c[0] < ... < c[N-1], integers of the narrow range, is the k-means of all x of the layer,

    minimise sum over i of (x[i] - c[a[i]])**2,    a[i] = the nearest one's index,

by Lloyd's iteration (S. Lloyd, Least Squares Quantization in PCM, IEEE Trans. Inf. Theory 28, 1982): assign, then move
every c to the mean of what is assigned to it. It starts from evenly spaced values from the smallest x to the largest,
which keeps large weights (S. Han, H. Mao, W. Dally, Deep Compression, ICLR 2016, section 3.2). Means are rounded to
integers, half to even, and moved apart where two meet. Scales are first those for all integers, then in turn the best
of their halves, themselves and their doubles for the codebook, and the codebook for them.

While training, weights keep their real values: the rounding to the nearest c is straight-through, and every
`REFINE_EVERY` steps each c moves to its weights' mean once more. It is Brevitas's `float_to_int_impl`, in place of the
rounding to the nearest integer: scales, clamp and bias stay Brevitas's own.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hwgen.numerics.integer import IntArray, bounds

ITERATIONS = 100
"""Most steps of Lloyd's iteration; it has settled long before."""
REFINE_EVERY = 50
"""Training steps between two moves of the codebook."""


class CodebookRounding(nn.Module):
    """To the nearest of N integers, with a straight-through gradient.

    Parameters
    ----------
    codebook_size
        N, at most 2**(weight_bits - 1).
    weight_bits
        Of the integers, narrow range.
    codebook_fixed
        Whether the codebook stays what it begins as, evenly spaced over the whole range: of two values and 2 bits -1
        and 1, the signs of the weights.

    Attributes
    ----------
    values : (N,) int64, strictly ascending. Integers, so that a running average of weights leaves them alone.
    steps : Forward passes in which weights were trained, so far.
    """

    values: Tensor
    steps: Tensor

    def __init__(self, codebook_size: int, weight_bits: int, codebook_fixed: bool = False) -> None:
        super().__init__()
        self.fixed = codebook_fixed
        self.largest = bounds(weight_bits, True)[1]
        evenly = torch.linspace(-self.largest, self.largest, codebook_size)
        self.register_buffer("values", _apart(evenly, self.largest))
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        """Weights in steps of their integers, any shape, to integers."""
        if self.training and x.requires_grad and not self.fixed:  # weights that are kept keep their codebook
            self.steps += 1
            if int(self.steps) % REFINE_EVERY == 0:
                self.values.copy_(_apart(_means(x.detach(), self.values.to(x.dtype)), self.largest))
        return self.nearest(x.detach()) + (x - x.detach())

    def nearest(self, x: Tensor) -> Tensor:
        """The codebook's values next to these; half-way between two, the smaller one."""
        values = self.values.to(x.dtype)
        return values[_assigned(x, values)]

    def integers(self) -> IntArray:
        """(N,) the codebook."""
        return self.values.cpu().numpy().astype(np.int64)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Choose the codebook for weights in steps of their integers, where there is a choice."""
        if self.fixed:
            return
        flat = x.reshape(-1).double().clamp(-self.largest, self.largest)
        centres = torch.linspace(float(flat.min()), float(flat.max()), len(self.values), dtype=torch.float64).to(flat)
        for _ in range(ITERATIONS):
            before, centres = centres, _means(flat, centres)
            if torch.equal(before, centres):
                break
        self.values.copy_(_apart(centres, self.largest))


    def better_exponents(self, x: Tensor) -> Tensor:
        """(O,) -1, 0 or 1: what to add to a channel's exponent for the least squared error with this codebook.

        x : (O, ...) weights in steps of their integers
        """
        flat = x.reshape(len(x), -1).double()
        factors = torch.tensor([0.5, 1.0, 2.0]).to(flat)
        errors = [(factor * self.nearest(flat / factor) - flat).square().sum(1) for factor in factors]
        return torch.stack(errors).argmin(0) - 1


def _assigned(x: Tensor, values: Tensor) -> Tensor:
    return torch.searchsorted((values[:-1] + values[1:]) / 2, x.contiguous())


def _means(x: Tensor, values: Tensor) -> Tensor:
    """Every value's mean of what is assigned to it; where nothing is, the value."""
    assigned = _assigned(x.reshape(-1).to(values.dtype), values)
    counts = torch.zeros_like(values).index_add_(0, assigned, torch.ones_like(x.reshape(-1), dtype=values.dtype))
    sums = torch.zeros_like(values).index_add_(0, assigned, x.reshape(-1).to(values.dtype))
    return torch.where(counts > 0, sums / counts.clamp(min=1.0), values)


def _apart(values: Tensor, largest: int) -> Tensor:
    """Ascending values as distinct integers (int64) within +-largest."""
    found = [int(value) for value in values.round().tolist()]
    for index in range(len(found)):
        least = -largest if index == 0 else found[index - 1] + 1
        found[index] = max(found[index], least)
    for index in reversed(range(len(found))):
        most = largest if index == len(found) - 1 else found[index + 1] - 1
        found[index] = min(found[index], most)
    return torch.tensor(found, device=values.device)
