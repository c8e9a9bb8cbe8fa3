"""Changed crops: eight positions of a square, and colours."""

from __future__ import annotations

import numpy as np
import torch

from hwgen.train.augment import augmented, coloured
from hwgen.train.data import Crops

RANDOM = np.random.default_rng(3)
CROP = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)


def seed(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_turned_crops_are_positions_of_the_square() -> None:
    found = {crop.tobytes() for crop in augmented([CROP] * 64, ("turn",), seed(1))}
    rows = CROP.transpose(1, 0, 2)
    assert found == {one.tobytes() for one in (CROP, CROP[::-1], rows, CROP[::-1].transpose(1, 0, 2))}
    batch = Crops([CROP], 8, augment=("turn",)).batch(256, seed(1))
    assert len({crop.numpy().tobytes() for crop in batch}) == 8, "with left-right flips"


def test_half_of_the_crops_have_other_colours() -> None:
    found = augmented([CROP] * 400, ("colour",), seed(2))
    same = sum(np.array_equal(crop, CROP) for crop in found)
    assert 160 < same < 240
    assert len({crop.tobytes() for crop in found}) == 401 - same


def test_one_way_moves_no_draw_of_the_other() -> None:
    both = augmented([CROP] * 32, ("turn", "colour"), seed(5))
    turned = augmented([CROP] * 32, ("turn",), seed(5))
    coloured_ones = augmented([CROP] * 32, ("colour",), seed(5))
    for one, other, alone in zip(both, turned, coloured_ones, strict=True):
        assert np.array_equal(one, other) == np.array_equal(alone, CROP)


def test_colours_by_hand() -> None:
    """Luma of (200, 100, 50) is 124.2, and the mean too, of a picture of that colour alone."""
    picture = np.full((2, 2, 3), (200, 100, 50), np.uint8)
    assert np.array_equal(coloured(picture, 1, 1, 0), picture)
    assert coloured(picture, 0.5, 1, 0)[0, 0].tolist() == [162, 112, 87]  # 124.2 + (75.8, -24.2, -74.2) / 2
    assert coloured(picture, 2, 1, 0)[0, 0].tolist() == [255, 76, 0]  # 275.8 and -24.2 are limited
    assert coloured(picture, 1, 2, -8)[1, 1].tolist() == [255, 68, 0], "contrast is around the mean luma"
