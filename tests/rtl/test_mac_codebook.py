"""MacArray with index memories: every sum against plain Python integers, in the cycle of the same array without."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from support.codebooks import corner_codebooks, nearest
from support.mac_bench import check_sums, random_layer, run, worst_cases

from hwgen.numerics.weight_format import Codebook
from hwgen.rtl.mac import MacConfig
from hwgen.rtl.packing import DSP_WIDE, LUT, W8A8, Packing, packings
from hwgen.rtl.weights import pack_weights
from hwgen.synth.sweep import random_codebook


def check(
    outputs: int, inputs: int, kernel: int, pe: int, simd: int, activation: Shape, codebook: Codebook, *, seed: int = 0,
    **more: Any,
) -> None:
    bits = codebook.weight_bits
    weight, windows = random_layer(outputs, inputs, kernel, bits, activation, seed)
    check_sums(nearest(weight, codebook), windows, pe=pe, simd=simd, activation=activation, bits=bits, seed=seed,
               codebook=codebook, **more)  # fmt: skip


def test_directed() -> None:
    """Two PEs that share a DSP; three rows: (-3, 7), (0, -3), (7, 0)."""
    codebook = Codebook(4, (-3, 0, 7, 7))
    weight = np.array([[-3, 0, 7], [7, -3, 0]]).reshape(2, 3, 1, 1)
    layer: dict[str, Any] = dict(pe=2, simd=1, bits=4, packing=Packing("dsp", 2, 10, 2), activation=signed(4))
    rows = pack_weights(weight, codebook=codebook, **layer)
    assert rows == [[0b10_00, 0b00_01, 0b01_10]]
    dut = MacConfig(2, 1, signed(4), 4, 10, 3, layer["packing"], codebook=codebook).build(rows)
    assert run(dut, [[5], [-8], [1], [-1], [0], [7]], 3) == [[-15 + 0 + 7, 35 + 24 + 0], [3 + 0 + 49, -7 + 0 + 0]]


@pytest.mark.parametrize("family", DSP_WIDE)
@pytest.mark.parametrize("activation", [signed(4), unsigned(8)], ids=repr)
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 8])
def test_worst_cases_of_every_packing(bits: int, activation: Shape, family: str) -> None:
    """Both ends alone and a codebook of the largest size, in whole and incomplete groups of PEs; LUTs too."""
    limit, most = 2 ** (bits - 1) - 1, 1 << bits - 1
    for packing in packings(bits, activation, family):
        pe, simd = packing.lanes + 1, 2 * packing.chain - 1 if packing.form == "dsp" else 5
        weight, windows = worst_cases(pe, simd, bits, activation, seed=bits)
        for values in ((-limit, limit), tuple(range(-limit, most - limit))):
            codebook = Codebook(bits, values)
            check_sums(nearest(weight, codebook), windows, pe=pe, simd=simd, activation=activation, bits=bits,
                       packing=packing, codebook=codebook)  # fmt: skip


@pytest.mark.parametrize(("packing", "bits"), [(W8A8, 8), (Packing("dsp", 4, 7, 1), 4), (LUT, 4), (LUT, 2)])
def test_corners(packing: Packing, bits: int) -> None:
    """Codebooks of one sign, with repeated values, of the same value; several folds and rows of one index alone."""
    for codebook in corner_codebooks(bits):
        pe = packing.lanes if packing.form == "dsp" else 2
        check(2 * pe - 1, 3, 2, pe, 3, signed(4), codebook, packing=packing, seed=bits)


@pytest.mark.parametrize("index_bits", [1, 2, 3, 4, 5, 6, 7])
def test_sizes(index_bits: int) -> None:
    codebook = random_codebook(8, index_bits, np.random.default_rng(index_bits))
    check(5, 6, 3, 2, 3, unsigned(8), codebook, packing=W8A8, seed=index_bits)


@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize(("packing", "bits"), [(W8A8, 8), (LUT, 4), (LUT, 2)])
def test_idle(idle: float, packing: Packing, bits: int) -> None:
    codebook = Codebook(bits, (-1, 0)) if bits == 2 else random_codebook(bits, 3, np.random.default_rng(bits))
    check(5, 7, 3, 2, 3, signed(8), codebook, packing=packing, idle=idle, seed=5)


@pytest.mark.parametrize("packing", [W8A8, Packing("dsp", 3, 11, 2), LUT])
def test_all_tap_rows_in_a_word(packing: Packing) -> None:
    codebook = random_codebook(3, 2, np.random.default_rng(3))
    check(4, 4, 3, 4, 2, unsigned(8), codebook, packing=packing, taps=3, seed=4)


@pytest.mark.parametrize(("packing", "bits"), [
    (W8A8, 8), (Packing("dsp", 1, 0, 8), 8), (Packing("dsp", 4, 7, 1), 4), (LUT, 2), (LUT, 4), (LUT, 8),
])  # fmt: skip
def test_indices_cost_no_cycle(packing: Packing, bits: int) -> None:
    """`run` holds the array with indices to this latency, cycle by cycle."""
    for simd in (1, 5, 16):
        config = MacConfig(1, simd, signed(4), bits, 20, 8, packing)
        assert replace(config, codebook=Codebook(bits, (-1, 1))).latency == config.latency


def test_words_that_are_not_full_need_a_zero() -> None:
    layer: dict[str, Any] = dict(pe=2, simd=2, bits=4, packing=LUT, activation=signed(4))
    weight = np.array([5, -5, 5]).reshape(1, 3, 1, 1)
    with_zero = Codebook(4, (-5, 0, 5, 6))
    assert pack_weights(weight, codebook=with_zero, **layer) == [[0b01_01_00_10, 0b01_01_01_10]]
    message = "weight: wanted values of the codebook, in whole words of 2 channels where 0 is none of them, got 0"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        pack_weights(weight, codebook=Codebook(4, (-5, 5)), **layer)
    outputs_alone = pack_weights(weight, codebook=Codebook(4, (-5, 5)), **(layer | dict(simd=1)))
    assert outputs_alone == [[0b0_1, 0b0_0, 0b0_1]]  # a PE without an output has any weights
    with pytest.raises(ValueError, match="got 0$"):
        pack_weights(0 * weight, codebook=Codebook(4, (-5, 5)), **(layer | dict(simd=1)))  # a phase without taps
    with pytest.raises(ValueError, match="got -6$"):
        pack_weights(weight[:, :2] - 1, codebook=with_zero, **layer)


@pytest.mark.parametrize(("change", "message"), [
    (dict(rows=1), "codebook: wanted weights of several rows, got 1, which makes constants"),
    (dict(weight_bits=6), "codebook: wanted values of 6 bits, got 8"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    good = MacConfig(1, 1, signed(8), weight_bits=8, accumulator_bits=16, rows=2, codebook=Codebook(8, (0, 1)))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(good, **change)
