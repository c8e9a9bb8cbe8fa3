"""The segmentation network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hwgen.errors import HwgenError
from hwgen.metrics.semantic import CLASSES
from hwgen.train.segmentation_network import WEIGHTS, Segmentation, classes, load


def test_every_pixel_has_a_class() -> None:
    torch.manual_seed(1)
    image = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
    found = classes(Segmentation().eval(), image)
    assert found.shape == (32, 48) and found.dtype == np.uint8 and found.max() < len(CLASSES)


def test_the_weights_that_are_shipped() -> None:
    assert WEIGHTS.stat().st_size < 1_000_000
    network = load()
    sky = np.broadcast_to(np.array([205, 220, 240], np.uint8), (96, 128, 3))
    assert CLASSES[np.bincount(classes(network, sky)[:32].reshape(-1)).argmax()] == "sky"


def test_weights_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="wanted the segmentation network's weights"):
        load(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"12345678")
    with pytest.raises(HwgenError, match="wanted the segmentation network's weights"):
        load(tmp_path / "bad.safetensors")
