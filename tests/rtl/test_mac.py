# amaranth: UnusedElaboratable=no
"""MacArray: every sum against plain Python integers, in its exact cycle."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Shape, signed, unsigned
from support.mac_bench import check_sums, random_layer, run, worst_cases

from hwgen.numerics.integer import bounds
from hwgen.rtl.mac import MacArray, MacConfig
from hwgen.rtl.packing import DSP_WIDE, LUT, W8A8, Packing, packings, proven_chain
from hwgen.rtl.weights import pack_weights

ACTIVATIONS = [signed(1), unsigned(1), signed(4), signed(8), unsigned(8), signed(12)]


def check(outputs: int, inputs: int, kernel: int, pe: int, simd: int, activation: Shape, bits: int, *, seed: int = 0,
          **more: Any) -> None:
    weight, windows = random_layer(outputs, inputs, kernel, bits, activation, seed)
    check_sums(weight, windows, pe=pe, simd=simd, activation=activation, bits=bits, seed=seed, **more)


def test_one_product() -> None:
    dut = MacConfig(1, 1, signed(8), weight_bits=4, accumulator_bits=12, rows=1).build([[0b1101]])
    assert run(dut, [[5], [-128], [0]], 1) == [[-15], [384], [0]]


@pytest.mark.parametrize("idle", [0.0, 0.3, 0.8])
@pytest.mark.parametrize(("packing", "bits"), [(W8A8, 8), (LUT, 4), (LUT, 2)])
def test_idle(idle: float, packing: Packing, bits: int) -> None:
    check(5, 7, 3, pe=2, simd=3, activation=signed(8), bits=bits, packing=packing, idle=idle, seed=5)


@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (1, 6), (5, 1), (5, 6), (2, 4), (3, 5), (4, 3), (5, 2)])
def test_foldings(pe: int, simd: int) -> None:
    for packing in (W8A8, Packing("dsp", 3, 10, 2), LUT):
        check(5, 6, 3, pe=pe, simd=simd, activation=signed(5), bits=5, packing=packing, seed=pe + 10 * simd)


@pytest.mark.parametrize("packing", [W8A8, Packing("dsp", 3, 11, 2), Packing("dsp", 3, 11, 7), LUT])
@pytest.mark.parametrize("simd", [1, 3])
def test_all_tap_rows_in_a_word(packing: Packing, simd: int) -> None:
    check(4, 4, 3, pe=4, simd=simd, activation=unsigned(8), bits=2, packing=packing, taps=3, seed=simd)


@pytest.mark.parametrize("family", DSP_WIDE)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_worst_cases_of_every_packing(bits: int, activation: Shape, family: str) -> None:
    """Two chains, as long as the bit widths prove, of whole and incomplete groups of PEs."""
    for packing in packings(bits, activation, family)[:-1]:
        pe = packing.lanes + 1
        weight, windows = worst_cases(pe, 2 * packing.chain - 1, bits, activation, seed=bits)
        check_sums(weight, windows, pe=pe, simd=2 * packing.chain - 1, activation=activation, bits=bits,
                   packing=packing)  # fmt: skip


@pytest.mark.parametrize(("packing", "bits", "activation"), [
    (Packing("dsp", 2, 4, 1), 3, signed(2)), (Packing("dsp", 3, 5, 1), 3, signed(3)),
    (Packing("dsp", 4, 3, 1), 2, signed(2)), (Packing("dsp", 4, 3, 1), 2, unsigned(2)),
    (Packing("dsp", 2, 4, 3), 2, signed(2)),
])  # fmt: skip
def test_every_weight_and_activation(packing: Packing, bits: int, activation: Shape) -> None:
    """Fields as narrow as can be: every combination of the weights in a DSP, with every activation."""
    largest, (low, high) = 2 ** (bits - 1) - 1, bounds(activation.width, activation.signed)
    lanes = packing.chain
    grid = np.mgrid[packing.lanes * lanes * [slice(-largest, largest + 1)]].reshape(packing.lanes * lanes, -1)
    weight = grid.T.reshape(-1, lanes, 1, 1)
    windows = np.mgrid[lanes * [slice(low, high + 1)]].reshape(lanes, -1).T.reshape(-1, 1, 1, lanes)
    check_sums(weight, windows[:: -(-len(windows) // 8)], pe=packing.lanes, simd=lanes, activation=activation,
               bits=bits, packing=packing)  # fmt: skip


def test_a_chain_longer_than_proven_fails() -> None:
    """Four products of 8 x 8 bits fill the field; of five at the worst case the sums are wrong."""
    rows = pack_weights(np.full((2, 1, 1, 1), -127), pe=2, simd=1, bits=8, packing=W8A8, activation=signed(8))
    for chain in (4, 5):
        dut = MacConfig(2, chain, signed(8), 8, 20, 1, Packing("dsp", 2, 17, chain)).build(chain * rows)
        sums = run(dut, [chain * [-128]], 1)
        assert (sums == [2 * [chain * 127 * 128]]) == (chain == 4)


def test_a_chain_that_the_weights_prove() -> None:
    """The upper PE has the largest weights; those of the lower one allow chains of eight."""
    weight = np.array([[[[63]]], [[[127]]], [[[-63]]], [[[-127]]]]) * np.ones((1, 16, 1, 1), dtype=np.int64)
    assert proven_chain(weight, 2, 16, 1, W8A8, unsigned(8)) == 8
    _, windows = worst_cases(1, 16, 8, unsigned(8), seed=1)
    check_sums(weight, windows, pe=2, simd=16, activation=unsigned(8), bits=8, packing=Packing("dsp", 2, 17, 8))


@pytest.mark.parametrize("activation", [signed(8), unsigned(8), signed(3), unsigned(3)])
@pytest.mark.parametrize(("packing", "bits"), [(W8A8, 8), (LUT, 3), (LUT, 2)])
def test_extremes_fill_the_accumulator(activation: Shape, packing: Packing, bits: int) -> None:
    """All weights and activations at their ends: an accumulator one bit narrower would wrap."""
    weight, windows = worst_cases(2, 5, bits, activation, seed=3)
    layer: dict[str, Any] = dict(pe=2, simd=5, activation=activation, bits=bits, packing=packing)
    check_sums(weight, windows, **layer)
    with pytest.raises(AssertionError):
        check_sums(weight, windows, **layer, spare=-1)


LATENCIES = [
    (W8A8, 8, [(1, 6), (2, 7), (3, 8), (4, 9), (5, 9), (6, 9), (7, 10), (9, 10), (11, 11), (16, 11), (17, 12)]),
    (Packing("dsp", 1, 0, 8), 8, [(1, 6), (2, 7), (8, 13), (9, 11), (16, 14), (17, 13)]),
    (Packing("dsp", 4, 7, 1), 4, [(1, 6), (2, 7), (3, 8), (5, 9)]),
    (LUT, 1, [(1, 7), (2, 7), (3, 8), (4, 8), (5, 9), (9, 10)]),
    (LUT, 2, [(1, 5), (2, 6), (3, 7), (4, 7), (5, 8), (9, 9)]),
    (LUT, 4, [(1, 8), (2, 8), (3, 9), (4, 9), (5, 10), (9, 11)]),
    (LUT, 8, [(1, 9), (3, 10)]),
]


@pytest.mark.parametrize(("packing", "bits", "table"), LATENCIES)
def test_latency(packing: Packing, bits: int, table: list[tuple[int, int]]) -> None:
    """`run` checks the cycle of every `done`, and the sums are there in that cycle."""
    for simd, latency in table:
        assert MacConfig(1, simd, signed(4), bits, 20, 1, packing).latency == latency
        weight, windows = worst_cases(1, simd, bits, signed(4), seed=simd)
        check_sums(weight, windows, pe=1, simd=simd, activation=signed(4), bits=bits, packing=packing)


@pytest.mark.parametrize(("packing", "pe", "simd", "dsp"), [
    (W8A8, 1, 1, 1), (W8A8, 2, 1, 1), (W8A8, 3, 1, 2), (W8A8, 1, 5, 5), (W8A8, 2, 5, 5), (W8A8, 7, 3, 12),
    (Packing("dsp", 4, 7, 1), 7, 3, 6), (Packing("dsp", 1, 0, 8), 7, 3, 21), (LUT, 7, 3, 0),
])  # fmt: skip
def test_dsp(packing: Packing, pe: int, simd: int, dsp: int) -> None:
    assert MacConfig(pe, simd, signed(4), 4, 20, 1, packing).dsp == dsp


@pytest.mark.parametrize("activation", [signed(8), unsigned(1)])
@pytest.mark.parametrize(("packing", "bits"), [
    (W8A8, 8), (Packing("dsp", 1, 0, 8), 8), (Packing("dsp", 3, 11, 2), 2), (LUT, 1), (LUT, 2), (LUT, 5),
])  # fmt: skip
def test_one_row_makes_constants(packing: Packing, bits: int, activation: Shape) -> None:
    """Everything unrolled: no memory, no address."""
    weight, windows = worst_cases(1, 5, bits, activation, seed=9)
    layer: dict[str, Any] = dict(simd=5, bits=bits, packing=packing, activation=activation)
    check_sums(weight, windows, pe=8, **layer)
    dut = MacConfig(8, 5, activation, bits, 20, 1, packing).build(pack_weights(weight, pe=8, **layer))
    text = rtlil.convert(dut, name="top")
    assert "memory" not in text
    assert "address" not in text


@pytest.mark.parametrize("depth", [2, 100])
def test_where_the_weights_go(depth: int) -> None:
    """Block RAM where that is asked for and worth it, else logic."""
    styles = {}
    for weights_in in ("block", "logic"):
        dut = MacConfig(1, 1, signed(8), 8, 20, depth, weights_in=weights_in).build([[*range(depth)]])
        styles[weights_in] = "logic_block" in rtlil.convert(dut, name="top")
    assert styles == {"block": depth == 2, "logic": True}


@pytest.mark.parametrize(("change", "message"), [
    (dict(pe=0), "pe: wanted at least 1, got 0"),
    (dict(simd=-1), "simd: wanted at least 1, got -1"),
    (dict(accumulator_bits=0), "accumulator_bits: wanted at least 1, got 0"),
    (dict(weight_bits=1), "weight_bits: wanted at least 2, got 1"),
    (dict(weight_bits=0, packing=LUT), "weight_bits: wanted at least 1, got 0"),
    (dict(rows=0), "rows: wanted at least 1, got 0"),
    (dict(activation=signed(11)), "field_bits: wanted at least 18 for 8 x 11 bits, got 17"),
    (dict(packing=Packing("dsp", 1, 0, 4), activation=signed(19)), "activation: wanted at most 18 bits, got 19"),
    (dict(packing=Packing("dsp", 3, 17, 4)), "packing: wanted sums of at most 48 bits, got 50"),
    (dict(weights_in="flash"), "weights_in: wanted block or logic, got 'flash'"),
])  # fmt: skip
def test_errors(change: dict[str, Any], message: str) -> None:
    good = MacConfig(1, 1, signed(8), weight_bits=8, accumulator_bits=16, rows=1)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(good, **change)


@pytest.mark.parametrize(("simd", "rows", "weights", "message"), [
    (1, 1, [], "weights: wanted 1 memories of 1 rows, got depths []"),
    (1, 2, [[0]], "weights: wanted 1 memories of 2 rows, got depths [1]"),
    (2, 2, [[0, 0], [0]], "weights: wanted 2 memories of 2 rows, got depths [2, 1]"),
])  # fmt: skip
def test_weights_error(simd: int, rows: int, weights: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MacArray(MacConfig(1, simd, signed(8), 8, 16, rows), weights)
