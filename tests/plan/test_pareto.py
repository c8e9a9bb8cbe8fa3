"""The Pareto front against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from hwgen.plan.pareto import pareto_front


def test_the_first_of_equals_and_every_interface_are_kept() -> None:
    amounts = np.array([[3, 1], [2, 2], [3, 1], [3, 2], [3, 2], [1, 3]])
    interfaces = np.array([[1, 1], [1, 1], [1, 1], [1, 1], [2, 1], [1, 1]])
    assert pareto_front(amounts, interfaces).tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_lost_that_a_choice_needs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    amounts, interfaces = rng.integers(0, 6, (40, 3)), rng.integers(1, 3, (40, 2))
    kept = pareto_front(amounts, interfaces)
    for place in range(40):
        same = (interfaces[kept] == interfaces[place]).all(axis=1)
        assert (same & (amounts[kept] <= amounts[place]).all(axis=1)).any()
    for place in kept:
        others = kept[kept != place]
        same = (interfaces[others] == interfaces[place]).all(axis=1)
        assert not (same & (amounts[others] <= amounts[place]).all(axis=1)).any()
