"""Values of options that several commands have."""

from __future__ import annotations

import pytest

from hwgen.option_values import evenly


@pytest.mark.parametrize(("length", "count", "wanted"), [
    (5, 9, [0, 1, 2, 3, 4]), (5, 2, [0, 3]), (5, 1, [0]), (101, 12, list(range(0, 101, 9))), (0, 3, []),
])  # fmt: skip
def test_evenly(length: int, count: int, wanted: list[int]) -> None:
    """At most so many, from the first on to near the last."""
    assert evenly(list(range(length)), count) == wanted
