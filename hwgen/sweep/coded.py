"""Random models whose layers take their weights from codebooks, on boards of so few DSPs that weight memories are deep
and many of them hold indices.

Codebooks of 2 to 128 integers of 2 to 8 bits; plain, grouped and transposed convolutions.
"""

from __future__ import annotations

import random
from typing import Any

from hwgen.sweep.branches import RECEIVED, Body, Codebook
from hwgen.sweep.case import COLOURS, SIDES, Case, Entry

FRAMES = ((20, 12), (12, 20), (24, 16), (16, 8))
CHANNELS = (12, 16, 20, 24)
DSPS = (8, 12, 20)
"""DSPs of the boards."""


def draw(seed: int) -> Case:
    """A random case; the same for the same seed."""
    rng = random.Random(seed)
    return case(seed, SIDES[seed % 2], rng.choice(FRAMES), rng, rng.choice(DSPS))


def case(seed: int, side: str, frame: tuple[int, int], rng: random.Random, dsps: int) -> Case:
    """A transmitter or receiver of coded layers on a board with so many DSPs."""
    limits = (("dsp", dsps),)
    if side == "tx":
        return Case(seed, side, frame, _encoder(rng), (), "kind: awgn", "static", "pynq_z2", None, limits)
    return Case(seed, side, frame, RECEIVED, _decoder(rng), "kind: rayleigh", "static", "pynq_z2", None, limits)


def _encoder(rng: random.Random) -> tuple[Entry, ...]:
    body = Body(rng, "pixels", COLOURS)
    body.add(12, None, 2, kernel=rng.choice([3, 5]), stride=2, channels=12, activation="prelu", **_coded(rng))
    for _ in range(rng.randint(1, 2)):
        _layer(body)
    body.convolve(4, "none", **_coded(rng))
    return tuple(body.entries)


def _decoder(rng: random.Random) -> tuple[Entry, ...]:
    body = Body(rng, "symbols", RECEIVED[-1].channels)
    _layer(body)
    kernel, channels = rng.choice([2, 3, 4, 5, 5]), rng.choice(CHANNELS)
    body.add(channels, None, 2, kernel=kernel, stride=2, channels=channels, activation="relu", **_coded(rng))
    body.convolve(COLOURS, "clamp", **_coded(rng))
    return tuple(body.entries)


def _layer(body: Body) -> None:
    """A layer that keeps the size: of groups, or of every channel."""
    rng = body.rng
    if body.channels % 2 == 0 and rng.random() < 0.3:
        body.convolve(rng.choice(CHANNELS), "relu", kind="conv", kernel=5, groups=2, **_coded(rng))
    else:
        body.convolve(rng.choice(CHANNELS), rng.choice(["relu", "prelu"]), kernel=rng.choice([3, 5]), **_coded(rng))


def _coded(rng: random.Random) -> dict[str, Any]:
    """Bits and codebook of a layer, mostly a small one."""
    bits = rng.choice([2, 3, 4, 5, 6, 8, 8, 8])
    return {"weight_bits": bits, "weights": Codebook(1 << min(rng.randint(1, bits - 1), rng.randint(1, bits - 1)))}


DIRECTED = (
    case(21, "tx", (24, 16), random.Random(7), 12),
    case(22, "rx", (24, 16), random.Random(8), 12),
)
"""A side each, most of their weights indices: in LUTs and DSPs, of groups, and of a transposed convolution."""
