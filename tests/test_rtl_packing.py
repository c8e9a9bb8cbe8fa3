"""How many products share a DSP, how many of them a field can sum, and the rows of the weight memories."""

from __future__ import annotations

import pytest
from amaranth.hdl import signed

from hwgen.rtl.packing import (
    DSP_WIDE,
    LONGEST_CHAIN,
    LUT,
    W8A8,
    chain_bound,
    chain_lengths,
    lanes_by_place,
    packings,
)


@pytest.mark.parametrize(("weight_bits", "bits", "lanes"), [
    (8, 8, (2, 2)), (6, 6, (2, 2)), (5, 5, (3, 3)), (4, 8, (2, 3)), (4, 4, (4, 4)), (2, 8, (3, 3)), (8, 12, (1, 2)),
])  # fmt: skip
def test_lanes_per_dsp(weight_bits: int, bits: int, lanes: tuple[int, int]) -> None:
    for family, most in zip(DSP_WIDE, lanes, strict=True):
        found = packings(weight_bits, signed(bits), family)
        assert found[-1] == LUT
        assert max(packing.lanes for packing in found) == most


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
