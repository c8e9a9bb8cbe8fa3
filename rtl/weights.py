"""The contents of the weight memories, and the constants that go with them into the bias."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Shape

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.packing import W8A8, Kernels, Packing, fold_lanes, kernels_of, lanes_by_place, pe_groups, proven_chain


def weight_limit(bits: int) -> int:
    """The largest magnitude of a weight: narrow range, or 1 where a single bit says -1 or 1."""
    return max((1 << (bits - 1)) - 1, 1)


def phase_kernels(weight: np.ndarray, stride: int) -> tuple[np.ndarray, ...]:
    """A transposed convolution as ordinary ones, one for each phase of the output pixels.

    weight : (O, I, K, K), tap (i, j) of input pixel (y, x) goes to output (y * stride - padding + i, x * stride -
        padding + j). Returns (O, I, rows, columns) for row phase 0 and column phases 0 .., row phase 1, ...: the taps
        of the phase in the order of the input pixels that they meet, which is the other way round. Where K is below the
        stride, a phase that no tap reaches has a tap of zeros.
    """
    short = max(stride - weight.shape[2], 0)
    padded = np.pad(weight, ((0, 0), (0, 0), (0, short), (0, short)))
    phases = range(stride)
    return tuple(padded[:, :, i::stride, j::stride][:, :, ::-1, ::-1] for i in phases for j in phases)


def pack_weights(
    weight: Kernels, *, pe: int, simd: int, bits: int, packing: Packing, activation: Shape, taps: int = 1,
    sections: int = 1, codebook: Codebook | None = None,
) -> list[list[int]]:  # fmt: skip
    """The rows of the weight memories, one memory for each place in the chains; every sum proven to stay in its field.

    Parameters: weight int (O, I, K, K) of `bits`, narrow range, -1 or 1 where that is 1, or the kernels of several
    phases (`phase_kernels`), whose rows follow one another; simd channels and `taps` tap rows (1 or K) to a word of
    each of the `sections` into which the PEs of a fold fall: only those of one section meet the same activations.
    A row of (fold, word, see `fold_lanes`) holds, from bit 0 up, for each DSP the weights of its PEs, each 1 less
    where the stored one below it in the DSP is negative; PE by PE, for each chain that has such a place. In the LUT
    form it holds PE by PE and lane by lane the weight in two's complement, 1 bit for its sign (1 is positive), or 2
    bits: not zero, and `turns`. Channels beyond O or I are zero.
    With a codebook a row holds, in the same order, the index of each weight, in its storage_bits; tables behind the
    memory make of it what is described above (`hwgen.rtl.index_decoder`).

    Raises
    ------
    ValueError : weights out of range or not of the codebook; chains longer than they allow; channels or taps of none
        where no weight is 0 (1 bit, or a codebook without 0)
    """
    kernels = kernels_of(weight)
    limit = weight_limit(bits)
    for kernel in kernels:
        if np.abs(kernel).max() > limit:
            worst = kernel.flat[np.abs(kernel).argmax()]
            raise ValueError(f"weight: wanted narrow range, -{limit} .. {limit}, got {worst}")
        if bits == 1 and (not kernel.all() or kernel.shape[1] % simd):
            raise ValueError(f"weight: wanted -1 and 1 in a multiple of {simd} channels, got zeros in between")
    proven = proven_chain(weight, pe, simd, taps, packing, activation, sections)
    if packing.chain > proven:
        raise ValueError(f"chain: wanted at most {proven}, which these weights allow, got {packing.chain}")
    if codebook is None:
        rows = np.concatenate([_rows(kernel, pe, simd, taps, bits, packing, sections) for kernel in kernels])
    else:
        rows = np.concatenate([_index_rows(kernel, pe, simd, taps, codebook) for kernel in kernels])
        bits = codebook.storage_bits
    mask = (1 << bits) - 1
    memories = []
    for places in lanes_by_place(rows.shape[2], packing.chain):
        order = [(p, lane) for group in pe_groups(pe, packing, sections) for lane in places for p in group]
        memory = []
        for row in rows[:, [p for p, _ in order], [lane for _, lane in order]].tolist():
            memory.append(sum((value & mask) << (place * bits) for place, value in enumerate(row)))
        memories.append(memory)
    return memories


def _rows(
    weight: np.ndarray, pe: int, simd: int, taps: int, bits: int, packing: Packing, sections: int
) -> np.ndarray:
    """Stored integers for each (fold and word, PE, lane) of one kernel."""
    lanes = fold_lanes(_whole_folds(weight, pe), simd, taps)
    if packing.form == "lut" and bits <= 2:
        lanes = (lanes > 0).astype(np.int64) if bits == 1 else (lanes != 0) + 2 * turns(lanes)
    rows = _fold_rows(lanes, pe)
    for p in range(1, pe):
        if p % (pe // sections) % packing.lanes:
            rows[:, p] -= rows[:, p - 1] < 0
    return rows


def _index_rows(weight: np.ndarray, pe: int, simd: int, taps: int, codebook: Codebook) -> np.ndarray:
    """The indices for each (fold and word, PE, lane) of one kernel."""
    whole = _whole_folds(weight, pe)
    if 0 not in codebook.values and weight.any():
        # Outputs that fill a fold up have any weights: nothing takes their sums, and they lie above others in a DSP.
        whole[~whole.any(axis=(1, 2, 3))] = codebook.values[0]
    lanes = fold_lanes(whole, simd, taps)
    strange = np.setdiff1d(lanes, codebook.grid)
    if strange.size:
        raise ValueError(f"weight: wanted values of the codebook, in whole words of {simd} channels where 0 is none of "
                         f"them, got {strange[0]}")  # fmt: skip
    return _fold_rows(codebook.encode(lanes), pe)


def _whole_folds(weight: np.ndarray, pe: int) -> np.ndarray:
    """The kernel of as many outputs as whole folds have, zeros beyond its own."""
    outputs = len(weight)
    padded = np.zeros((-(-outputs // pe) * pe, *weight.shape[1:]), dtype=np.int64)
    padded[:outputs] = weight
    return padded


def _fold_rows(lanes: np.ndarray, pe: int) -> np.ndarray:
    """(lanes, outputs of whole folds, words) -> (fold and word, PE, lane)."""
    folds = lanes.shape[1] // pe
    return lanes.reshape(len(lanes), folds, pe, -1).transpose(1, 3, 2, 0).reshape(-1, pe, len(lanes)).copy()


def turns(lanes: np.ndarray) -> np.ndarray:
    """0 or 1 for each of (lanes, ...) weights: its sign against that of the lane it is added to in a tree of pairs.

    Lane j first stands on the right of an adder where j's lowest set bit says; the block on the left starts with lane
    j & (j - 1). Lane 0 and all blocks that start with it count with their true sign.
    """
    negative = (lanes < 0).astype(np.int64)
    index = np.arange(len(lanes))
    left = index & (index - 1)
    return np.where((left > 0).reshape(-1, *[1] * (lanes.ndim - 1)), negative ^ negative[left], negative)


def bias_correction(
    weight: np.ndarray, *, simd: int, bits: int, packing: Packing, activation: Shape, taps: int = 1
) -> np.ndarray:
    """Addends of the sums of each channel, int64 (O,), parameters as for `pack_weights`, of one kernel.

    The offset of the activations times the sum of the weights; and what the LUT form's network gives for activations
    of zero, taken off.
    """
    lanes = fold_lanes(weight.astype(np.int64), simd, taps)
    missing = activation_offset(packing, activation, bits) * lanes.sum(axis=(0, 2))
    if packing.form == "dsp":
        return missing
    if bits != 2:
        # Each two pairs of lanes give 1 too much in each plane, the sign's taken negative.
        quads = -(-len(lanes) // 2) // 2
        return missing + (quads if bits > 1 else -2 * quads) * lanes.shape[2]
    turn = turns(lanes)
    surplus = [-(turn[0] * (lanes[0] != 0)), *np.zeros_like(lanes[1:])]
    distance = 1
    while distance < len(lanes):
        for right in range(distance, len(lanes), 2 * distance):
            left = right - distance
            surplus[left] = surplus[left] + np.where(turn[right], -surplus[right], surplus[right] + 1)
        distance *= 2
    return missing - surplus[0].sum(axis=1)


def activation_offset(packing: Packing, activation: Shape, bits: int) -> int:
    """The offset taken from every activation: the DSP's and the network of 2-bit weights take signed ones alone."""
    if activation.signed or (packing.form == "lut" and bits != 2):
        return 0
    return 1 << (activation.width - 1)


def varying_columns(memories: Sequence[Sequence[int]], distinct: bool = False) -> tuple[int, ...]:
    """Numbers of bits that are not the same in all rows, for each memory (see `pack_weights`).

    distinct : bits that are equal to one another in all rows count once
    """
    found = []
    for rows in memories:
        differing = 0
        for row in rows:
            differing |= row ^ rows[0]
        if distinct:
            bits = [bit for bit in range(differing.bit_length()) if differing >> bit & 1]
            found.append(len({tuple(row >> bit & 1 for row in rows) for bit in bits}))
        else:
            found.append(differing.bit_count())
    return tuple(found)


def phase_biases(
    bias: Sequence[int],
    kernels: Sequence[np.ndarray],
    *,
    simd: int,
    bits: int,
    packing: Packing,
    activation: Shape,
    taps: int = 1,
) -> list[list[int]]:
    """Addends of each phase's sums, `bias_correction` of its kernel included; of one phase where all are alike."""
    found = []
    for kernel in kernels:
        correction = bias_correction(kernel, simd=simd, bits=bits, packing=packing, activation=activation, taps=taps)
        found.append([int(b) + int(c) for b, c in zip(bias, correction, strict=True)])
    return found if any(own != found[0] for own in found) else found[:1]


def widest_biases(
    bias: Sequence[int], kernels: Sequence[np.ndarray], bits: int, activation: Shape
) -> list[list[int]]:
    """As `phase_biases`, of the form of the multipliers that makes them widest, for a config that may take any."""
    return phase_biases(bias, kernels, simd=1, bits=bits, packing=W8A8, activation=activation)
