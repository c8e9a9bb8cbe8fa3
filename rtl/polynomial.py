"""Products of polynomials: two neighbouring pixels by two or three neighbouring taps in one multiply.

A row of taps over a row of pixels is a product of polynomials. With two pixels in one operand of a DSP and t taps in
the other, f bits apart (z = 2**f), one multiply gives t + 1 sums, of which every inner one has two products:

    (a0 + a1 z)(w0 + w1 z)         = w0 a0 + (w0 a1 + w1 a0) z + w1 a1 z^2
    (a0 + a1 z)(w0 + w1 z + w2 z^2) = w0 a0 + (w0 a1 + w1 a0) z + (w1 a1 + w2 a0) z^2 + w2 a1 z^3

With w_k = g_(t - 1 - k), the taps g the other way round, and the pixels at X and X + 1, the k-th sum belongs to output
X + k - (t - 1). So all 2 t products count, those at both ends for outputs of the blocks beside this one: outputs are
added up where blocks overlap. Block P has pixels 2 P and 2 P + 1 beyond every t-th tap, and its sums belong to outputs
2 P - (t - 1) .. 2 P + 1; once it has been added, outputs 2 P - 2 and 2 P - 1 are complete. A row of outputs takes one
block more than it has pairs.

At a stride s, tap j = s m + r meets every s-th column, so the taps of each remainder r are a row at a stride of 1.

Sums of such products over a chain of DSPs stay apart under the condition of `hwgen.rtl.packing`: every sum but the
uppermost within 2**(f - 1) - 1. Of narrow weights and activations made signed, |a| <= 2**(b - 1), an inner sum of one
product is at most 2 * (2**(w - 1) - 1) * 2**(b - 1); what the actual weights allow is `polynomial_chain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from amaranth.hdl import Shape
from numpy.typing import NDArray

from hwgen.rtl.packing import (
    DSP_NARROW,
    DSP_WIDE,
    LONGEST_CHAIN,
    Packing,
    chain_lengths,
    lanes_by_place,
    largest_weight_sum,
)

TOGETHER = (2, 3)
"""Numbers of taps in a product."""


@dataclass(frozen=True)
class Product:
    """One product of a row of taps.

    Parameters
    ----------
    first, second
        Columns of its pixels, counted from the first tap of output 2 P.
    taps
        By field, the lowest first; None: no tap, zero.
    """

    first: int
    second: int
    taps: tuple[int | None, ...]


@cache
def products(kernel_width: int, stride: int, together: int) -> tuple[Product, ...]:
    """The products of a row of taps, `together` of them in each."""
    found = []
    for rest in range(min(stride, kernel_width)):
        row = range(rest, kernel_width, stride)
        for begin in range(0, len(row), together):
            own = [row[tap] if tap < len(row) else None for tap in range(begin, begin + together)]
            found.append(Product(row[begin], row[begin] + stride, tuple(own[::-1])))
    return tuple(found)


def polynomial_packing(weight_bits: int, activation_bits: int, together: int, family: str) -> Packing | None:
    """So many taps by two activations in a DSP of the family, in fields as wide as its operands allow.

    Its lanes are the products. The taps are in one operand, the activations in the other, of which the second takes one
    bit more than it has (`hwgen.rtl.pair_mac`). The chain is as long as the bit widths prove; None: not one product.
    """
    operands = (DSP_WIDE[family], DSP_NARROW)
    field = max(
        min((one - weight_bits) // (together - 1), other - activation_bits - 1)
        for one, other in (operands, operands[::-1])
    )
    if weight_bits < 2 or field < 2:
        return None
    inner = 2 * ((1 << (weight_bits - 1)) - 1)
    chain = min(largest_weight_sum(field, activation_bits) // inner, LONGEST_CHAIN)
    return Packing("dsp", 2 * together, field, chain) if chain else None


def polynomial_weights(weight: np.ndarray, own: Sequence[Product]) -> NDArray[np.int64]:
    """(O, I, rows, columns) -> int64 (O, I, rows, products, fields): the taps of every product."""
    padded = np.concatenate([weight, np.zeros_like(weight[..., :1])], axis=3).astype(np.int64)
    return padded[..., [[-1 if tap is None else tap for tap in product.taps] for product in own]]


def folded(weights: NDArray[np.int64], pe: int, simd: int) -> NDArray[np.int64]:
    """(O, I, rows, products, fields) -> (folds, words of a fold, PE, lane, field); words by row, group, product."""
    outputs, inputs, rows, count, fields = weights.shape
    folds, groups = -(-outputs // pe), -(-inputs // simd)
    padded = np.zeros((folds * pe, groups * simd, rows, count, fields), dtype=np.int64)
    padded[:outputs, :inputs] = weights
    split = padded.reshape(folds, pe, groups, simd, rows, count, fields)
    return split.transpose(0, 4, 2, 5, 1, 3, 6).reshape(folds, rows * groups * count, pe, simd, fields)


def polynomial_chain(words: Sequence[NDArray[np.int64]], packing: Packing, activation: Shape) -> int:
    """The longest chain, up to LONGEST_CHAIN, in which the weights leave no field whatever the activations are.

    words : folded weights of several kernels, each (..., lane, field); 0 if not even one product fits
    """
    limit = largest_weight_sum(packing.field_bits, activation.width)
    lanes = words[0].shape[-2]
    magnitudes = np.abs(np.concatenate([own.reshape(-1, *own.shape[-2:]) for own in words]))
    magnitudes[..., 1:] += magnitudes[..., :-1].copy()  # |w_k| + |w_(k - 1)|; the uppermost sum has room
    sums = np.zeros((len(magnitudes), lanes + 1, magnitudes.shape[-1]), dtype=np.int64)
    np.cumsum(magnitudes, axis=1, out=sums[:, 1:])
    for chain in range(LONGEST_CHAIN, 0, -1):
        ends = np.cumsum([0, *chain_lengths(lanes, chain)])
        if (sums[:, ends[1:]] - sums[:, ends[:-1]]).max() <= limit:
            return chain
    return 0


def polynomial_rows(words: Sequence[NDArray[np.int64]], bits: int, chain: int) -> list[list[int]]:
    """The rows of the weight memories, one memory for each place in the chains.

    A row of a word holds, from bit 0 up, PE by PE, for each chain that has such a place, the taps of the product, field
    by field, each 1 less where the stored one below it is negative (`hwgen.rtl.packing`).

    Parameters
    ----------
    words
        Folded weights of all blocks in order.
    bits
        Of a weight, narrow range.
    """
    rows = np.concatenate([own.reshape(-1, *own.shape[2:]) for own in words])
    for field in range(1, rows.shape[-1]):
        rows[..., field] -= rows[..., field - 1] < 0
    mask, (pe, lanes, fields) = (1 << bits) - 1, rows.shape[1:]
    memories = []
    for places in lanes_by_place(lanes, chain):
        flat = (rows[:, :, list(places)] & mask).reshape(len(rows), pe * len(places) * fields)
        memory = [sum(value << place * bits for place, value in enumerate(row)) for row in flat.tolist()]
        memories.append(memory)
    return memories
