# amaranth: UnusedElaboratable=no
"""PairMacArray: both sums of every PE against plain Python integers, each in its exact cycle."""

from __future__ import annotations

import re
from dataclasses import replace
from operator import mul
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Shape, signed, unsigned
from support.mac_bench import run

from hwgen.numerics.integer import bounds
from hwgen.rtl.packing import DSP_WIDE, Packing
from hwgen.rtl.pair_mac import PairMacConfig, pair_chain, pair_packing
from hwgen.rtl.weights import bias_correction, pack_weights, weight_limit


def check(sections: int, pe: int, simd: int, activation: Shape, bits: int, *, family: str = "xc7",
          extreme: bool = False, chain: int | None = None, idle: float = 0.0, seed: int = 0) -> None:
    """Two folds of three words. `pe` and `simd` are those of a section; the chain is the longest proven by default."""
    random = np.random.default_rng(seed)
    largest, (low, high) = weight_limit(bits), bounds(activation.width, activation.signed)
    outputs = 2 * sections * pe
    weight = random.integers(-largest, largest + 1, (outputs, simd, 3, 1))
    windows = random.integers(low, high + 1, (6, 3, 2, sections, simd))
    if extreme:
        weight = np.where(random.integers(0, 2, weight.shape), largest, -largest)
        weight[::2] = largest
        windows = np.where(random.integers(0, 2, windows.shape), low, high)
        windows[0], windows[1] = low, high
    packing = pair_packing(bits, activation, family)
    assert packing is not None
    length = chain or pair_chain(weight, simd, 1, packing, activation)
    single = Packing("dsp", 1, 0, length)
    layer: dict[str, Any] = dict(simd=simd, bits=bits, packing=single, activation=activation)
    rows = pack_weights(weight, pe=sections * pe, sections=sections, **layer)
    accumulator = (max(-low, high) * 3 * simd * largest).bit_length() + 1
    config = PairMacConfig(sections * pe, simd, activation, bits, accumulator, len(rows[0]), single, sections=sections,
                           field_bits=packing.field_bits)  # fmt: skip
    assert config.dsp == sections * pe * simd
    words = [word for window in windows.reshape(6, 3, -1).tolist() for word in 2 * window]
    sums = np.array(run(config.build(rows), words, 3, idle=idle, seed=seed)).reshape(6, 2, 2, sections * pe)
    got = sums + bias_correction(weight, **layer).reshape(2, 1, -1)
    flat = [kernel[:, :, 0].T.ravel().tolist() for kernel in weight]

    def sum_of(window: np.ndarray, fold: int, place: int, p: int) -> int:
        return sum(map(mul, flat[fold * sections * pe + p], window[:, place, p // pe].ravel().tolist()))

    expected = [
        [[[sum_of(window, fold, place, p) for p in range(sections * pe)] for place in range(2)] for fold in range(2)]
        for window in windows
    ]
    half = 1 << (accumulator - 1)
    assert ((got + half) % (2 * half) - half).tolist() == expected


@pytest.mark.parametrize("activation", [signed(8), unsigned(8), signed(4), unsigned(5), signed(1)], ids=repr)
@pytest.mark.parametrize(("sections", "pe", "simd"), [(1, 1, 1), (1, 3, 3), (3, 1, 3), (2, 2, 5), (4, 1, 9)])
def test_foldings(sections: int, pe: int, simd: int, activation: Shape) -> None:
    for bits in (8, 3):
        check(sections, pe, simd, activation, bits, idle=0.3, seed=sections + pe)


@pytest.mark.parametrize("family", DSP_WIDE)
@pytest.mark.parametrize("activation", [signed(8), unsigned(8), unsigned(3)], ids=repr)
def test_ends_of_the_ranges(activation: Shape, family: str) -> None:
    """Two chains, as long as the bit widths prove."""
    for bits in (8, 6, 2):
        packing = pair_packing(bits, activation, family)
        assert packing is not None
        check(2, 2, 2 * packing.chain - 1, activation, bits, family=family, extreme=True, seed=3)


def test_a_chain_longer_than_proven_fails() -> None:
    """Two products of 8 x 8 bits fill the field of a DSP48E1, three do not fit."""
    check(1, 1, 4, signed(8), 8, extreme=True, chain=2)
    with pytest.raises(AssertionError):
        check(1, 1, 3, signed(8), 8, extreme=True, chain=3)


def test_packings() -> None:
    """Fields and chains: 25 and 27 bits less an activation of one bit more."""
    assert pair_packing(8, unsigned(8), "xc7") == Packing("dsp", 2, 16, 2)
    assert pair_packing(8, unsigned(8), "xcup") == Packing("dsp", 2, 18, 8)
    assert pair_packing(4, signed(4), "xc7") == Packing("dsp", 2, 20, 8)
    assert pair_packing(8, signed(9), "xc7") is None
    assert pair_packing(1, signed(8), "xc7") is None


@pytest.mark.parametrize(("largest", "chain"), [(127, 2), (85, 3), (63, 4), (31, 8), (1, 8)])
def test_the_weights_prove_the_chain(largest: int, chain: int) -> None:
    """255 is what the weights of a chain may add up to; chains of nine lanes are as even as can be."""
    weight = np.full((3, 8 if chain == 8 else 2 * chain, 1, 1), -largest)
    packing = pair_packing(8, unsigned(8), "xc7")
    assert packing is not None
    found = pair_chain(weight, weight.shape[1], 1, packing, unsigned(8))
    assert -(-weight.shape[1] // -(-weight.shape[1] // found)) == chain


def test_the_operand_is_a_register() -> None:
    """All of it, repeated signs too: synthesis takes it into the DSP."""
    config = PairMacConfig(1, 1, signed(8), 8, 20, 1, Packing("dsp", 1, 0, 1))
    text = rtlil.convert(config.build([[5]]), name="top", emit_src=False)
    assert re.search(r"wire width 25 (init \d+'\d+ )?\\pair0_0", text)


@pytest.mark.parametrize(("change", "message"), [
    (dict(field_bits=14), "field_bits: wanted at least 15 for 8 x 8 bits, got 14"),
    (dict(field_bits=19), "field_bits: wanted at most 18, got 19"),
    (dict(weight_bits=19, activation=signed(1), field_bits=20), "weight_bits: wanted at most 18, got 19"),
    (dict(packing=Packing("dsp", 2, 17, 1)), "packing: wanted one weight to a DSP, got 2"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    good = PairMacConfig(1, 1, signed(8), 8, 20, 1, Packing("dsp", 1, 0, 1))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(good, **change)
