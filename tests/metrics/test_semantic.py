"""Pixel accuracy, Usc and Esc."""

from __future__ import annotations

import numpy as np
import pytest

from hwgen.metrics.semantic import REFERENCE, UNLABELLED, accuracy, esc, usc, weights


def test_accuracy_counts_labelled_pixels() -> None:
    labels = np.array([[0, 1], [UNLABELLED, 3]], np.uint8)
    found = np.array([[0, 2], [5, 3]], np.uint8)
    assert accuracy(found, labels) == 2 / 3
    assert accuracy(np.array([[1, 0], [0, 0]], np.uint8), labels) == 0.0
    with pytest.raises(ValueError, match=r"found: wanted shape \(2, 2\), got \(2,\)"):
        accuracy(found[0], labels)
    with pytest.raises(ValueError, match="labels: wanted a pixel with a class, got none"):
        accuracy(found, np.full((2, 2), UNLABELLED, np.uint8))


def test_usc_is_between_none_and_all() -> None:
    assert usc(0.5, 0.25, 0.75) == 0.5
    assert [usc(quality, 0.25, 0.75) for quality in (0.1, 0.25, 0.75, 0.9)] == [0.0, 0.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="best: wanted more than 0.5, got 0.5"):
        usc(0.5, 0.5, 0.5)


def test_esc_of_the_reference_is_its_usc() -> None:
    assert sum(weights(REFERENCE).values()) == 1.0
    assert esc(0.8, REFERENCE) == 0.8
    half = {name: cost / 2 for name, cost in REFERENCE.items()}
    assert esc(0.8, half) == 1.6
    known = {"weight_bits": 2 * REFERENCE["weight_bits"], "symbols_per_sample": REFERENCE["symbols_per_sample"]}
    assert esc(0.9, known) == 0.9 / 1.5
