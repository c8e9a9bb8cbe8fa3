"""The toy design of tests/data/toy as a folder that a bench can run, and what it should compute."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwgen.sim import design as designs
from hwgen.sim.design import Design

WIDTH, HEIGHT, FRAMES = 8, 4, 3
WEIGHTS = np.array([[64, -32, 9], [-77, 50, 31], [100, 27, -90]])
SOURCE = Path(__file__).parent / "data" / "toy" / "hwgen_tx.v"


def make(folder: Path) -> Design:
    """Write the toy and its manifest into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE, folder)
    shape = {"signed": True, "channels": 3, "height": HEIGHT, "width": WIDTH, "lanes": 1}
    manifest = {
        "format_version": 1,
        "top": "hwgen_tx",
        "frame": {"width": WIDTH, "height": HEIGHT},
        "files": {"hwgen_tx.v": ""},
        "streams": [
            {"name": "conv0", "path": "conv0.o", "bits": 8, **shape},
            {"name": "gain", "path": "gain.o", "bits": 16, **shape},
        ],
        "input": {"bits": 24, "beats": WIDTH * HEIGHT},
        "output": {"bits": 32, "beats": WIDTH * HEIGHT * 3 // 2},
        "predicted": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return designs.load(folder)


def images(seed: int = 0, frames: int = FRAMES) -> NDArray[np.uint8]:
    """Multiples of 16, so that many sums are ties of the rounding."""
    return (np.random.default_rng(seed).integers(0, 16, (frames, HEIGHT, WIDTH, 3)) * 16).astype(np.uint8)


def expected(pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """The toy in plain integers: 1x1 convolution, / 128 half to even, saturate, times 45."""
    total = pixels.astype(np.int64) @ WEIGHTS.T
    conv0 = np.clip(np.rint(total / 128).astype(np.int64), -128, 127)
    gain = conv0 * 45
    parts = (gain.reshape(len(pixels), -1, 2) & 0xFFFF).astype(np.int64)
    return {"conv0": conv0, "gain": gain, "output": parts[..., 0] | parts[..., 1] << 16}
