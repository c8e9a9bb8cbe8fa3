"""A link without designs for the demonstration's page: noise on the picture itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from hwgen.demo.air import Shot
from hwgen.demo.camera import Camera, Picture
from hwgen.demo.page import Page

WIDTH, HEIGHT = 64, 32
LIMITS = (4, 12)


class FakeAir:
    """Three profiles by SNR."""

    profiles = 3

    def transmit(self, source: Picture, snr_db: float, seed: int, profile: int | None = None) -> Shot:
        chosen = sum(snr_db >= limit for limit in LIMITS) if profile is None else profile
        empty = np.zeros(0, np.uint32)
        return Shot(source, snr_db, chosen, seed, empty, empty)

    def receive(self, shot: Shot) -> Shot:
        noise = np.random.default_rng(shot.seed).normal(0, 100 * 10 ** (-shot.snr_db / 20), shot.source.shape)
        return replace(shot, picture=np.clip(shot.source + noise, 0, 255).astype(np.uint8), seconds=(1e-4, 2e-4))


def page(images: Path | None = None, **options: object) -> Page:
    """A page of such a link, to be served."""
    about = {"model": "fake", "frame": [WIDTH, HEIGHT], "profiles": 3, "text": "no designs",
             "ranges": ["below 4 dB", "4 to 12", "from 12"]}  # fmt: skip
    return Page(FakeAir(), Camera(images, WIDTH, HEIGHT), about, 10.0, **options)  # type: ignore[arg-type]


@contextmanager
def served(**options: object) -> Iterator[Page]:
    """A page in a thread of its own, which ends when the last browser has closed it."""
    made, ready = page(until_closed=True, **options), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(made.run(ready.set)), daemon=True)
    thread.start()
    assert ready.wait(30)
    yield made
    thread.join(60)
    assert not thread.is_alive()
