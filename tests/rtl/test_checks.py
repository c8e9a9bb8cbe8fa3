"""Checks that the configs of many components share."""

from __future__ import annotations

import pytest

from hwgen.rtl.checks import check_positive


def test_numbers_below_1_are_refused() -> None:
    check_positive(one=1, two=2)
    with pytest.raises(ValueError, match=r"^depth: wanted at least 1, got 0$"):
        check_positive(width=3, depth=0)
