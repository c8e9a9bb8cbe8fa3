"""Several narrow products in one DSP: how many, how far apart, and how long their sums may grow.

A DSP multiplies an operand of 25 (DSP48E1) or 27 bits (DSP48E2) by one of 18. L weights w_0 .. w_(L-1), one of each of
L PEs, lie in the wide operand, `field_bits` = f apart, and meet the same activation a:

    (w_0 + w_1 * 2**f + w_2 * 2**2f + ...) * a  =  w_0 * a + w_1 * a * 2**f + w_2 * a * 2**2f + ...

Sums S_i of such products over a cascade of DSPs hold all L sums while |S_i| <= 2**(f-1) - 1 for every field but the
uppermost, which has the rest of the DSP's 48 bits. That limit is what both proofs check, one from the bit widths alone
(`chain_bound`), one from the actual weights (`proven_chain`).

Getting the sums out. The bits below field i are those of X = S_0 + ... + S_(i-1) * 2**((i-1)f), modulo 2**(i*f).
With every |S_j| <= 2**(f-1) - 1, |X| < 2**(i*f - 1): X is a signed number of i*f bits, negative exactly if its
uppermost bit, bit i*f - 1 of the sum P, is set. Then it has borrowed 1 from above, so

    S_i = P[i*f : (i+1)*f] + P[i*f - 1]    (signed, modulo 2**f)

with the raw bit of P, not the sign of the corrected S_(i-1): the two differ where S_(i-1) is zero and something
negative lies below.

Getting the weights in. The wide operand needs no adder, the same holds for it: field i of it is w_i - 1 where the
fields below are negative as a number, that is where the *stored* field below is negative, else w_i. With narrow-range
weights w_i - 1 fits the weight's own w bits, so the weight memory holds that (`pack_weights`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from amaranth.hdl import Shape

from hwgen.device import FAMILIES
from hwgen.rtl.checks import check_positive

DSP_WIDE = {name: family.dsp_wide for name, family in FAMILIES.items()}
"""The wide operand of a family's DSP, signed bits; it holds the weights."""
DSP_NARROW = min(family.dsp_narrow for family in FAMILIES.values())
"""The other operand, signed bits; it holds an activation."""
DSP_SUM = min(family.dsp_sum for family in FAMILIES.values())
"""The DSP's adder and its output."""
LONGEST_CHAIN = 8
"""DSPs in a cascade. Each place delays its activation by a cycle; at 8, 27 x 18 bits just fill the 48."""


@dataclass(frozen=True)
class Packing:
    """A way of forming products.

    Parameters: form, "dsp" or "lut"; lanes, PEs that share a DSP (1 for lut); field_bits, distance of their fields (0
    where lanes is 1); chain, the longest cascade of DSPs (1 for lut).
    """

    form: Literal["dsp", "lut"]
    lanes: int
    field_bits: int
    chain: int

    def __post_init__(self) -> None:
        if self.form not in ("dsp", "lut"):
            raise ValueError(f"form: wanted dsp or lut, got {self.form!r}")
        check_positive(lanes=self.lanes, chain=self.chain)
        for key in ("lanes", "chain"):
            if self.form == "lut" and getattr(self, key) > 1:
                raise ValueError(f"{key}: wanted 1 in the lut form, got {getattr(self, key)}")
        if (self.lanes > 1) != (self.field_bits > 0):
            raise ValueError(f"field_bits: wanted 0 for one lane, else more, got {self.field_bits}")


W8A8 = Packing("dsp", lanes=2, field_bits=17, chain=4)
"""Two 8-bit weights in a DSP of either family: what suits every layer of at most 8 x 8 bits."""
LUT = Packing("lut", lanes=1, field_bits=0, chain=1)
Kernels: TypeAlias = np.ndarray | Sequence[np.ndarray]
"""Weights (O, I, K, K), or those of several phases, (O, I, rows, columns) each."""


def chain_bound(weight_bits: int, activation_bits: int, field_bits: int) -> int:
    """The most products that a field can sum, whatever the weights and activations; no limit without fields (0 bits).

    Narrow weights are at most 2**(w - 1) - 1 in magnitude, activations (made signed) at most 2**(a - 1).
    """
    if not field_bits:
        return LONGEST_CHAIN
    return min(LONGEST_CHAIN, largest_weight_sum(field_bits, activation_bits) // ((1 << (weight_bits - 1)) - 1))


def largest_weight_sum(field_bits: int, activation_bits: int) -> int:
    """The largest sum of the weights' magnitudes that stays in a field whatever the activations."""
    return largest_sum(field_bits, 1 << (activation_bits - 1))


def largest_sum(field_bits: int, activation: int) -> int:
    """The largest sum of the weights' magnitudes that stays in a field for activations of at most that magnitude."""
    return ((1 << (field_bits - 1)) - 1) // activation


def packings(weight_bits: int, activation: Shape, family: str) -> tuple[Packing, ...]:
    """Packings that a layer may choose from: the DSP forms, fewest lanes first, then the LUT form.

    A lane count appears where a product fits its field, and no higher lane count has as long a chain. Fields are as
    wide as the operand allows. Weights of 1 bit have the LUT form alone.

    Raises
    ------
    ValueError : a family that is not in DSP_WIDE
    """
    if family not in DSP_WIDE:
        raise ValueError(f"family: wanted one of {', '.join(DSP_WIDE)}, got {family}")
    wide = DSP_WIDE[family]
    found: list[Packing] = []
    lanes = 1
    while 2 <= weight_bits <= wide and activation.width <= DSP_NARROW:
        field = (wide - weight_bits) // (lanes - 1) if lanes > 1 else 0
        if lanes > 1 and field < weight_bits + activation.width - 1:
            break
        packing = Packing("dsp", lanes, field, chain_bound(weight_bits, activation.width, field))
        found = [*(other for other in found if other.chain > packing.chain), packing]
        lanes += 1
    return (*found, LUT)


def proven_chain(
    weight: Kernels, pe: int, simd: int, taps: int, packing: Packing, activation: Shape, sections: int = 1
) -> int:
    """The longest chain, up to LONGEST_CHAIN, in which the weights leave no field whatever the activations are.

    Parameters: weight int (O, I, K, K), narrow range, or the kernels of several phases; pe, simd, taps, sections : see
    `pack_weights`; of the packing its chain does not matter. Never shorter than `chain_bound` of the weights' range; 0
    if not even one product fits.
    """
    if packing.lanes == 1:
        return LONGEST_CHAIN if packing.form == "dsp" else 1
    limit = largest_weight_sum(packing.field_bits, activation.width)
    kernels = kernels_of(weight)
    own = pe // sections
    place = np.arange(len(kernels[0])) % own
    # The uppermost field of each DSP has room enough: only those below count.
    below = (place % packing.lanes != packing.lanes - 1) & (place != own - 1)
    if not below.any():
        return LONGEST_CHAIN
    magnitudes = [np.abs(kernel[below]).astype(np.int32) for kernel in kernels]
    lanes = np.concatenate([fold_lanes(kernel, simd, taps) for kernel in magnitudes], axis=2)
    sums = np.zeros((lanes.shape[0] + 1, *lanes.shape[1:]), dtype=np.int32)
    np.cumsum(lanes, axis=0, out=sums[1:])
    for chain in range(LONGEST_CHAIN, 0, -1):
        ends = np.cumsum([0, *chain_lengths(len(lanes), chain)])
        if (sums[ends[1:]] - sums[ends[:-1]]).max() <= limit:
            return chain
    return 0


def kernels_of(weight: Kernels) -> Sequence[np.ndarray]:
    """The kernels, one or several."""
    return (weight,) if isinstance(weight, np.ndarray) else weight


@cache
def chain_lengths(lanes: int, chain: int) -> tuple[int, ...]:
    """The lanes of a PE in as few chains as can be, as even as can be, the longest first."""
    chains = -(-lanes // chain)
    return tuple(lanes // chains + (place < lanes % chains) for place in range(chains))


@cache
def chain_runs(lanes: int, chain: int) -> tuple[range, ...]:
    """The lanes of each chain."""
    lengths = chain_lengths(lanes, chain)
    return tuple(range(sum(lengths[:place]), sum(lengths[: place + 1])) for place in range(len(lengths)))


@cache
def lanes_by_place(lanes: int, chain: int) -> tuple[tuple[int, ...], ...]:
    """For each place in the chains, the lanes that stand there, chain by chain.

    All chains end together: a shorter one starts at a later place.
    """
    runs = chain_runs(lanes, chain)
    longest = len(runs[0])
    places: list[list[int]] = [[] for _ in range(longest)]
    for run in runs:
        for place, lane in enumerate(run, longest - len(run)):
            places[place].append(lane)
    return tuple(map(tuple, places))


def fold_lanes(weight: np.ndarray, simd: int, taps: int) -> np.ndarray:
    """(O, I, rows, columns) -> (lanes, O, words): the weight of each of taps * simd lanes for each word of a fold.

    Words in the order of the window: (tap row, tap column, group) where taps is 1, (tap column, group) where it is all
    rows. Lanes (tap row, channel), channel fastest. Channels beyond I are zero.
    """
    outputs, inputs, rows, columns = weight.shape
    groups = -(-inputs // simd)
    padded = np.zeros((outputs, groups * simd, rows, columns), dtype=weight.dtype)
    padded[:, :inputs] = weight
    # (O, group, channel, row of words, tap row of a word, tap column)
    split = padded.reshape(outputs, groups, simd, rows // taps, taps, columns)
    return split.transpose(4, 2, 0, 3, 5, 1).reshape(taps * simd, outputs, -1)


def pe_groups(pe: int, packing: Packing, sections: int = 1) -> list[range]:
    """The PEs that share DSPs, those of each of so many equal sections among themselves; its last group may be
    smaller."""
    own = pe // sections
    return [
        range(begin + first, begin + min(first + packing.lanes, own))
        for begin in range(0, pe, own)
        for first in range(0, own, packing.lanes)
    ]
