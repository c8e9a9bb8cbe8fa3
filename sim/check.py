"""Judges a recording: every value of every stream of every frame, the protocol, the frames' ends, the stalls.

All findings are collected; the first one in dataflow order is what a reader should look at first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwgen.numerics.words import signed_values
from hwgen.sim.design import Design, Stream
from hwgen.sim.simulate import VIOLATIONS, Recorded, Recording, Script, Settings, value_by_value

KINDS = (
    "value",
    "missing",
    "surplus",
    "protocol",
    "tlast",
    "hang",
    "limit",
    "input",
    "framing",
    "stall",
    "model",
    "prediction",
)
"""Kinds of findings. `stall`: the run did not test what it should. `model`: the integer graph differs from the PyTorch
model. `prediction`: measured cycles are not the manifest's. All others:
a wrong design."""

FEW_BEATS = 32
"""Fewest beats of a whole run with which a stream must have met a stall."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. What does not apply is None; x, y, channel count from 0."""

    kind: str
    stream: str
    message: str
    frame: int | None = None
    x: int | None = None
    y: int | None = None
    channel: int | None = None
    expected: int | None = None
    got: int | None = None
    cycle: int | None = None


@dataclass(frozen=True)
class Verdict:
    """The result of checking a recording.

    values_compared : values of the layers' streams and of the output, each once.
    mismatches : differing, missing and surplus values, plus every other finding but `stall`, which is no difference.
    interval, latency : cycles, None where too few frames ended (interval: three) or frames were stalled.
    """

    values_compared: int
    mismatches: int
    findings: tuple[Finding, ...]
    interval: int | None
    latency: int | None

    @property
    def first(self) -> Finding | None:
        """The finding to look at first: of the first stream in dataflow order with a wrong value or a broken protocol
        the earlier one, else the hang, else the first finding."""
        for kinds in ({"value", "protocol"}, {"hang"}, set(KINDS)):
            for finding in self.findings:
                if finding.kind in kinds:
                    return finding
        return None


def check(
    design: Design,
    recording: Recording,
    settings: Settings,
    expected: Mapping[str, NDArray[np.integer]],
    counted: int,
    sent: Sequence[Script | None] = (),
) -> Verdict:
    """Compare a recording with what was expected.

    expected : stream name -> (frames, height, width, channels) integers, and "output" -> (frames, beats) words.
    counted : only the first so many frames count in values_compared; all are compared.
    sent : the scripts of the inputs, the coefficients' behind, where frames were sent that TLAST does not end in time.
    """
    _, *layers, output = recording.streams
    findings = _links(design, recording, None)
    compared = mismatches = 0
    for stream, recorded in zip(design.streams, layers, strict=True):
        single = value_by_value(recorded, stream)
        got = signed_values(single.values, stream.bits, stream.signed and not stream.symbols)
        wanted = np.asarray(expected[stream.name], dtype=np.int64).reshape(settings.frames, -1)
        found, wrong = _values(stream, single, got, wanted)
        findings += sorted(_protocol(stream.name, recorded) + found, key=_cycle)
        findings += _links(design, recording, stream.name)
        mismatches += wrong
        compared += min(len(got), counted * stream.values)
    words = np.asarray(expected["output"], dtype=np.int64).reshape(settings.frames, -1)
    ends = _output(design)
    found, wrong = _values(ends, output, output.values.astype(np.int64), words)
    findings += sorted(_protocol("output", output) + found, key=_cycle)
    findings += _frame_ends(output, settings.frames, ends)
    if recording.coefficients is not None:
        findings += _protocol("coefficients", recording.coefficients)
    mismatches += wrong
    compared += min(len(output.values), counted * design.output_beats)
    scripts = [*sent, None, None]
    findings += _ending(design, recording, settings, scripts)
    findings += _framing(recording, _faults(design, scripts))
    if settings.stall > 0 and not findings:
        findings += _stalls(recording, {stream.name for stream in design.streams if stream.branch})
    mismatches += sum(1 for finding in findings if finding.kind not in {"value", "missing", "surplus", "stall"})
    interval, latency = cycle_counts(recording) if settings.stall == 0 else (None, None)
    return Verdict(compared, mismatches, tuple(findings), interval, latency)


def flaws(design: Design, recording: Recording, settings: Settings) -> list[Finding]:
    """Faults of a recording whatever its values should be: protocol, count of output beats, TLAST, a hang."""
    output = recording.streams[-1]
    findings = [finding for stream in recording.all for finding in _protocol(stream.name, stream)]
    for behind in (None, *(stream.name for stream in design.streams)):
        findings += _links(design, recording, behind)
    findings += _ending(design, recording, settings)
    due = settings.frames * design.output_beats
    if len(output.values) > due:
        text = f"output: {len(output.values) - due} surplus beats after the last frame"
        findings.append(Finding("surplus", "output", text, cycle=int(output.cycles[due])))
    return findings + _frame_ends(output, settings.frames, _output(design))


def cycle_counts(recording: Recording) -> tuple[int | None, int | None]:
    """Frame interval (between the last two TLASTs of at least three frames) and latency (first accepted input beat
    to the first TLAST), in cycles between the edges at which the beats were transferred."""
    first, output = recording.streams[0], recording.streams[-1]
    ends = output.cycles[output.last]
    interval = int(ends[-1] - ends[-2]) if len(ends) >= 3 else None
    latency = int(ends[0] - first.cycles[0]) if len(ends) and len(first.cycles) else None
    return interval, latency


def _output(design: Design) -> Stream:
    """The output as a stream with a single value to a beat: a whole symbol, or all of a pixel's colours."""
    symbols = design.side == "tx"
    height, width = (1, design.output_beats) if symbols else (design.height, design.width)
    return Stream("output", "", design.output_bits, False, 1, height, width, 1)


def _values(
    stream: Stream, recorded: Recorded, got: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[list[Finding], int]:
    """Findings and number of wrong values of one stream."""
    per_frame = wanted.shape[1]
    flat = wanted.reshape(-1)
    common = min(len(got), len(flat))
    wrong = np.flatnonzero(got[:common] != flat[:common])
    findings = []
    if len(wrong):
        findings.append(
            _finding(
                "value", stream, int(wrong[0]), per_frame, recorded, int(flat[wrong[0]]), int(got[wrong[0]]), len(wrong)
            )
        )
    if len(got) < len(flat):
        findings.append(
            _finding("missing", stream, len(got), per_frame, recorded, int(flat[len(got)]), None, len(flat) - len(got))
        )
    if len(got) > len(flat):
        findings.append(
            _finding("surplus", stream, len(flat), per_frame, recorded, None, int(got[len(flat)]), len(got) - len(flat))
        )
    return findings, len(wrong) + abs(len(flat) - len(got))


def _finding(
    kind: str,
    stream: Stream,
    index: int,
    per_frame: int,
    recorded: Recorded,
    expected: int | None,
    got: int | None,
    count: int,
) -> Finding:
    frame, position = divmod(index, per_frame)
    cycle = int(recorded.cycles[min(index, len(recorded.cycles) - 1)]) if len(recorded.cycles) else None
    x = y = channel = None
    beats = stream.name == "output"
    if stream.symbols:
        place = f"frame {frame}, symbol {position}"
    else:
        pixel, channel = divmod(position, stream.channels)
        y, x = divmod(pixel, stream.width)
        place = f"frame {frame}, pixel (x {x}, y {y})"
        if beats:
            channel = None
        else:
            place += f", channel {channel}"
    things = "beats" if beats else "values"
    if kind == "value":
        assert expected is not None and got is not None
        digits = stream.bits // 4
        values = f"expected {expected}, got {got}"
        if beats or stream.symbols:
            values = f"expected 0x{expected:0{digits}x}, got 0x{got:0{digits}x}"
        message = f"{recorded.name}: {place}: {values}, cycle {cycle} ({count} wrong)"
    elif kind == "missing":
        last = f"the last beat came in cycle {cycle}"
        message = f"{recorded.name}: {count} {things} missing, the first at {place}; {last}"
    else:
        message = f"{recorded.name}: {count} surplus {things} after the last frame, the first in cycle {cycle}"
    return Finding(kind, recorded.name, message, frame, x, y, channel, expected, got, cycle)


def _cycle(finding: Finding) -> int:
    return -1 if finding.cycle is None else finding.cycle


def _protocol(name: str, recorded: Recorded) -> list[Finding]:
    if not recorded.violation:
        return []
    rule, cycle = VIOLATIONS[recorded.violation], recorded.violation_cycle
    return [Finding("protocol", name, f"{name}: {rule}, cycle {cycle}", cycle=cycle)]


def _links(design: Design, recording: Recording, behind: str | None) -> list[Finding]:
    """Broken rules of the links behind a layer's stream; behind None: the input."""
    findings = []
    for broken in recording.broken:
        link = design.links[broken.link]
        if link.behind == behind:
            text = f"{link.name}: {VIOLATIONS[broken.violation]}, cycle {broken.cycle}"
            findings.append(Finding("protocol", link.name, text, cycle=broken.cycle))
    return findings


def _frame_ends(output: Recorded, frames: int, stream: Stream) -> list[Finding]:
    """TLAST: exactly on the last beat of every frame. One finding per frame at most."""
    findings = []
    beats, thing = stream.values, "symbol" if stream.symbols else "pixel"
    for frame in range(min(frames, -(-len(output.last) // beats))):
        marks = np.flatnonzero(output.last[frame * beats : (frame + 1) * beats])
        complete = len(output.last) >= (frame + 1) * beats
        right, stray = (beats - 1) in marks, [int(mark) for mark in marks if mark != beats - 1]
        if (right or not complete) and not stray:
            continue
        at = stray[0] if stray else beats - 1
        cycle = int(output.cycles[frame * beats + at])
        if not stray:
            text = f"TLAST missing at the end of frame {frame} ({thing} {beats - 1})"
        elif right or not complete:
            text = f"surplus TLAST in frame {frame} at {thing} {at}"
        else:
            text = f"misplaced TLAST in frame {frame}: at {thing} {at} instead of {beats - 1}"
        findings.append(Finding("tlast", "output", f"output: {text}, cycle {cycle}", frame=frame, cycle=cycle))
    return findings


def _ending(
    design: Design, recording: Recording, settings: Settings, sent: Sequence[Script | None] = (None, None)
) -> list[Finding]:
    def whole(script: Script | None, beats: int) -> int:
        return settings.frames * beats if script is None else len(script.words)

    inputs = [("input", recording.streams[0], whole(sent[0], design.input_beats))]
    if recording.coefficients is not None:
        inputs.append(("coefficient", recording.coefficients, whole(sent[1], design.coefficient_beats)))
    taken = " and ".join(f"{len(stream.values)} of {due} {what} beats" for what, stream, due in inputs)
    cycle = recording.cycles
    if recording.status == "hang":
        stuck = [s.name for s in recording.all if s.valid and not s.ready]
        starved = [s.name for s in recording.all if s.ready and not s.valid]
        last = max((int(s.cycles[-1]) for s in recording.all if len(s.cycles)), default=0)
        text = (
            f"hang: no beat on any stream since cycle {last} (watched until {cycle}); {taken}"
            f" accepted; valid without ready: {', '.join(stuck) or 'none'};"
            f" ready without valid: {', '.join(starved) or 'none'}"
        )
        named = [name for name in stuck or starved if name != "coefficients"]  # they run ahead of every hang
        return [Finding("hang", (named or ["output"])[-1], text, cycle=last)]
    if recording.status == "cycle limit":
        text = f"the frames did not end within {cycle} cycles, many times what the manifest predicts"
        return [Finding("limit", "output", text, cycle=cycle)]
    if recording.status == "complete":
        for what, stream, due in inputs:
            if len(stream.values) < due:
                few = f"accepted only {len(stream.values)} of {due} {what} beats"
                text = f"{stream.name}: the design gave all its output but {few}"
                return [Finding("input", stream.name, text, cycle=cycle)]
    return []


def _faults(design: Design, sent: Sequence[Script | None]) -> tuple[int, ...]:
    """Numbers of frames, for each input, that TLAST does not end where it should."""
    lengths = design.input_beats, design.coefficient_beats
    return tuple(sum(script.faults(beats)) for script, beats in zip(sent, lengths, strict=False) if script is not None)


def _framing(recording: Recording, due: Sequence[int]) -> list[Finding]:
    """Faults of the inputs' frames that the design should have counted, each once, and those that it has.

    `frame_error` is high for one cycle a fault; faults of two inputs may share one.
    """
    number, least = sum(due), max(due, default=0)
    if recording.frame_errors == number and least <= recording.error_cycles <= number:
        return []
    were = "all frames were whole" if not number else f"{number} of the frames were too short or too long"
    text = (
        f"input: frame_errors is {recording.frame_errors} at the end, frame_error was high in"
        f" {recording.error_cycles} cycles, and {were}"
    )
    return [Finding("framing", "input", text, expected=number, got=recording.frame_errors)]


def _stalls(recording: Recording, branches: Collection[str] = ()) -> list[Finding]:
    """Back-pressure must have reached every stream and the input, else the stalls have proven nothing.

    Streams of a few beats are excused: none of them may happen to meet a stall. So are those of `branches`: where the
    fork before them is held up by the other way, they starve and never stall.
    """
    return [
        Finding(
            "stall",
            stream.name,
            f"{stream.name}: never valid without ready: the run's stalls did not reach this stream;"
            " verify more frames, or with another seed",
        )
        for stream in recording.all
        if stream.stalled == 0 and len(stream.cycles) >= FEW_BEATS and stream.name not in branches
    ]
