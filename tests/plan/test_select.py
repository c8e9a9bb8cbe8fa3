"""The selection against every combination."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from hwgen.plan.select import Options, cheapest, evenest, total, unbeaten


def random_layers(rng: np.random.Generator) -> list[Options]:
    layers = []
    for place in range(rng.integers(1, 5)):
        count = rng.integers(1, 8)
        left = rng.integers(1, 3, count) if place else np.ones(count, dtype=np.int64)
        layers.append(Options(rng.integers(0, 30, (count, 4)), left, rng.integers(1, 3, count)))
    return layers


def combinations(layers: list[Options]) -> list[tuple[int, ...]]:
    """Every choice whose neighbours agree."""
    return [
        chosen
        for chosen in itertools.product(*(range(len(layer.left)) for layer in layers))
        if all(
            one.right[place] == other.left[following]
            for (one, place), (other, following) in itertools.pairwise(zip(layers, chosen, strict=True))
        )
    ]


@pytest.mark.parametrize("seed", range(60))
def test_the_cheapest_of_all_combinations_that_fit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = random_layers(rng)
    budgets = rng.integers(0, 30 * len(layers), 4)
    weights = rng.integers(0, 5, 4)
    costs = [
        int(weights @ total(layers, chosen))
        for chosen in combinations(layers)
        if (total(layers, chosen) <= budgets).all()
    ]
    found = cheapest(layers, budgets.tolist(), weights.tolist())
    if found is None:
        assert not costs
    else:
        assert found in combinations(layers)
        assert (total(layers, found) <= budgets).all()
        assert int(weights @ total(layers, found)) == min(costs)


@pytest.mark.parametrize("seed", range(60))
def test_the_evenest_of_all_combinations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = random_layers(rng)
    budgets = rng.integers(0, 30 * len(layers), 4).tolist()
    budgets[seed % 4] *= seed % 3 > 0
    wholes = [Fraction(budget) if budget else Fraction(1, 2) for budget in budgets]

    def share(chosen: tuple[int, ...]) -> Fraction:
        amounts = total(layers, chosen).tolist()
        return max(amount / whole for amount, whole in zip(amounts, wholes, strict=True))

    found = evenest(layers, budgets)
    shares = list(map(share, combinations(layers)))
    if found is None:
        assert not shares
    else:
        assert share(found) == min(shares)
        # Among those the least sum of shares: nothing is spent for nothing.
        def spent(chosen: tuple[int, ...]) -> Fraction:
            amounts = total(layers, chosen).tolist()
            return sum((amount / whole for amount, whole in zip(amounts, wholes, strict=True)), Fraction())

        assert spent(found) == min(spent(chosen) for chosen in combinations(layers) if share(chosen) == min(shares))


def test_unbeaten_keeps_the_first_of_equals_and_every_kind_of_neighbour() -> None:
    amounts = np.array([[3, 1], [2, 2], [3, 1], [3, 2], [3, 2], [1, 3]])
    left = np.array([1, 1, 1, 1, 2, 1])
    kept = unbeaten(Options(amounts, left, np.ones(6, dtype=np.int64)))
    assert kept.tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize("seed", range(10))
def test_unbeaten_loses_nothing_that_a_choice_needs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = Options(rng.integers(0, 6, (40, 3)), rng.integers(1, 3, 40), rng.integers(1, 3, 40))
    kept = unbeaten(one)
    for place in range(40):
        same = (one.left[kept] == one.left[place]) & (one.right[kept] == one.right[place])
        assert (same & (one.amounts[kept] <= one.amounts[place]).all(axis=1)).any()
    for place in kept:
        others = kept[kept != place]
        same = (one.left[others] == one.left[place]) & (one.right[others] == one.right[place])
        assert not (same & (one.amounts[others] <= one.amounts[place]).all(axis=1)).any()
