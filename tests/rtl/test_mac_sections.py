# amaranth: UnusedElaboratable=no
"""MacArray in sections, whose PEs meet the activations of their own part of a word alone: groups of a convolution."""

from __future__ import annotations

from operator import mul

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.mac_bench import run

from hwgen.numerics.integer import bounds
from hwgen.rtl.mac import MacConfig
from hwgen.rtl.packing import LUT, W8A8, Packing, packings, pe_groups, proven_chain
from hwgen.rtl.weights import bias_correction, pack_weights, weight_limit


def check(sections: int, pe: int, simd: int, activation: Shape, bits: int, packing: Packing, *, extreme: bool = False,
          idle: float = 0.0, seed: int = 0) -> None:
    """Two folds of three words: every sum in its exact cycle. `pe` and `simd` are those of a section."""
    random = np.random.default_rng(seed)
    largest, (low, high) = weight_limit(bits), bounds(activation.width, activation.signed)
    outputs = 2 * sections * pe
    weight = random.integers(-largest, largest + 1, (outputs, simd, 3, 1))
    windows = random.integers(low, high + 1, (4, 3, sections, simd))
    if extreme:
        weight = np.where(random.integers(0, 2, weight.shape), largest, -largest)
        windows = np.where(random.integers(0, 2, windows.shape), low, high)
    layer = dict(simd=simd, bits=bits, packing=packing, activation=activation)
    rows = pack_weights(weight, pe=sections * pe, sections=sections, **layer)  # type: ignore[arg-type]
    accumulator = (max(-low, high) * 3 * simd * largest).bit_length() + 1
    config = MacConfig(sections * pe, simd, activation, bits, accumulator, len(rows[0]), packing, sections=sections)
    assert config.dsp == (0 if packing == LUT else sections * -(-pe // packing.lanes) * simd)
    words = [word for window in windows.reshape(4, 3, -1).tolist() for word in 2 * window]
    sums = run(config.build(rows), words, 3, idle=idle, seed=seed)
    got = np.array(sums).reshape(4, outputs) + bias_correction(weight, **layer)  # type: ignore[arg-type]
    expected = [
        [
            sum(map(mul, weight[o, :, :, 0].T.ravel().tolist(), window[:, o % (sections * pe) // pe].ravel().tolist()))
            for o in range(outputs)
        ]
        for window in windows
    ]
    half = 1 << (accumulator - 1)
    assert ((got + half) % (2 * half) - half).tolist() == expected


@pytest.mark.parametrize(("sections", "pe", "simd"), [(2, 1, 1), (3, 1, 3), (2, 2, 2), (3, 3, 1), (2, 5, 4), (5, 1, 9)])
@pytest.mark.parametrize(("packing", "bits"), [(W8A8, 8), (Packing("dsp", 3, 11, 2), 2), (LUT, 2), (LUT, 4)])
def test_foldings(sections: int, pe: int, simd: int, packing: Packing, bits: int) -> None:
    for activation in (signed(8), unsigned(8)):
        check(sections, pe, simd, activation, bits, packing, idle=0.3, seed=sections + pe)


@pytest.mark.parametrize("activation", [signed(8), unsigned(8), unsigned(4)], ids=repr)
def test_ends_of_the_ranges(activation: Shape) -> None:
    """Chains as long as the bit widths prove, of whole and incomplete groups of PEs."""
    for packing in packings(8, activation, "xc7"):
        check(2, packing.lanes + 1, 2 * packing.chain - 1, activation, 8, packing, extreme=True, seed=3)


def test_only_outputs_of_a_section_share_a_dsp() -> None:
    assert pe_groups(6, W8A8, 2) == [range(2), range(2, 3), range(3, 5), range(5, 6)]
    assert pe_groups(3, W8A8, 3) == [range(1), range(1, 2), range(2, 3)]
    # Each is the uppermost of its DSP: no field bounds the chain.
    weight = np.full((3, 8, 1, 1), 127)
    assert proven_chain(weight, 3, 8, 1, W8A8, signed(8), sections=3) == 8
    assert proven_chain(weight, 3, 8, 1, W8A8, signed(8)) == 7  # two of four


def test_no_borrow_from_another_section() -> None:
    weight = np.array([-1, -2, 3, 4]).reshape(4, 1, 1, 1)
    rows = [
        pack_weights(weight, pe=4, simd=1, bits=8, packing=W8A8, activation=signed(8), sections=sections)
        for sections in (1, 2, 4)
    ]
    assert rows == [[[0x04_03_FD_FF]], [[0x04_03_FD_FF]], [[0x04_03_FE_FF]]]


def test_errors() -> None:
    with pytest.raises(ValueError, match="^sections: wanted at least 1, got 0$"):
        MacConfig(2, 1, signed(8), 8, 16, 1, sections=0)
    with pytest.raises(ValueError, match="^sections: wanted a divisor of pe 3, got 2$"):
        MacConfig(3, 1, signed(8), 8, 16, 1, sections=2)
