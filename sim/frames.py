"""Frames through a design, for whoever wants its output: no reference, and no layer's stream unless asked for.

The run is judged as far as that goes without knowing what is right: the count of beats, TLAST, the protocol, a hang.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwgen import process
from hwgen.numerics.words import pack_coefficients, signed_values, unpack_pixels
from hwgen.sim import runner
from hwgen.sim.check import Finding, cycle_counts, flaws
from hwgen.sim.design import Design
from hwgen.sim.simulate import Recording, Settings, simulate, value_by_value


class DesignError(Exception):
    """A design that hangs, breaks a rule of its streams, or does not end its frames where it should."""

    def __init__(self, finding: Finding, side: str) -> None:
        super().__init__(f"{side}: {finding.message}")
        self.finding = finding


@dataclass(frozen=True)
class Frames:
    """The output of a run.

    output : (frames, output_beats) uint32, the words as they are.
    streams : layer -> (frames, height, width, channels) int64; empty unless asked for.
    interval, latency : cycles; None where frames were stalled, or too few.
    """

    output: NDArray[np.uint32]
    streams: dict[str, NDArray[np.int64]]
    interval: int | None
    latency: int | None
    waveform: Path | None
    seconds: float
    build_seconds: float

    def pixels(self, design: Design) -> NDArray[np.uint8]:
        """(frames, H, W, 3) uint8 of a receiver's output."""
        return unpack_pixels(self.output, design.height, design.width)


def run_frames(
    design: Design,
    words: NDArray[np.uint32],
    coefficients: NDArray[np.integer] | None = None,
    folder: Path | None = None,
    stall: float = 0.0,
    seed: int = 1,
    streams: bool = False,
    trace: tuple[int, int] | None = None,
    cache: Path | None = None,
    profiles: NDArray[np.integer] | None = None,
) -> Frames:
    """Send frames through a design, back to back.

    Parameters
    ----------
    words : (frames, input_beats) uint32; of images `hwgen.numerics.words.pack_pixels` makes them
    coefficients : (frames, tables, rows, columns, 2) integers of 16 signed bits, real and imaginary part; None where
        the design takes none
    folder : where the run's files stay; None takes a temporary folder
    stall, seed : as `Settings`
    streams : return every layer's values, too; the simulator is the same one, but slower
    trace : (from, to) cycles of a waveform in `folder`. The run ends behind them, and what it gave until then is
        returned with zeros behind it
    cache : folder of all caches; None takes the user's
    profiles : of each frame; see `simulate`

    Raises
    ------
    DesignError : the design hangs, breaks the protocol, or its frames do not end where they should
    runner.SimulationError : the simulator cannot be built, or does not come to its end
    """
    with process.private_folder("hwgen_frames_") as spare:
        settings = Settings(frames=len(words), stall=stall, seed=seed, trace=trace)
        sent = None if coefficients is None else pack_coefficients(coefficients)
        recording = simulate(
            design, words, settings, folder or spare, runner.BuildOptions(), cache, sent, watch=streams,
            profiles=profiles,
        )
        if trace is None and (found := flaws(design, recording, settings)):
            raise DesignError(found[0], design.side)
    output = np.zeros(settings.frames * design.output_beats, dtype=np.uint32)
    came = recording.streams[-1].values[: len(output)]
    output[: len(came)] = came
    interval, latency = cycle_counts(recording) if stall == 0 else (None, None)
    return Frames(
        output=output.reshape(settings.frames, -1),
        streams=_values(design, recording, settings.frames) if streams and trace is None else {},
        interval=interval,
        latency=latency,
        waveform=recording.waveform if folder is not None else None,
        seconds=recording.seconds,
        build_seconds=recording.build_seconds,
    )


def _values(design: Design, recording: Recording, frames: int) -> dict[str, NDArray[np.int64]]:
    found = {}
    for stream, recorded in zip(design.streams, recording.streams[1:-1], strict=True):
        raw = value_by_value(recorded, stream).values
        values = signed_values(raw, stream.bits, stream.signed and not stream.symbols)
        if len(values) != frames * stream.values:
            text = f"{stream.name}: wanted {frames * stream.values} values, got {len(values)}"
            raise DesignError(Finding("missing", stream.name, text), design.side)
        found[stream.name] = values.reshape(frames, stream.height, stream.width, stream.channels)
    return found
