"""Zips of images and their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.labelled import pack

from hwgen.errors import HwgenError
from hwgen.train import labelled
from hwgen.train.labelled import Labelled


def scenes(count: int) -> Labelled:
    """Images and labels of one size, all different."""
    rng = np.random.default_rng(3)
    return Labelled(rng.integers(0, 256, (count, 32, 48, 3), np.uint8), rng.integers(1, 12, (count, 32, 48), np.uint8))


def test_zips_with_labels(tmp_path: Path) -> None:
    data = scenes(3)
    pack(tmp_path / "train_a.zip", list(data.images), list(data.labels))
    found = labelled.load(tmp_path, "train")
    assert (found.images == data.images).all() and (found.labels == data.labels).all() and len(found) == 3


def test_what_is_no_data(tmp_path: Path) -> None:
    data = scenes(2)
    with pytest.raises(HwgenError, match=r"wanted val\*.zip with images/ and labels/, got no such file"):
        labelled.load(tmp_path, "val")
    pack(tmp_path / "val.zip", list(data.images), list(data.labels)[:1])
    with pytest.raises(HwgenError, match="wanted a label for every image, got .*labels/001.png"):
        labelled.load(tmp_path, "val")
    pack(tmp_path / "val.zip", list(data.images), [data.labels[0], data.labels[1][:16]])
    with pytest.raises(HwgenError, match="one size, its sides multiples of 16, got 48x16, 48x32"):
        labelled.load(tmp_path, "val")
    pack(tmp_path / "val.zip", list(data.images), [data.labels[0], data.labels[1] + 12])
    with pytest.raises(HwgenError, match="wanted labels from 0 to 11, got"):
        labelled.load(tmp_path, "val")
    (tmp_path / "val.zip").write_bytes(b"no zip")
    with pytest.raises(HwgenError, match="val.zip"):
        labelled.load(tmp_path, "val")
