"""Every finding of `check`, on recordings made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import sim_toy

from hwgen.errors import HwgenError
from hwgen.numerics.words import pack_pixels, signed_values
from hwgen.sim import design as designs, junit
from hwgen.sim.check import Finding, Verdict, check, flaws
from hwgen.sim.design import Design, Link
from hwgen.sim.simulate import Broken, Recorded, Recording, Script, Settings, patience, simulate


def perfect(design: Design, frames: int = 3) -> Recording:
    """A recording of the toy without faults: a beat in every cycle, stalled once on every stream."""
    pixels = sim_toy.images(frames=frames)
    values = sim_toy.expected(pixels)
    streams = [stream("input", pack_pixels(pixels).reshape(-1), 0)]
    streams += [stream(name, values[name].reshape(-1), delay) for delay, name in ((1, "conv0"), (2, "gain"))]
    output = stream("output", values["output"].reshape(-1), 3)
    last = np.arange(len(output.values)) % design.output_beats == design.output_beats - 1
    return Recording("complete", 1000, (*streams, replace(output, last=last)), 0.1, 0.0)


def stream(name: str, values: np.ndarray, delay: int) -> Recorded:
    raw = (values.astype(np.int64) & (0xFF if name == "conv0" else 0xFFFF if name == "gain" else 0xFFFFFFFF)).astype(
        np.uint32
    )
    return Recorded(name, raw, np.zeros(len(raw), bool), np.arange(len(raw)) * 2 + delay, 1, False, True, 0, 0)


def changed(recording: Recording, index: int, **changes: object) -> Recording:
    streams = list(recording.streams)
    streams[index] = replace(streams[index], **changes)  # type: ignore[arg-type]
    return replace(recording, streams=tuple(streams))


def judge(design: Design, recording: Recording, stall: float = 0.5, frames: int = 3) -> Verdict:
    return check(design, recording, Settings(frames, stall), sim_toy.expected(sim_toy.images(frames=frames)), frames)


@pytest.fixture
def design(tmp_path: Path) -> Design:
    return sim_toy.make(tmp_path)


def test_nothing_to_find(design: Design) -> None:
    verdict = judge(design, perfect(design), stall=0)
    assert verdict.findings == () and verdict.mismatches == 0 and verdict.first is None
    assert verdict.values_compared == 3 * (96 + 96 + 48)
    assert verdict.interval == 48 * 2
    assert verdict.latency == 47 * 2 + 3


def test_one_wrong_value(design: Design) -> None:
    recording = perfect(design)
    values = recording.streams[1].values.copy()
    values[96 + 3 * 9 + 2] ^= 1
    verdict = judge(design, changed(recording, 1, values=values))
    (finding,) = verdict.findings
    assert verdict.mismatches == 1
    assert (finding.frame, finding.x, finding.y, finding.channel) == (1, 1, 1, 2)
    assert finding.cycle == (96 + 29) * 2 + 1
    assert finding.expected is not None and finding.got == finding.expected ^ 1
    assert finding.message.startswith("conv0: frame 1, pixel (x 1, y 1), channel 2: expected ")


def test_a_wrong_output_word_is_shown_in_hexadecimal(design: Design) -> None:
    recording = perfect(design)
    values = recording.streams[3].values.copy()
    values[50] ^= 0x10000
    (finding,) = judge(design, changed(recording, 3, values=values)).findings
    assert finding.message.startswith("output: frame 1, symbol 2: expected 0x") and finding.x is None


def test_several_values_per_beat(design: Design) -> None:
    """Two of conv0's three channels a beat: each value is compared once, in its beat's cycle; padding is not."""
    conv0 = replace(design.streams[0], lanes=2)
    design = replace(design, streams=(conv0, design.streams[1]))
    assert (conv0.values, conv0.beat_bits) == (96, 16)
    recording = perfect(design)
    pixels = recording.streams[1].values.reshape(-1, 3)
    padding = np.random.default_rng(0).integers(0, 256, len(pixels), dtype=np.uint32)
    beats = np.stack([pixels[:, 0] | pixels[:, 1] << 8, pixels[:, 2] | padding << 8], axis=1).reshape(-1)
    cycles = np.arange(len(beats)) * 2 + 1
    recording = changed(recording, 1, values=beats, cycles=cycles, last=np.zeros(len(beats), bool))
    verdict = judge(design, recording, stall=0)
    assert verdict.findings == () and verdict.values_compared == 3 * (96 + 96 + 48)

    wrong = beats.copy()
    wrong[64 + 3] ^= 0x0001  # frame 1, pixel 1, channel 2
    wrong[64 + 20] ^= 0x0100  # frame 1, pixel 10, channel 1
    verdict = judge(design, changed(recording, 1, values=wrong))
    (finding,) = verdict.findings
    assert verdict.mismatches == 2
    assert (finding.frame, finding.x, finding.y, finding.channel, finding.cycle) == (1, 1, 0, 2, 67 * 2 + 1)

    short = changed(recording, 1, values=beats[:-1], cycles=cycles[:-1])
    (finding,) = judge(design, short).findings
    assert finding.message.startswith("conv0: 1 values missing, the first at frame 2, pixel (x 7, y 3), channel 2;")
    longer = changed(recording, 1, values=np.append(beats, beats[:1]), cycles=np.append(cycles, 900))
    (finding,) = judge(design, longer).findings
    assert finding.message == "conv0: 2 surplus values after the last frame, the first in cycle 900"


def test_missing_and_surplus_values(design: Design) -> None:
    recording = perfect(design)
    gain = recording.streams[2]
    short = changed(recording, 2, values=gain.values[:-2], cycles=gain.cycles[:-2])
    verdict = judge(design, short)
    assert verdict.mismatches == 2
    assert verdict.findings[0].message == (
        "gain: 2 values missing, the first at frame 2, pixel (x 7, y 3), channel 1; the last beat came in cycle 572"
    )
    longer = changed(recording, 2, values=np.append(gain.values, gain.values[:1]), cycles=np.append(gain.cycles, 900))
    verdict = judge(design, longer)
    assert verdict.mismatches == 1
    assert verdict.findings[0].message == "gain: 1 surplus values after the last frame, the first in cycle 900"


def test_nothing_at_all_came(design: Design) -> None:
    empty = np.zeros(0, np.int64)
    recording = replace(perfect(design), status="hang")
    for index in (1, 2, 3):
        recording = changed(recording, index, values=empty.astype(np.uint32), cycles=empty, last=empty.astype(bool))
    verdict = judge(design, recording)
    assert verdict.first is not None and verdict.first.kind == "hang"
    assert verdict.mismatches == 3 * (96 + 96 + 48) + 1


@pytest.mark.parametrize(
    ("marks", "text"),
    [
        ({47: False}, "TLAST missing at the end of frame 0 (symbol 47)"),
        ({50: True}, "surplus TLAST in frame 1 at symbol 2"),
        ({143: False, 142: True}, "misplaced TLAST in frame 2: at symbol 46 instead of 47"),
    ],
)
def test_frame_ends(design: Design, marks: dict[int, bool], text: str) -> None:
    recording = perfect(design)
    last = recording.streams[3].last.copy()
    for beat, mark in marks.items():
        last[beat] = mark
    (finding,) = judge(design, changed(recording, 3, last=last)).findings
    assert finding.kind == "tlast" and text in finding.message


def test_the_ends_of_a_run(design: Design) -> None:
    recording = perfect(design)
    (finding,) = judge(design, replace(recording, status="cycle limit")).findings
    assert finding.message == "the frames did not end within 1000 cycles, many times what the manifest predicts"
    short = changed(recording, 0, values=recording.streams[0].values[:-1])
    (finding,) = judge(design, short).findings
    assert finding.message == "input: the design gave all its output but accepted only 95 of 96 input beats"


@pytest.mark.parametrize(("errors", "cycles"), [(1, 0), (0, 2), (3, 3)])
def test_faults_counted_in_whole_frames(design: Design, errors: int, cycles: int) -> None:
    verdict = judge(design, replace(perfect(design), frame_errors=errors, error_cycles=cycles))
    (finding,) = verdict.findings
    assert (finding.kind, finding.stream, verdict.mismatches) == ("framing", "input", 1)
    assert finding.message == (
        f"input: frame_errors is {errors} at the end, frame_error was high in {cycles} cycles,"
        " and all frames were whole"
    )


@pytest.mark.parametrize(("errors", "cycles", "right"), [(2, 2, True), (1, 2, False), (2, 1, False), (3, 3, False)])
def test_faults_that_are_sent_are_counted(design: Design, errors: int, cycles: int, right: bool) -> None:
    """A frame that is short and one that is long; beats that are dropped have to be taken, too."""
    recording, beats = perfect(design), design.input_beats
    last = np.zeros(3 * beats + 4, dtype=bool)
    last[[beats - 2, 2 * beats + 3, 3 * beats + 3]] = True
    sent = Script(np.zeros(len(last), dtype=np.uint32), last)
    taken = replace(recording.streams[0], values=sent.words)
    counted = replace(changed(recording, 0, values=taken.values), frame_errors=errors, error_cycles=cycles)
    wanted = sim_toy.expected(sim_toy.images(frames=3))
    verdict = check(design, counted, Settings(3, 0.5), wanted, 3, [sent])
    assert [finding.kind for finding in verdict.findings] == ([] if right else ["framing"])
    if not right:
        text = f"frame_errors is {errors} at the end, frame_error was high in {cycles} cycles, and 2 of the frames were"
        assert text in verdict.findings[0].message and verdict.findings[0].expected == 2
    few = replace(counted, streams=(recording.streams[0], *counted.streams[1:]))
    (found,) = [one for one in check(design, few, Settings(3, 0.5), wanted, 3, [sent]).findings if one.kind == "input"]
    assert f"accepted only {3 * beats} of {3 * beats + 4} input beats" in found.message


def test_a_broken_rule_between_two_layers(design: Design) -> None:
    """Behind the layer that it stands behind, before the wrong values of the next one."""
    linked = replace(design, links=(Link("a_o", "a.o", 24), Link("b_o__1", "b.o__1", 8, "conv0")))
    recording = replace(perfect(design), broken=(Broken(1, 2, 77), Broken(0, 1, 99)))
    verdict = judge(linked, recording)
    assert [(finding.kind, finding.stream, finding.cycle) for finding in verdict.findings] == [
        ("protocol", "a_o", 99), ("protocol", "b_o__1", 77),
    ]  # fmt: skip
    assert verdict.findings[1].message == "b_o__1: valid fell before the beat was taken, cycle 77"
    assert [finding.stream for finding in flaws(linked, recording, Settings(3, 0.5))] == ["a_o", "b_o__1"]


def test_a_stream_that_was_never_stalled(design: Design) -> None:
    recording = changed(changed(perfect(design), 0, stalled=0), 2, stalled=0)
    findings = judge(design, recording).findings
    assert [(finding.kind, finding.stream) for finding in findings] == [("stall", "input"), ("stall", "gain")]
    assert "gain: never valid without ready: the run's stalls did not reach this stream" in findings[1].message
    assert judge(design, recording, stall=0).findings == ()


def test_a_few_beats_need_not_meet_a_stall(design: Design) -> None:
    design = replace(design, coefficient_beats=2)
    few = replace(perfect(design), coefficients=replace(stream("coefficients", np.arange(6), 0), stalled=0))
    assert judge(design, few).findings == ()


def test_coefficients_are_a_stream_like_the_input(design: Design) -> None:
    design = replace(design, coefficient_beats=20)
    taken = replace(stream("coefficients", np.arange(60), 0), stalled=1)
    recording = replace(perfect(design), coefficients=taken)
    assert judge(design, recording).findings == ()
    (finding,) = judge(design, replace(recording, coefficients=replace(taken, stalled=0))).findings
    assert (finding.kind, finding.stream) == ("stall", "coefficients")
    (finding,) = judge(design, replace(recording, coefficients=replace(taken, values=taken.values[:59]))).findings
    assert (finding.kind, finding.stream) == ("input", "coefficients")
    text = "coefficients: the design gave all its output but accepted only 59 of 60 coefficient beats"
    assert finding.message == text
    broken = replace(taken, violation=1, violation_cycle=9)
    (finding,) = judge(design, replace(recording, coefficients=broken)).findings
    assert (finding.kind, finding.stream, finding.cycle) == ("protocol", "coefficients", 9)
    hanging = judge(design, replace(recording, status="hang", coefficients=replace(taken, valid=True, ready=False)))
    (finding,) = hanging.findings
    assert finding.stream == "output" and "valid without ready: coefficients;" in finding.message


def test_a_protocol_violation_comes_before_later_wrong_values(design: Design) -> None:
    recording = changed(
        perfect(design), 1, violation=2, violation_cycle=7, values=perfect(design).streams[1].values ^ 1
    )
    first = judge(design, recording).first
    assert first is not None and first.cycle == 1 and first.kind == "value"
    first = judge(design, changed(recording, 1, violation_cycle=1)).first
    assert first is not None and first.message == "conv0: valid fell before the beat was taken, cycle 1"


def test_two_frames_have_no_interval(design: Design) -> None:
    verdict = judge(design, perfect(design, frames=2), stall=0, frames=2)
    assert verdict.interval is None and verdict.latency == 97


def test_signed_and_unsigned_payloads() -> None:
    raw = np.array([0, 127, 128, 255], np.uint32)
    assert signed_values(raw, 8, True).tolist() == [0, 127, -128, -1]
    assert signed_values(raw, 8, False).tolist() == [0, 127, 128, 255]


def test_patience_follows_the_prediction(design: Design) -> None:
    slow = replace(design, predicted={"frame_interval_cycles": 32_000})
    assert patience(slow, Settings(3)).quiet == 4 * 1000 + 256
    assert patience(slow, Settings(3)).patience > patience(design, Settings(3)).patience
    assert patience(slow, Settings(3, stall=0.9)).limit > 5 * 32_000 * 10


def test_settings_that_make_no_sense(design: Design, tmp_path: Path) -> None:
    words = pack_pixels(sim_toy.images())
    from hwgen.sim.runner import BuildOptions

    with pytest.raises(ValueError, match=r"words: wanted \(2, 32\), got \(3, 32\)"):
        simulate(design, words, Settings(2), tmp_path, BuildOptions())
    with pytest.raises(ValueError, match="stall: wanted 0 <= stall < 1, got 1"):
        simulate(design, words, Settings(3, stall=1), tmp_path, BuildOptions())


def test_a_manifest_without_verilog(tmp_path: Path) -> None:
    sim_toy.make(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"hwgen_tx.v": ""', ""))
    with pytest.raises(HwgenError, match="files: wanted at least one Verilog file, got none"):
        designs.load(tmp_path)


def test_junit_puts_every_finding_somewhere(tmp_path: Path) -> None:
    findings = [Finding(kind, "conv0", f"about {kind}") for kind in ("value", "tlast", "hang", "stall", "other kind")]
    junit.write(tmp_path / "x.xml", [junit.Suite("suite", ["conv0", "output"], findings, 1.0)])
    text = (tmp_path / "x.xml").read_text()
    assert all(f"about {finding.kind}" in text for finding in findings)
    assert 'failures="4"' in text and 'errors="1"' in text, "stalls that reached too little are no difference"


@pytest.mark.parametrize(("edit", "where"), [
    (lambda m: m.update(format_version=True), "format_version"),
    (lambda m: m.update(format_version=1.0), "format_version"),
    (lambda m: m.update(top=5), "top"),
    (lambda m: m.update(top="a b"), "top"),
    (lambda m: m["frame"].update(width=-8), "frame.width"),
    (lambda m: m["input"].update(beats=1), "input.beats"),
    (lambda m: m["output"].update(beats=0), "output.beats"),
    (lambda m: m.update(side="rx"), "output.beats"),
    (lambda m: m.update(side="both"), "side"),
    (lambda m: m.update(coefficients={"bits": 32, "beats": 0}), "coefficients.beats"),
    (lambda m: m.update(coefficients={"bits": 16, "beats": 1}), "coefficients.bits"),
    (lambda m: m.update(predicted=[1]), "predicted"),
    (lambda m: m["predicted"].update(dsp="x"), "predicted.dsp"),
    (lambda m: m.update(files=["hwgen_tx.v"]), "files"),
    (lambda m: m.pop("streams"), "streams"),
    (lambda m: m["streams"][0].update(channels=2.0), "streams.0.channels"),
    (lambda m: m["streams"][0].update(bits=0), "streams.0.bits"),
    (lambda m: m["streams"][0].pop("lanes"), "streams.0.lanes"),
    (lambda m: m["streams"][0].update(lanes=0), "streams.0.lanes"),
    (lambda m: m["streams"][1].update(lanes=3), "streams.1.lanes"),
    (lambda m: m["streams"][0].update(path="x; y"), "streams.0.path"),
])  # fmt: skip
def test_a_manifest_that_is_none(edit: Any, where: str, tmp_path: Path) -> None:
    sim_toy.make(tmp_path)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    designs.load(tmp_path)
    edit(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(HwgenError) as caught:
        designs.load(tmp_path)
    assert caught.value.where == f"{path}: {where}"
    if where == "predicted.dsp":
        assert (caught.value.wanted, caught.value.got) == ("a valid integer", "'x'")
