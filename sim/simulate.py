"""One simulation run of a design: settings from the manifest, input words in, every stream's beats out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwgen.numerics.words import unpack_lanes
from hwgen.sim import design as designs, runner
from hwgen.sim.design import Design, Stream

STATUS = ("complete", "hang", "cycle limit", "end of the window")
CYCLES_MAX = 2**31 - 1
VIOLATIONS = ("", "the payload changed while the beat was not yet taken", "valid fell before the beat was taken")


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    stall : probability of an idle input cycle and of a stalled output cycle, 0 <= stall < 1.
    seed : of every random choice. frames : images sent, back to back.
    trace : (from, to) cycles of a waveform window; the run ends behind it.
    """

    frames: int
    stall: float = 0.0
    seed: int = 1
    trace: tuple[int, int] | None = None


@dataclass(frozen=True)
class Script:
    """An input stream beat by beat, in frames of any length: `words` (uint32) and `last` (bool), TLAST of each."""

    words: NDArray[np.uint32]
    last: NDArray[np.bool_]

    def faults(self, beats: int) -> tuple[int, int]:
        """Frames that TLAST ends with fewer beats than that, and with more."""
        return faults(self.last, beats)


@dataclass(frozen=True)
class Recorded:
    """The record of one stream: `values` (uint32, raw bits), `last` (bool) and `cycles` (int64) of every beat.

    stalled : cycles of valid without ready. valid, ready : at the end of the run.
    violation : index into VIOLATIONS of the first broken rule, 0 if none, at `violation_cycle`.
    """

    name: str
    values: NDArray[np.uint32]
    last: NDArray[np.bool_]
    cycles: NDArray[np.int64]
    stalled: int
    valid: bool
    ready: bool
    violation: int
    violation_cycle: int

    def faults(self, beats: int) -> tuple[int, int]:
        """Frames of an input that TLAST ended with fewer beats than that, and with more."""
        return faults(self.last, beats)


def faults(last: NDArray[np.bool_], beats: int) -> tuple[int, int]:
    """Frames that TLAST ends with fewer beats than that, and with more."""
    lengths = np.diff(np.flatnonzero(last), prepend=-1)
    return int((lengths < beats).sum()), int((lengths > beats).sum())


@dataclass(frozen=True)
class Broken:
    """A rule that a link broke first: index of the link, and into VIOLATIONS, and the cycle."""

    link: int
    violation: int
    cycle: int


@dataclass(frozen=True)
class Recording:
    """A finished run: `streams` are input, layers in dataflow order, output.

    coefficients : the second input stream, None where the design has none.
    frame_errors, error_cycles : what the design's counter of input faults said at the end, and in how many cycles
        `frame_error` was high; 0 of a design without.
    broken : links that broke a rule.
    """

    status: str
    cycles: int
    streams: tuple[Recorded, ...]
    seconds: float
    build_seconds: float
    waveform: Path | None = None
    coefficients: Recorded | None = None
    frame_errors: int = 0
    error_cycles: int = 0
    broken: tuple[Broken, ...] = ()

    @property
    def all(self) -> tuple[Recorded, ...]:
        """Every stream that was watched."""
        return self.streams if self.coefficients is None else (*self.streams, self.coefficients)


@dataclass(frozen=True)
class Simulator:
    """How the bench is built and run: as by `runner.build` and `runner.run`, which are cocotb's."""

    build: Callable[..., Path]
    run: Callable[[Path, Path, Mapping[str, int], int], Mapping[str, int]]


@dataclass(frozen=True)
class Patience:
    """Cycle counts of the harness that follow from a design: see harness.sv."""

    quiet: int
    patience: int
    tail: int
    limit: int


def patience(design: Design, settings: Settings) -> Patience:
    """Cycles for which nothing may move, from the predicted interval and the layer with the fewest pixels.

    A layer works for at most interval / pixels cycles on one pixel, so a design that moved nothing for four times
    as long is full or empty; fifty times as long is a hang.
    """
    interval = design.prediction("frame_interval_cycles")
    if not interval:
        return Patience(quiet=1000, patience=60_000, tail=2000, limit=CYCLES_MAX)
    pixels = min((stream.height * stream.width for stream in design.streams), default=1)
    quiet = 4 * -(-interval // pixels) + 256
    limit = int((settings.frames + 2) * interval * 10 / (1 - settings.stall)) + 1_000_000
    return Patience(quiet, 50 * quiet + 10_000, 2 * quiet, min(limit, CYCLES_MAX))


def interruption(design: Design, settings: Settings) -> int:
    """Cycles of traffic before the reset that a run with stalls begins with, 0 without stalls.

    Any number up to the end of the second frame, by the seed: the reset finds the first frame on its way in, or the
    design full of two.
    """
    if not settings.stall:
        return 0
    interval, latency = design.prediction("frame_interval_cycles"), design.prediction("latency_cycles")
    return 1 + _spread(_spread(settings.seed)) % int((interval or 1000) + (latency or 1000))


def simulate(
    design: Design,
    words: NDArray[np.uint32] | Script,
    settings: Settings,
    folder: Path,
    options: runner.BuildOptions,
    cache: Path | None = None,
    coefficients: NDArray[np.uint32] | Script | None = None,
    watch: bool = True,
    simulator: Simulator | None = None,
    profiles: NDArray[np.integer] | None = None,
) -> Recording:
    """Build (or reuse) the bench and run it in `folder`, made if needed.

    words : (frames, input_beats) uint32, what the input stream carries; or a script, which need not be of as many
        frames: settings.frames are those that come out.
    coefficients : (frames, coefficient_beats) uint32, what the second input stream carries, or a script; None where
        there is none.
    watch : record the layers' streams, too; without, they stay empty.
    cache : folder of all caches; None takes the user's.
    simulator : None takes cocotb's.
    profiles : of each frame that is sent, short and long ones too, what the input `profile` has at its first beat; at
        all others it has something else. None: 0 for all. Not looked at where the design has no such input.

    Raises runner.SimulationError.
    """
    _check("words", words, (settings.frames, design.input_beats))
    loads = (settings.frames, design.coefficient_beats) if design.coefficient_beats else None
    _check("coefficients", coefficients, loads)
    if not 0 <= settings.stall < 1:
        raise ValueError(f"stall: wanted 0 <= stall < 1, got {settings.stall}")
    folder.mkdir(parents=True, exist_ok=True)
    scripted = _write(folder, "input", words)
    _write_profiles(folder, design, words, profiles)
    scripted_coefficients = 0 if coefficients is None else _write(folder, "coefficients", coefficients)
    texts = {"probes.svh": designs.probes(design)}
    started = time.perf_counter()
    options = replace(options, trace=settings.trace is not None)
    simulator = simulator or Simulator(runner.build, runner.run)
    executable = simulator.build(design.sources, texts, designs.defines(design), options, cache)
    built = time.perf_counter()
    # What is dropped takes its time, too.
    lasts = max(settings.frames, -(-scripted // design.input_beats))
    times = patience(design, replace(settings, frames=lasts))
    values = {
        "seed": _spread(settings.seed),
        "stall": round(settings.stall * 65536),
        "frames": settings.frames,
        "input_beats": design.input_beats,
        "output_beats": design.output_beats,
        "coefficient_beats": design.coefficient_beats,
        "scripted": scripted,
        "scripted_coefficients": scripted_coefficients,
        "watch": int(watch),
        "quiet": times.quiet,
        "patience": times.patience,
        "interrupt": interruption(design, settings),
        "tail": times.tail,
        "limit": times.limit,
    }
    if settings.trace:
        values["trace_from"], values["trace_to"] = settings.trace
    result = simulator.run(executable, folder, values, settings.seed)
    ended = time.perf_counter()
    names = ["input", *(stream.name for stream in design.streams), "output", "coefficients"]
    recorded = _records(folder, names[: len(names) - (not design.coefficient_beats)])
    waveform = folder / "window.vcd"
    return Recording(
        status=STATUS[result["status"]],
        cycles=result["cycles"],
        streams=tuple(recorded[: len(names) - 1]),
        seconds=ended - built,
        build_seconds=built - started,
        waveform=waveform if settings.trace and waveform.is_file() else None,
        coefficients=recorded[-1] if design.coefficient_beats else None,
        frame_errors=result["frame_errors"],
        error_cycles=result["error_cycles"],
        broken=_broken(folder),
    )


def _check(key: str, given: NDArray[np.uint32] | Script | None, wanted: tuple[int, int] | None) -> None:
    """Check the shape of what a stream carries.

    Raises ValueError.
    """
    if isinstance(given, Script) and wanted is not None:
        if not 1 <= len(given.words) == len(given.last):
            raise ValueError(f"{key}: wanted a TLAST for each beat, got {len(given.last)} for {len(given.words)}")
        return
    shape = given.words.shape if isinstance(given, Script) else None if given is None else given.shape
    if shape != wanted:
        raise ValueError(f"{key}: wanted {wanted}, got {shape}")


def _write(folder: Path, name: str, given: NDArray[np.uint32] | Script) -> int:
    """Write what a stream carries for the recorder; returns the beats of a script, 0 where it is none."""
    lasts = folder / f"{name}_last.bin"
    lasts.unlink(missing_ok=True)
    if not isinstance(given, Script):
        given.astype("<u4").tofile(folder / f"{name}.bin")
        return 0
    given.words.astype("<u4").tofile(folder / f"{name}.bin")
    given.last.astype("u1").tofile(lasts)
    return len(given.words)


def _write_profiles(
    folder: Path, design: Design, words: NDArray[np.uint32] | Script, profiles: NDArray[np.integer] | None
) -> None:
    """Write what the input `profile` has beside each beat: other numbers than the frame's behind its first one."""
    file = folder / "profiles.bin"
    file.unlink(missing_ok=True)
    if not design.profile_bits:
        return
    if isinstance(words, Script):
        begins = np.concatenate([[True], words.last[:-1]])
    else:
        begins = np.arange(words.size) % words.shape[1] == 0
    frame = np.cumsum(begins) - 1
    count = int(frame[-1]) + 1
    of_frame = np.zeros(count, dtype=np.int64) if profiles is None else np.asarray(profiles, dtype=np.int64)
    if len(of_frame) != count:
        raise ValueError(f"profiles: wanted those of {count} frames, got {len(of_frame)}")
    numbers = 1 << design.profile_bits
    other = 1 + np.arange(len(frame)) % (numbers - 1)
    np.where(begins, of_frame[frame], (of_frame[frame] + other) % numbers).astype("u1").tofile(file)


def value_by_value(recorded: Recorded, stream: Stream) -> Recorded:
    """A recorded stream, values and cycles one for each value; what a pixel's last beat has too many is left out."""
    lane = np.arange(stream.lanes)
    values = unpack_lanes(recorded.values, stream.lanes, stream.bits)
    beat = np.arange(len(values)) % -(-stream.channels // stream.lanes)
    kept = beat[:, None] * stream.lanes + lane < stream.channels
    count = kept.sum(axis=1)
    return replace(recorded, values=values[kept], cycles=np.repeat(recorded.cycles, count))


def _records(folder: Path, names: list[str]) -> list[Recorded]:
    """Every stream's record. A run that came to its end wrote all of each: less is trouble of the disk."""
    try:
        lines = (folder / "streams.txt").read_text().splitlines()
        found = [_read(folder, line, names) for line in lines]
    except (OSError, ValueError, IndexError) as error:
        raise runner.SimulationError(str(folder), "a record of every stream", str(error)) from None
    if [recorded.name for recorded in found] != names:
        raise runner.SimulationError(str(folder), f"records of {len(names)} streams", f"of {len(found)}")
    return found


def _broken(folder: Path) -> tuple[Broken, ...]:
    try:
        lines = (folder / "links.txt").read_text().splitlines()
        return tuple(Broken(*map(int, line.split())) for line in lines)
    except (OSError, ValueError, TypeError) as error:
        raise runner.SimulationError(str(folder), "a record of the links", str(error)) from None


def _read(folder: Path, line: str, names: list[str]) -> Recorded:
    index, beats, stalled, valid, ready, violation, violation_cycle = (int(part) for part in line.split())
    file = folder / f"stream_{index}.rec"
    records = np.fromfile(file, dtype="<u8")
    if len(records) != beats:
        raise runner.SimulationError(str(file), f"{beats} beats", str(len(records)))
    return Recorded(
        name=names[index],
        values=(records & 0xFFFFFFFF).astype(np.uint32),
        last=(records >> 32 & 1).astype(bool),
        cycles=(records >> 33).astype(np.int64),
        stalled=stalled,
        valid=bool(valid),
        ready=bool(ready),
        violation=violation,
        violation_cycle=violation_cycle,
    )


def _spread(seed: int) -> int:
    """A 64-bit start for the harness's generators, never zero, far apart for neighbouring seeds (SplitMix64)."""
    mask = 2**64 - 1
    value = (seed + 0x9E3779B97F4A7C15) & mask
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & mask
    return (value ^ value >> 31) or 1
