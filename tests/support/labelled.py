"""Zips of images with labels, as `hwgen.train.labelled` reads them, for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def pack(path: Path, images: Iterable[np.ndarray], labels: Iterable[np.ndarray]) -> None:
    """Write them as PNGs, named by their places."""
    with zipfile.ZipFile(path, "w") as archive:
        for folder, many in (("images", images), ("labels", labels)):
            for index, one in enumerate(many):
                buffer = io.BytesIO()
                Image.fromarray(one).save(buffer, "PNG")
                archive.writestr(f"{folder}/{index:03}.png", buffer.getvalue())
