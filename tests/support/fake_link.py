"""An end of a link whose simulation is the integer graph."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hwgen.ir.execute import execute
from hwgen.link.progress import Progress
from hwgen.numerics.integer import IntArray
from hwgen.reference.link import ReferenceLink


class FakeEnd:
    """The integer graph where a simulation would be; `wrong` damages what it gives."""

    def __init__(self, link: ReferenceLink, side: str) -> None:
        self.link, self.side = link, side
        self.design = SimpleNamespace(side=side)
        self.seconds, self.interval, self.latency = 0.5, 100, 200
        self.wrong: tuple[int, int, int] | None = None

    def run(
        self, words: np.ndarray, coefficients: IntArray | None, progress: Progress, profile: int = 0
    ) -> np.ndarray:
        graph, (width, height) = getattr(self.link.at_profile(profile), self.side), self.link.size
        given = [None] * len(words) if coefficients is None else list(coefficients)
        found = []
        for frame, beside in zip(words, given, strict=True):
            if self.side == "tx":
                image = np.stack([frame >> shift & 255 for shift in (0, 8, 16)], -1).reshape(height, width, 3)
                found.append(execute(graph, image.astype(np.uint8), beside)["symbols"])
            else:
                image = execute(graph, frame, beside, self.link.size)["pixels"].astype(np.uint32)
                found.append((image[..., 0] | image[..., 1] << 8 | image[..., 2] << 16).reshape(-1))
            progress.add()
        out = np.stack(found).astype(np.uint32)
        if self.wrong is not None:
            frame_index, at, bit = self.wrong
            out[frame_index, at] ^= np.uint32(1 << bit)
        return out

    def waveform(
        self, words: np.ndarray, coefficients: IntArray | None, file: Path, profile: int = 0
    ) -> Path | None:
        file.write_text("$end")
        return file
