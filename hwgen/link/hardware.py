"""The link's two ends in Verilog: emitted, simulated, frame after frame."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwgen.design_options import DesignOptions
from hwgen.link.progress import Progress
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import pack_pixels, unpack_pixels
from hwgen.radio.channel import Words
from hwgen.sim import design as designs
from hwgen.sim.design import Design
from hwgen.sim.frames import run_frames

CHUNK = 8
"""Frames of one run, back to back: what a run records is read and removed before the next one."""
RECORD_BYTES = 8
"""Bytes of each output beat in a run's record."""
WINDOW = (512, 32)
"""Cycles of waveform before and behind the end of the first frame."""


@dataclass
class End:
    """One side's design and how it is driven; `seconds` of simulation add up, builds not counted.

    interval, latency : cycles, of the first run that measured them
    """

    design: Design
    folder: Path
    stall: float
    seed: int
    cache: Path | None = None
    seconds: float = 0.0
    interval: int | None = None
    latency: int | None = None

    @property
    def side(self) -> str:
        return self.design.side

    def run(self, words: Words, coefficients: IntArray | None, progress: Progress, profile: int = 0) -> Words:
        """(frames, output_beats) words for (frames, input_beats) words, all in one profile.

        Raises
        ------
        hwgen.sim.frames.DesignError : it hangs or breaks the protocol
        hwgen.sim.runner.SimulationError : the simulator cannot be built, or does not come to its end
        """
        given = [words[at : at + CHUNK] for at in range(0, len(words), CHUNK)]
        record = self.folder / f"stream_{len(self.design.streams) + 1}.rec"
        found = []
        for index, part in enumerate(given):
            shutil.rmtree(self.folder, ignore_errors=True)
            beside = None if coefficients is None else coefficients[index * CHUNK :][: len(part)]
            with progress.watching(record, RECORD_BYTES * self.design.output_beats, len(part)):
                ran = run_frames(
                    self.design, part, beside, folder=self.folder, stall=self.stall, seed=self.seed + index,
                    cache=self.cache, profiles=np.full(len(part), profile),
                )  # fmt: skip
            found.append(ran.output)
            self.seconds += ran.seconds
            self.interval = ran.interval if self.interval is None else self.interval
            self.latency = ran.latency if self.latency is None else self.latency
        shutil.rmtree(self.folder, ignore_errors=True)
        return np.concatenate(found)

    def waveform(self, words: Words, coefficients: IntArray | None, file: Path, profile: int = 0) -> Path | None:
        """All signals around the end of the first frame (as the manifest predicts it), as VCD."""
        end = self.design.prediction("latency_cycles") or 0
        window = max(0, end - WINDOW[0]), end + WINDOW[1]
        ran = run_frames(
            self.design, words[:1], None if coefficients is None else coefficients[:1], folder=self.folder,
            stall=self.stall, seed=self.seed, trace=window, cache=self.cache,
            profiles=np.full(1, profile),
        )  # fmt: skip
        if ran.waveform is not None:
            shutil.move(ran.waveform, file)
        shutil.rmtree(self.folder, ignore_errors=True)
        return None if ran.waveform is None else file


def emit_end(options: DesignOptions, folder: Path, stall: float, seed: int, cache: Path | None = None) -> End:
    """Emit one side into `folder`/SIDE.

    Raises
    ------
    HwgenError : as `hwgen.emit.emit`
    """
    from hwgen.emit import emit

    emitted = emit(options, folder / options.side, quiet=True)
    return End(designs.load(emitted.folder), folder / f"{options.side}_run", stall, seed, cache)


def image_words(images: npt.NDArray[np.uint8]) -> Words:
    """(frames, H, W, 3) images as words of the pixel stream."""
    return pack_pixels(images)


def images_of(words: Words, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """(frames, H, W, 3) images of words of the pixel stream; `size` is (width, height)."""
    return unpack_pixels(words, size[1], size[0])
