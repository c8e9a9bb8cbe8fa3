"""The selection against every combination."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from hwgen.plan.select import Layer, Link, cheapest, evenest, total


def random_layers(rng: np.random.Generator) -> tuple[list[Layer], list[Link]]:
    """Nodes of up to two inputs, each linked to any of those before it."""
    layers: list[Layer] = []
    links: list[Link] = []
    for place in range(rng.integers(1, 5)):
        count, inputs = int(rng.integers(1, 8)), min(place, int(rng.integers(1, 3)))
        layers.append(Layer(rng.integers(0, 30, (count, 4)), rng.integers(1, 3, (count, inputs + 1))))
        for port in range(inputs):
            source = place - 1 if port == 0 else int(rng.integers(0, place))
            links.append(Link(source, layers[source].lanes.shape[1] - 1, place, port))
    return layers, links


def combinations(layers: list[Layer], links: list[Link]) -> list[tuple[int, ...]]:
    """Every choice in which the two ends of every stream agree."""

    def lanes(chosen: tuple[int, ...], layer: int, stream: int) -> int:
        return int(layers[layer].lanes[chosen[layer], stream])

    return [
        chosen
        for chosen in itertools.product(*(range(len(layer.amounts)) for layer in layers))
        if all(
            lanes(chosen, link.producer, link.output) == lanes(chosen, link.consumer, link.input) for link in links
        )
    ]


@pytest.mark.parametrize("seed", range(60))
def test_the_cheapest_of_all_combinations_that_fit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers, links = random_layers(rng)
    budgets = rng.integers(0, 30 * len(layers), 4)
    weights = rng.integers(0, 5, 4)
    costs = [
        int(weights @ total(layers, chosen))
        for chosen in combinations(layers, links)
        if (total(layers, chosen) <= budgets).all()
    ]
    found = cheapest(layers, links, budgets.tolist(), weights.tolist())
    if found is None:
        assert not costs
    else:
        assert found in combinations(layers, links)
        assert (total(layers, found) <= budgets).all()
        assert int(weights @ total(layers, found)) == min(costs)


@pytest.mark.parametrize("seed", range(60))
def test_the_evenest_of_all_combinations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers, links = random_layers(rng)
    budgets = rng.integers(0, 30 * len(layers), 4).tolist()
    budgets[seed % 4] *= seed % 3 > 0
    wholes = [Fraction(budget) if budget else Fraction(1, 2) for budget in budgets]

    def share(chosen: tuple[int, ...]) -> Fraction:
        amounts = total(layers, chosen).tolist()
        return max(amount / whole for amount, whole in zip(amounts, wholes, strict=True))

    found = evenest(layers, links, budgets)
    shares = list(map(share, combinations(layers, links)))
    if found is None:
        assert not shares
    else:
        assert share(found) == min(shares)
        # Among those the least sum of shares: nothing is spent for nothing.
        def spent(chosen: tuple[int, ...]) -> Fraction:
            amounts = total(layers, chosen).tolist()
            return sum((amount / whole for amount, whole in zip(amounts, wholes, strict=True)), Fraction())

        evenest_ones = [chosen for chosen in combinations(layers, links) if share(chosen) == min(shares)]
        assert spent(found) == min(map(spent, evenest_ones))
