"""Checks that the configs of many components share."""

from __future__ import annotations


def check_positive(**numbers: int) -> None:
    """Check that every number is at least 1.

    Raises
    ------
    ValueError
        The first one that is not, by its key.
    """
    for key, value in numbers.items():
        if value < 1:
            raise ValueError(f"{key}: wanted at least 1, got {value}")
