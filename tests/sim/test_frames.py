"""The bench's second input stream, and frames through a design without a reference, on the toy receiver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import sim_toy

from hwgen.numerics.words import pack_coefficients, pack_pixels
from hwgen.sim import runner
from hwgen.sim.check import Verdict, check
from hwgen.sim.frames import DesignError, run_frames
from hwgen.sim.simulate import Script, Settings, simulate

OPTIONS = runner.BuildOptions()


def run(tmp_path: Path, defect: int, stall: float, seed: int = 1) -> Verdict:
    design = sim_toy.make_receiver(tmp_path / "design")
    words, coefficients = sim_toy.receiver_input()
    folder = prepare(tmp_path / "run", defect)
    settings = Settings(frames=len(words), stall=stall, seed=seed)
    recording = simulate(design, words, settings, folder, OPTIONS, coefficients=pack_coefficients(coefficients))
    if defect == 0:
        assert recording.coefficients is not None
        np.testing.assert_array_equal(recording.coefficients.values, pack_coefficients(coefficients)[:, 0])
        ends = np.arange(words.size) % sim_toy.WORDS == sim_toy.WORDS - 1
        np.testing.assert_array_equal(recording.streams[0].last, ends)
    expected = sim_toy.receiver_expected(words, coefficients)
    return check(design, recording, settings, expected, counted=len(words))


def prepare(folder: Path, defect: int) -> Path:
    folder.mkdir(parents=True)
    (folder / "defect.hex").write_text(f"{defect:02x}\n")
    return folder


def test_a_right_receiver_unstalled(tmp_path: Path) -> None:
    verdict = run(tmp_path, defect=0, stall=0)
    values = sim_toy.WIDTH * sim_toy.HEIGHT * 3
    assert verdict.findings == () and verdict.mismatches == 0
    assert verdict.values_compared == 3 * (values // 2 + values + values // 3)
    assert verdict.interval == values
    assert verdict.latency == values + 2  # one cycle each for equaliser and pixels; none for loading coefficients


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stall", [0.05, 0.3, 0.9])
def test_a_right_receiver_stalled(tmp_path: Path, stall: float, seed: int) -> None:
    assert run(tmp_path, defect=0, stall=stall, seed=seed).findings == ()


@pytest.mark.parametrize(
    ("defect", "kind", "stream", "words"),
    [
        (1, "value", "equaliser", ["equaliser: frame ", "symbol ", ": expected 0x", ", got 0x"]),
        (2, "value", "equaliser", ["equaliser: frame 1, symbol 0: expected 0x"]),
        (3, "hang", "input", ["96 of 144 input beats and 2 of 3 coefficient beats accepted",
                              "valid without ready: input, coefficients;"]),
        (4, "value", "received", ["received: frame 0, pixel (x 0, y 0), channel 0: expected "]),
        (5, "tlast", "output", ["misplaced TLAST in frame 0: at pixel 30 instead of 31"]),
    ],
)  # fmt: skip
def test_a_defect_is_named(tmp_path: Path, defect: int, kind: str, stream: str, words: list[str]) -> None:
    verdict = run(tmp_path, defect=defect, stall=0.3)
    first = verdict.first
    assert first is not None and verdict.mismatches > 0
    assert (first.kind, first.stream) == (kind, stream)
    for word in words:
        assert word in first.message


def test_a_wrong_pixel_is_one_place(tmp_path: Path) -> None:
    """The output's value is the whole pixel: six digits, no channel."""
    findings = {finding.stream: finding for finding in run(tmp_path, defect=4, stall=0).findings}
    assert findings["output"].message.startswith("output: frame 0, pixel (x 0, y 0): expected 0x")
    assert (findings["output"].x, findings["output"].y, findings["output"].channel) == (0, 0, None)
    assert ", got 0x" in findings["output"].message and len(findings["output"].message.split("0x")[1]) == 12


@pytest.mark.parametrize("stall", [0, 0.3])
def test_frames_and_streams(tmp_path: Path, stall: float) -> None:
    design = sim_toy.make_receiver(tmp_path / "design")
    words, coefficients = sim_toy.receiver_input(5)
    expected = sim_toy.receiver_expected(words, coefficients)
    found = run_frames(design, words, coefficients, prepare(tmp_path / "a", 0), stall=stall, seed=3)
    np.testing.assert_array_equal(found.output, expected["output"])
    np.testing.assert_array_equal(pack_pixels(found.pixels(design)), found.output)
    assert found.streams == {} and found.waveform is None
    assert (found.interval, found.latency) == ((96, 98) if stall == 0 else (None, None))
    found = run_frames(design, words, coefficients, prepare(tmp_path / "b", 0), stall=stall, seed=3, streams=True)
    assert list(found.streams) == ["equaliser", "received"]
    np.testing.assert_array_equal(found.streams["received"], expected["received"])
    np.testing.assert_array_equal(found.streams["equaliser"].reshape(3, -1), expected["equaliser"])


def test_frames_of_a_transmitter_and_their_waveform(tmp_path: Path) -> None:
    design = sim_toy.make(tmp_path / "design")
    pixels = sim_toy.images()
    found = run_frames(design, pack_pixels(pixels), folder=prepare(tmp_path / "run", 0), streams=True)
    expected = sim_toy.expected(pixels)
    for name, values in {**found.streams, "output": found.output}.items():
        np.testing.assert_array_equal(values, expected[name].reshape(values.shape))
    found = run_frames(design, pack_pixels(pixels), folder=prepare(tmp_path / "wave", 0), trace=(30, 60))
    assert found.waveform is not None and "conv0" in found.waveform.read_text()


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        (3, "hang: no beat on any stream since cycle "),
        (5, "output: misplaced TLAST in frame 0: at pixel 30 instead of 31"),
    ],
)
def test_frames_of_a_broken_receiver(tmp_path: Path, defect: int, message: str) -> None:
    design = sim_toy.make_receiver(tmp_path / "design")
    words, coefficients = sim_toy.receiver_input()
    with pytest.raises(DesignError, match=message):
        run_frames(design, words, coefficients, prepare(tmp_path / "run", defect))


@pytest.mark.parametrize(("defect", "message"), [(7, "output: 1 surplus beats after the last frame"),
                                                 (10, "output: the payload changed")])  # fmt: skip
def test_frames_of_a_broken_transmitter(tmp_path: Path, defect: int, message: str) -> None:
    design = sim_toy.make(tmp_path / "design")
    folder = prepare(tmp_path / "run", defect)
    with pytest.raises(DesignError, match=message):
        run_frames(design, pack_pixels(sim_toy.images()), folder=folder, stall=0.3)


def test_what_does_not_fit_the_design(tmp_path: Path) -> None:
    design = sim_toy.make_receiver(tmp_path / "design")
    words, coefficients = sim_toy.receiver_input()
    with pytest.raises(ValueError, match=r"coefficients: wanted \(3, 1\), got None"):
        run_frames(design, words)
    with pytest.raises(ValueError, match=r"coefficients: wanted \(3, 1\), got \(2, 1\)"):
        run_frames(design, words, coefficients[:2])
    with pytest.raises(ValueError, match=r"words: wanted \(3, 48\), got \(3, 47\)"):
        run_frames(design, words[:, 1:], coefficients)
    with pytest.raises(ValueError, match="values: wanted -32768..32767"):
        run_frames(design, words, coefficients + 40_000)
    toy = sim_toy.make(tmp_path / "toy")
    with pytest.raises(ValueError, match=r"coefficients: wanted None, got \(3, 1\)"):
        run_frames(toy, pack_pixels(sim_toy.images()), coefficients)


def test_a_script_has_frames_of_any_length(tmp_path: Path) -> None:
    """Each beat with its TLAST, as the script says; the toy counts its beats. Too short and too long is counted."""
    design = sim_toy.make_receiver(tmp_path / "design")
    (tmp_path / "defect.hex").write_text("00\n")
    words, coefficients = sim_toy.receiver_input(frames=2)
    last = np.zeros(words.size, dtype=bool)
    last[[0, 1, 60, words.size - 1]] = True  # frames of 1, 1, 59 and 35 beats, where a frame has 48
    sent = Script(words.reshape(-1), last)
    recording = simulate(
        design, sent, Settings(2, 0.3), tmp_path, OPTIONS, None, pack_coefficients(coefficients)
    )
    taken = recording.streams[0]
    assert np.array_equal(taken.values, sent.words) and np.array_equal(taken.last, last)
    assert taken.faults(design.input_beats) == (3, 1)
    expected = sim_toy.receiver_expected(words, coefficients)["output"]
    assert recording.streams[-1].values.tolist() == expected.reshape(-1).tolist()
    assert (recording.frame_errors, recording.error_cycles) == (0, 0)  # it counts none
    with pytest.raises(ValueError, match="words: wanted a TLAST for each beat, got 3 for 96"):
        simulate(design, Script(sent.words, last[:3]), Settings(2), tmp_path, OPTIONS)
