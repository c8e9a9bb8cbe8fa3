"""Products that share a DSP, the most that a field can sum, and the rows of the weight memories."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned

from hwgen.rtl.packing import (
    DSP_WIDE,
    LONGEST_CHAIN,
    LUT,
    W8A8,
    Packing,
    chain_bound,
    chain_lengths,
    chain_runs,
    lanes_by_place,
    packings,
    proven_chain,
)


@pytest.mark.parametrize(("weight_bits", "bits", "lanes"), [
    (8, 8, (2, 2)), (6, 6, (2, 2)), (5, 5, (3, 3)), (4, 8, (2, 3)), (4, 4, (4, 4)), (2, 8, (3, 3)), (8, 12, (1, 2)),
])  # fmt: skip
def test_lanes_per_dsp(weight_bits: int, bits: int, lanes: tuple[int, int]) -> None:
    for family, most in zip(DSP_WIDE, lanes, strict=True):
        found = packings(weight_bits, signed(bits), family)
        assert found[-1] == LUT
        assert max(packing.lanes for packing in found) == most


def test_only_lane_counts_worth_having() -> None:
    """One lane has no field and so no limit; two of 8 x 8 bits hold four products; four of 2 x 2 bits any chain."""
    assert packings(8, signed(8), "xc7") == (Packing("dsp", 1, 0, LONGEST_CHAIN), W8A8, LUT)
    assert packings(2, signed(2), "xc7")[0] == Packing("dsp", 4, 7, LONGEST_CHAIN)
    assert packings(4, unsigned(8), "xcup") == (
        Packing("dsp", 2, 23, LONGEST_CHAIN), Packing("dsp", 3, 11, 1), LUT,
    )  # fmt: skip
    for weight_bits, bits in ((1, 8), (26, 8), (8, 19)):
        assert packings(weight_bits, signed(bits), "xc7") == (LUT,)


def test_every_field_holds_its_chain_and_no_more() -> None:
    for family, wide in DSP_WIDE.items():
        for weight_bits in range(2, 9):
            for bits in range(1, 13):
                product = (2 ** (weight_bits - 1) - 1) * 2 ** (bits - 1)
                for packing in packings(weight_bits, signed(bits), family)[:-1]:
                    assert (packing.lanes - 1) * packing.field_bits + weight_bits <= wide
                    if packing.lanes > 1:
                        largest = 2 ** (packing.field_bits - 1) - 1
                        assert packing.chain * product <= largest
                        assert packing.chain == LONGEST_CHAIN or largest < (packing.chain + 1) * product
    assert chain_bound(8, 8, 17) == W8A8.chain


@pytest.mark.parametrize("chain", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("lanes", [*range(1, 20), 100])
def test_chains(lanes: int, chain: int) -> None:
    """No chain longer than the limit, none more than one longer than another, every lane once; they end together."""
    lengths = chain_lengths(lanes, chain)
    assert sum(lengths) == lanes
    assert len(lengths) == -(-lanes // chain)
    assert max(lengths) <= chain
    assert max(lengths) - min(lengths) <= 1
    places = lanes_by_place(lanes, chain)
    assert sorted(lane for lanes in places for lane in lanes) == list(range(lanes))
    assert len(places[-1]) == len(lengths)


def fields(total: int, lanes: int, field: int) -> list[int]:
    """The sums that a DSP's 48 bits hold, got out as the module says."""
    total &= (1 << 48) - 1
    sums = []
    for place in range(lanes):
        width = field if place < lanes - 1 else 48 - place * field
        raw = (total >> place * field) + (total >> place * field - 1 & 1 if place else 0) & (1 << width) - 1
        sums.append(raw - (raw >> width - 1 << width))
    return sums


def test_the_bound_is_tight() -> None:
    """Sums of as many products as proven come out right for every sign; one more at the worst case does not."""
    for family in DSP_WIDE:
        for weight_bits, bits in ((8, 8), (5, 5), (4, 8), (4, 4), (2, 8), (2, 2), (3, 3)):
            for packing in packings(weight_bits, signed(bits), family)[:-1]:
                lanes, field, largest = packing.lanes, packing.field_bits, 2 ** (weight_bits - 1) - 1
                for signs in np.ndindex(*lanes * [3]):
                    sums = [(sign - 1) * largest * -(2 ** (bits - 1)) * packing.chain for sign in signs]
                    assert fields(sum(s << i * field for i, s in enumerate(sums)), lanes, field) == sums
                if lanes > 1 and packing.chain < LONGEST_CHAIN:
                    sums = lanes * [-largest * -(2 ** (bits - 1)) * (packing.chain + 1)]
                    assert fields(sum(s << i * field for i, s in enumerate(sums)), lanes, field) != sums


def test_the_raw_sign_decides() -> None:
    """A zero above a negative sum: its own sign would say that nothing was borrowed."""
    assert fields(-1 + (0 << 7) + (3 << 14), 3, 7) == [-1, 0, 3]


def longest(weight: np.ndarray, pe: int, simd: int, taps: int, limit: int) -> int:
    """As `proven_chain` of W8A8, word by word."""
    outputs, inputs, kernel, _ = weight.shape
    for chain in range(LONGEST_CHAIN, 0, -1):
        sums = [
            sum(abs(int(weight[o, group + lane % simd, row + lane // simd, column]))
                for lane in run if group + lane % simd < inputs)
            for o in range(outputs) if o % pe % 2 == 0 and o % pe != pe - 1
            for row in range(0, kernel, taps) for column in range(kernel) for group in range(0, inputs, simd)
            for run in chain_runs(taps * simd, chain)
        ]  # fmt: skip
        if max(sums, default=0) <= limit:
            return chain
    return 0


@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize(("pe", "simd"), [(1, 3), (2, 1), (2, 5), (3, 6), (4, 4), (7, 9), (5, 10)])
def test_proven_chain(pe: int, simd: int, taps: int) -> None:
    for spread in (10, 60, 127):
        random = np.random.default_rng(spread)
        weight = np.clip(random.normal(0, spread, (7, 10, 3, 3)).astype(np.int64), -127, 127)
        found = proven_chain(weight, pe, simd, taps, W8A8, unsigned(8))
        assert found == longest(weight, pe, simd, taps, (2**16 - 1) // 128)
        assert found >= W8A8.chain


def test_proven_chain_of_the_largest_weights_is_the_bound() -> None:
    weight = np.full((4, 15, 1, 1), -127)
    assert proven_chain(weight, 4, 15, 1, W8A8, signed(8)) == 4
    # Chains are as even as can be: twelve lanes that may form chains of five form three of four.
    assert proven_chain(weight[:, :12], 4, 12, 1, W8A8, signed(8)) == 5
    assert proven_chain(weight, 4, 15, 1, Packing("dsp", 2, 14, 1), signed(8)) == 0
    assert proven_chain(weight, 4, 15, 1, Packing("dsp", 1, 0, 1), signed(8)) == LONGEST_CHAIN
    assert proven_chain(weight, 4, 15, 1, LUT, signed(8)) == 1


@pytest.mark.parametrize(("change", "message"), [
    (dict(form="dsp48"), "form: wanted dsp or lut, got 'dsp48'"),
    (dict(lanes=0), "lanes: wanted at least 1, got 0"),
    (dict(chain=0), "chain: wanted at least 1, got 0"),
    (dict(form="lut", lanes=2), "lanes: wanted 1 in the lut form, got 2"),
    (dict(form="lut", lanes=1, field_bits=0, chain=2), "chain: wanted 1 in the lut form, got 2"),
    (dict(lanes=1), "field_bits: wanted 0 for one lane, else more, got 17"),
    (dict(field_bits=0), "field_bits: wanted 0 for one lane, else more, got 0"),
])  # fmt: skip
def test_packing_errors(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Packing(**(dict(form="dsp", lanes=2, field_bits=17, chain=4) | change))


def test_family_error() -> None:
    with pytest.raises(ValueError, match="^family: wanted one of xc7, xcup, got ice40$"):
        packings(8, signed(8), "ice40")
