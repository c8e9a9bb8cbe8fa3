"""The camera: a window that moves smoothly over photographs of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hwgen.demo.camera import FRAMES, Camera
from hwgen.errors import HwgenError


def test_the_window_moves_over_one_photograph_after_the_other(tmp_path: Path) -> None:
    y, x = np.mgrid[0:60, 0:100]
    for number in range(2):
        pixels = np.stack([x, y, np.full_like(x, 100 * number)], axis=-1).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    camera = Camera(tmp_path, 32, 16)
    frames = [camera.frame(number) for number in range(2 * FRAMES + 1)]
    assert all(frame.shape == (16, 32, 3) and frame.dtype == np.uint8 for frame in frames)
    assert len({frame.tobytes() for frame in frames}) > FRAMES
    assert [int(frames[at][..., 2].mean()) for at in (0, FRAMES - 1, FRAMES)] == [0, 0, 100]
    assert np.array_equal(frames[0], frames[2 * FRAMES]), "from the beginning"
    left, right = (frame[..., 0].mean() for frame in (frames[0], frames[FRAMES // 2]))
    assert right > left + 20
    places = np.array([frame[..., 0].mean() for frame in frames[:FRAMES]])
    assert np.abs(np.diff(places)).max() < 8, "it moves, it does not jump"
    assert np.array_equal(Camera(tmp_path, 32, 16).frame(7), frames[7])


def test_a_photograph_of_any_size_is_scaled(tmp_path: Path) -> None:
    Image.new("RGB", (3, 200), (9, 8, 7)).save(tmp_path / "thin.png")
    assert Camera(tmp_path / "thin.png", 64, 32).frame(5).shape == (32, 64, 3)
    assert Camera(None, 64, 32).frame(0).std() > 10
    with pytest.raises(HwgenError, match="--images"):
        Camera(tmp_path / "nothing", 64, 32)
