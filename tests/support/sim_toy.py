"""The toy designs of tests/data as folders that a bench can run, and what they should compute."""

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
DATA = Path(__file__).parents[1] / "data"
SOURCE = DATA / "toy" / "hwgen_tx.v"
RECEIVER = DATA / "toy_rx" / "hwgen_rx.v"
WORDS = WIDTH * HEIGHT * 3 // 2


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


def make_receiver(folder: Path) -> Design:
    """Write the toy receiver and its manifest into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(RECEIVER, folder)
    symbols = {"bits": 32, "signed": False, "channels": 1, "height": 1, "width": WORDS, "lanes": 1}
    values = {"bits": 8, "signed": True, "channels": 3, "height": HEIGHT, "width": WIDTH, "lanes": 1}
    manifest = {
        "format_version": 1,
        "top": "hwgen_rx",
        "side": "rx",
        "frame": {"width": WIDTH, "height": HEIGHT},
        "ports": {"s_axis_tlast": {}},
        "files": {"hwgen_rx.v": ""},
        "streams": [
            {"name": "equaliser", "path": "equaliser.o", **symbols},
            {"name": "received", "path": "received.o", **values},
        ],
        "input": {"bits": 32, "beats": WORDS},
        "output": {"bits": 24, "beats": WIDTH * HEIGHT},
        "coefficients": {"bits": 32, "beats": 1, "fraction": 10},
        "predicted": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return designs.load(folder)


def receiver_input(seed: int = 0, frames: int = FRAMES) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Symbols (frames, WORDS) and coefficients (frames, 1, 1, 1, 2), another one for each frame."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 32, (frames, WORDS), dtype=np.uint32)
    return words, rng.integers(-1023, 1024, (frames, 1, 1, 1, 2))


def receiver_expected(words: NDArray[np.uint32], coefficients: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """The toy receiver in plain integers: complex product, / 1024 downwards, 16 bits; its upper 8; offset by 128."""
    half = words[..., None] >> np.array([0, 16], dtype=np.uint32) & np.uint32(0xFFFF)
    x = half.astype(np.uint16).astype(np.int16).astype(np.int64)
    c = coefficients.reshape(len(words), 1, 2)
    re = c[..., 0] * x[..., 0] - c[..., 1] * x[..., 1]
    im = c[..., 0] * x[..., 1] + c[..., 1] * x[..., 0]
    y = np.stack([re, im], axis=-1) >> 10 & 0xFFFF
    values = (y >> 8).astype(np.uint8).astype(np.int8).astype(np.int64).reshape(len(words), HEIGHT, WIDTH, 3)
    pixels = values + 128
    return {
        "equaliser": y[..., 0] | y[..., 1] << 16,
        "received": values,
        "output": (pixels[..., 0] | pixels[..., 1] << 8 | pixels[..., 2] << 16).reshape(len(words), -1),
    }
