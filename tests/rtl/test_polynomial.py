"""Products of polynomials in plain integers: which sums are whose, and how long a chain of them stays exact."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned

from hwgen.rtl.packing import DSP_WIDE, LONGEST_CHAIN, Packing, chain_lengths
from hwgen.rtl.polynomial import (
    TOGETHER,
    Product,
    folded,
    polynomial_chain,
    polynomial_packing,
    polynomial_rows,
    polynomial_weights,
    products,
)


def test_products_of_a_row() -> None:
    """Taps the other way round; what is beyond a row's end has no tap."""
    assert products(4, 2, 2) == (Product(0, 2, (2, 0)), Product(1, 3, (3, 1)))
    assert products(5, 2, 2) == (Product(0, 2, (2, 0)), Product(4, 6, (None, 4)), Product(1, 3, (3, 1)))
    assert products(3, 1, 3) == (Product(0, 1, (2, 1, 0)),)
    assert products(1, 2, 3) == (Product(0, 2, (None, None, 0)),)


@pytest.mark.parametrize("together", TOGETHER)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", range(1, 8))
def test_blocks_add_up_to_the_convolution(kernel: int, stride: int, together: int) -> None:
    """Every block's sums, each added to its output, over a row with an odd number of outputs and one with an even."""
    random = np.random.default_rng(kernel)
    for outputs in (4, 5):
        taps = random.integers(-7, 8, kernel).tolist()
        row = random.integers(-128, 128, (outputs - 1) * stride + kernel).tolist()
        beyond = dict(enumerate(row))
        found = [0] * (outputs + 8)
        for block in range(-(-outputs // 2) + 1):
            for product in products(kernel, stride, together):
                pixels = [beyond.get(2 * block * stride + column, 0) for column in (product.first, product.second)]
                for place, pixel in enumerate(pixels):
                    for field, tap in enumerate(product.taps):
                        output = 2 * block + place + field - (together - 1)
                        if 0 <= output < outputs and tap is not None:
                            found[output] += pixel * taps[tap]
        assert found[:outputs] == [
            sum(tap * row[output * stride + place] for place, tap in enumerate(taps)) for output in range(outputs)
        ]


def test_packings() -> None:
    """The widest fields that both operands allow, and the longest chains that widths alone prove."""
    found = {
        (weight, activation, together, family): polynomial_packing(weight, activation, together, family)
        for weight, activation, together in ((4, 8, 2), (4, 8, 3), (4, 4, 2), (4, 4, 3), (5, 5, 2), (6, 6, 2),
                                             (2, 8, 2), (4, 5, 3), (8, 8, 2), (1, 8, 2))
        for family in DSP_WIDE
    }  # fmt: skip
    assert {key: (packing.field_bits, packing.chain) for key, packing in found.items() if packing is not None} == {
        (4, 8, 2, "xc7"): (14, 4), (4, 8, 2, "xcup"): (14, 4),
        (4, 4, 2, "xc7"): (14, 8), (4, 4, 2, "xcup"): (14, 8),
        (4, 4, 3, "xc7"): (10, 4), (4, 4, 3, "xcup"): (11, 8),
        (5, 5, 2, "xc7"): (13, 8), (5, 5, 2, "xcup"): (13, 8),
        (6, 6, 2, "xc7"): (12, 1), (6, 6, 2, "xcup"): (12, 1),
        (2, 8, 2, "xc7"): (16, 8), (2, 8, 2, "xcup"): (16, 8),
        (4, 5, 3, "xc7"): (10, 2), (4, 5, 3, "xcup"): (11, 4),
    }  # fmt: skip


def apart(total: int, field: int, fields: int) -> list[int]:
    """The sums of a chain's output, as the hardware takes them apart: raw bits, and the bit below as a carry."""
    found = []
    for place in range(fields):
        bits = total >> place * field
        if place < fields - 1:
            bits &= (1 << field) - 1
            bits -= bits >> (field - 1) << field
        found.append(bits + (total >> (place * field - 1) & 1 if place else 0))
    return found


def chained(weights: np.ndarray, activations: np.ndarray, field: int) -> tuple[list[int], list[int]]:
    """(sums taken apart, sums) of a chain of products: weights (lane, field), activations (lane, 2)."""
    fields = weights.shape[1] + 1
    total, expected = 0, [0] * fields
    for taps, pixels in zip(weights.tolist(), activations.tolist(), strict=True):
        total += sum(w << k * field for k, w in enumerate(taps)) * (pixels[0] + (pixels[1] << field))
        for k, w in enumerate(taps):
            for place, pixel in enumerate(pixels):
                expected[k + place] += w * pixel
    return apart(total, field, fields), expected


@pytest.mark.parametrize("family", DSP_WIDE)
@pytest.mark.parametrize(("weight", "activation", "together"), [
    (4, 8, 2), (4, 4, 3), (4, 4, 2), (5, 5, 2), (6, 6, 2), (2, 8, 2), (4, 5, 3), (3, 6, 2),
])  # fmt: skip
def test_exact_at_the_worst_case_and_not_beyond(weight: int, activation: int, together: int, family: str) -> None:
    """All signs of all ends of both ranges, in a chain as long as proven; one product more leaves its field."""
    packing = polynomial_packing(weight, activation, together, family)
    assert packing is not None
    largest, low = (1 << (weight - 1)) - 1, -(1 << (activation - 1))
    random = np.random.default_rng(0)

    def draws(chain: int) -> list[tuple[np.ndarray, np.ndarray]]:
        ends = [(np.full((chain, together), sign * largest), np.full((chain, 2), low)) for sign in (1, -1)]
        for _ in range(300):
            weights = random.choice([-largest, 0, largest], (chain, together))
            ends.append((weights, random.choice([low, 0, -low - 1], (chain, 2))))
        return ends

    for weights, activations in draws(packing.chain):
        found, expected = chained(weights, activations, packing.field_bits)
        assert found == expected
    beyond = ((1 << (packing.field_bits - 1)) - 1) // (2 * largest * -low) + 1
    assert packing.chain == min(beyond - 1, LONGEST_CHAIN)
    full = np.full((beyond, together), largest)
    found, expected = chained(full, np.full((beyond, 2), low), packing.field_bits)
    assert found != expected
    assert polynomial_chain([full[None]], packing, signed(activation)) < beyond or beyond > LONGEST_CHAIN
    at_most = full[None, : packing.chain]
    assert chain_lengths(packing.chain, polynomial_chain([at_most], packing, signed(activation)))[0] == packing.chain


@pytest.mark.parametrize(("weights", "longest"), [
    ((7, 7), 4), ((7, 0), 8), ((0, -7), 8), ((3, 4), 8), ((-3, 4), 8), ((4, -4), 4), ((31, 32), 1), ((32, 32), 0),
])  # fmt: skip
def test_the_weights_prove_longer_chains(weights: tuple[int, int], longest: int) -> None:
    """The weights of an inner sum are 63 in all at most: 7 + 0 eight times, 4 + 4 not, whatever the signs."""
    packing = polynomial_packing(4, 8, 2, "xc7")
    assert packing == Packing("dsp", 4, 14, 4)
    for activation in (signed(8), unsigned(8)):
        found = polynomial_chain([np.tile(np.array(weights), (1, 8, 1))], packing, activation)
        assert (chain_lengths(8, found)[0] if found else 0) == longest


def test_weights_rows_and_borrows() -> None:
    """The operand of each row, signed, is what its taps say: memories in the order of the chains' places."""
    random = np.random.default_rng(3)
    weight = random.integers(-7, 8, (3, 5, 2, 4))
    own = products(4, 2, 2)
    words = folded(polynomial_weights(weight, own), pe=2, simd=3)
    assert words.shape == (2, 2 * 2 * 2, 2, 3, 2)
    assert words[1, 0, 0].tolist() == [[weight[2, lane, 0, 2], weight[2, lane, 0, 0]] for lane in range(3)]
    assert words[0, 7, 1].tolist() == [[*weight[1, lane, 1, [3, 1]]] for lane in (3, 4)] + [[0, 0]]
    memories = polynomial_rows([words], 4, chain=2)
    assert [len(rows) for rows in memories] == [16, 16]
    places = ([0], [1, 2])  # chains of two and of one, which end together
    for memory, lanes in zip(memories, places, strict=True):
        for row, word in zip(memory, words.reshape(16, 2, 3, 2), strict=True):
            for place, (p, lane) in enumerate((p, lane) for p in range(2) for lane in lanes):
                taps = [row >> (2 * place + k) * 4 & 15 for k in range(2)]
                low, high = (tap - (tap >> 3 << 4) for tap in taps)
                # The lower field's repeated signs count as its borrow from above.
                assert (low & (1 << 14) - 1) + (high << 14) == word[p, lane, 0] + (int(word[p, lane, 1]) << 14)
