"""`hwgen verify` end to end on a small specification: proven as it is, and wrong designs found and named."""

from __future__ import annotations

import errno
import json
import math
import re
import shutil
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.verification import edited, emit_with_another_rule

from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.sim import runner
from hwgen.sim.simulate import Settings
from hwgen.verify import reference as verify_reference, run as verify_module
from hwgen.verify.command import verify
from hwgen.verify.reference import Reference
from hwgen.verify.run import Request, run_verification

SPEC = """
format_version: 1
description: three small layers
frame: {width: 20, height: 12}
encoder:
  - {kernel: 3, stride: 2, channels: 3, activation: relu}
  - {kernel: 3, stride: 2, channels: 5, weight_bits: 4}
  - {kernel: 1, stride: 1, channels: 3, activation: none, weight_bits: 6}
channel: {kind: awgn, snr_db: [0, 20], power: 1.0}
data: {license: none, source: random}
"""
VALUES = 10 * 6 * 3 + 5 * 3 * (5 + 3 + 3) + (5 * 3 * 3 + 1) // 2
"""Values of all streams in one frame: conv0, conv1, conv2, gain, output."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """The specification above, emitted with random weights."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "spec.yaml").write_text(SPEC)
    options = DesignOptions(folder / "spec.yaml", fps=1000, init=1)
    emit(options, folder / "design", quiet=True)
    return Request(options, design=folder / "design", directed=0, waveform=False)


def flip_weight(request: Request, tmp_path: Path, layer: str) -> Request:
    """A copy whose `layer` has the lowest bit of its first stored weight flipped."""
    pattern = rf"(module \\hwgen_tx\.{layer}\.mac\.weights0 .*?memory\w*\[0\] = \d+'h[0-9a-f]*)([0-9a-f])(;)"
    assert request.design is not None
    text = (request.design / "hwgen_tx.v").read_text()
    found = re.search(pattern, text, flags=re.DOTALL)
    assert found is not None, f"no weight memory in {layer}"
    return edited(request, tmp_path, pattern, rf"\g<1>{int(found[2], 16) ^ 1:x}\g<3>")


def test_proven_and_as_predicted(small: Request, tmp_path: Path) -> None:
    report = run_verification(small, tmp_path)
    assert report.proven and report.first is None
    assert report.values_compared == 3 * VALUES
    assert report.interval == report.design.prediction("frame_interval_cycles")
    assert report.latency == report.design.prediction("latency_cycles")
    assert report.psnr_db is None


def test_directed_frames_follow_the_images_and_are_compared(
    small: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run_verification(replace(small, directed=1), tmp_path / "right")
    assert report.proven and (report.frames, report.directed) == (3, 1)
    assert report.values_compared == 3 * VALUES, "the images' alone"
    assert report.coverage["conv0"].values == 4 * 10 * 6 * 3
    assert report.interval == report.design.prediction("frame_interval_cycles")
    true = verify_module.add_directed

    def altered(setting: object, found: Reference, *rest: object) -> None:
        true(setting, found, *rest)  # type: ignore[arg-type]
        found.outputs[3]["conv1"] = found.outputs[3]["conv1"] + 1

    monkeypatch.setattr(verify_module, "add_directed", altered)
    report = run_verification(replace(small, directed=1), tmp_path / "wrong")
    assert report.first is not None and (report.first.stream, report.first.frame) == ("conv1", 3)


@pytest.mark.parametrize(("stall", "seed", "frames"), [(0.1, 1, 3), (0.5, 2, 4), (0.95, 3, 2)])
def test_proven_with_stalls(small: Request, tmp_path: Path, stall: float, seed: int, frames: int) -> None:
    report = run_verification(replace(small, stall=stall, seed=seed, frames=frames), tmp_path)
    assert report.proven
    assert report.values_compared == frames * VALUES
    assert report.interval is None and report.latency is None


def test_one_stalled_frame_is_followed_by_others_that_fill_the_design(small: Request, tmp_path: Path) -> None:
    report = run_verification(replace(small, stall=0.1, frames=1), tmp_path)
    assert report.proven and report.values_compared == VALUES


def test_one_and_two_frames_have_a_latency_but_no_interval(small: Request, tmp_path: Path) -> None:
    for frames in (1, 2):
        report = run_verification(replace(small, frames=frames), tmp_path / str(frames))
        assert report.proven and report.interval is None
        assert report.latency == report.design.prediction("latency_cycles")


@pytest.mark.parametrize("layer", ["conv0", "conv1", "conv2"])
def test_a_flipped_weight_bit_names_its_layer(small: Request, tmp_path: Path, layer: str) -> None:
    report = run_verification(flip_weight(small, tmp_path, layer), tmp_path / "run")
    assert not report.proven and report.mismatches > 0
    assert report.first is not None
    assert (report.first.kind, report.first.stream) == ("value", layer)
    assert re.match(rf"{layer}: frame \d, pixel \(x \d+, y \d+\), channel \d+: expected -?\d+, got -?\d+, cycle \d+ ",
                    report.first.message)  # fmt: skip
    assert report.edited == ("hwgen_tx.v",)


@pytest.mark.parametrize(
    ("file", "right", "wrong", "layer"),
    [
        ("rtl/round_saturate.py", " & (extended[: shift - 1].any() | quotient[0])", "", "conv0"),
        ("rtl/line_buffer.py", "s.stride * stored", "stored", "conv0"),
    ],
    ids=["rounds half up", "stride 1 instead of 2"],
)
def test_a_wrong_rule_in_a_copy_is_caught(
    small: Request, tmp_path: Path, file: str, right: str, wrong: str, layer: str
) -> None:
    emit_with_another_rule(small, tmp_path, file, right, wrong)
    report = run_verification(replace(small, design=tmp_path / "design"), tmp_path / "run")
    assert report.first is not None and report.first.kind in {"value", "hang"}
    assert report.first.stream == layer


def test_a_failure_leaves_waveform_command_and_junit(
    small: Request, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = flip_weight(small, tmp_path, "conv1")
    request = replace(broken, stall=0.2, seed=5, waveform=True)
    status = verify(request, out=tmp_path / "out", json=True, junit=tmp_path / "junit.xml")
    printed = json.loads(capsys.readouterr().out)
    assert status == 1 and printed["mismatches"] > 0 and printed["verdict"] == "differs"
    first = printed["first_mismatch"]
    assert first["stream"] == "conv1" and first["cycle"] > 0
    wave = Path(first["waveform"])
    times = [int(line[1:]) for line in wave.read_text().splitlines() if line.startswith("#")]
    assert times[-1] - times[0] <= 2 * sum(verify_module.WINDOW) + 20
    assert f"--design {tmp_path / 'design'}" in first["reproduce"]
    assert "--init random:1" in first["reproduce"] and "--stall 0.2 --seed 5" in first["reproduce"]
    failed = {
        case.get("name"): case[0].get("message")
        for case in xml.parse(tmp_path / "junit.xml").iter("testcase")
        if len(case)
    }
    assert failed["values of conv1"] == first["message"]
    assert "values of conv0" not in failed


def test_a_waveform_that_cannot_be_written_hides_no_difference(
    small: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate = verify_module.simulate

    def full(design: object, words: object, settings: Settings, *rest: object, **options: object) -> object:
        if settings.trace is not None:
            raise OSError(errno.ENOSPC, "No space left on device", "input.bin")
        return simulate(design, words, settings, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(verify_module, "simulate", full)
    report = run_verification(replace(flip_weight(small, tmp_path, "conv1"), waveform=True), tmp_path / "run")
    assert report.verdict == "differs" and report.waveform is None


def test_json_is_one_object_with_the_documented_keys(
    small: Request, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(small, json=True, junit=tmp_path / "a" / "junit.xml") == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == [
        "verdict", "error", "frames", "directed_frames", "values_compared", "mismatches", "first_mismatch",
        "frame_interval_cycles",
        "predicted_interval_cycles", "latency_cycles", "predicted_latency_cycles", "macs_per_frame", "multipliers",
        "dsp", "macs_per_cycle_per_dsp", "psnr_db", "coverage", "coverage_total",
    ]  # fmt: skip
    assert (printed["verdict"], printed["error"]) == ("proven", None)
    assert printed["mismatches"] == 0 and printed["first_mismatch"] is None and printed["psnr_db"] is None
    assert printed["macs_per_frame"] == 10 * 6 * 3 * 27 + 15 * 5 * 27 + 15 * 3 * 5
    suite = next(xml.parse(tmp_path / "a" / "junit.xml").iter("testsuite"))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0") and int(suite.get("tests", 0)) >= 5
    properties = {found.get("name"): found.get("value") for found in suite.iter("property")}
    assert properties["verdict"] == "proven" and properties["side"] == "tx" and properties["seed"] == "1"
    assert properties["latency_cycles"] == str(printed["latency_cycles"])


def test_no_error_at_all_is_json_still(
    small: Request, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A black image, received black: JSON has no infinity."""
    monkeypatch.setattr(verify_module, "received_psnr", lambda *arguments: math.inf)
    assert verify(small, json=True) == 0
    printed = capsys.readouterr().out
    assert "Infinity" not in printed and json.loads(printed)["psnr_db"] is None
    assert verify(small) == 0
    assert "no error at all at 10 dB SNR" in capsys.readouterr().out


def test_text_says_what_was_proven(small: Request, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(small) == 0
    printed = capsys.readouterr().out
    assert f"proven. {3 * VALUES:,} values of 5 streams in 3 frames of 20x12" in printed
    assert "cycles, as predicted" in printed
    assert "\nproven on 3 frames; " in printed


def test_images_of_the_user(small: Request, tmp_path: Path) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (50, 30, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    assert run_verification(replace(small, images=tmp_path / "photo.png", frames=2), tmp_path / "run").proven
    with pytest.raises(HwgenError, match="--images: wanted an image or a folder of images, got nothing at "):
        run_verification(replace(small, images=tmp_path / "none"), tmp_path / "run")


def test_a_graph_that_is_not_the_pytorch_model_is_found(
    small: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_run = verify_reference.run

    def wrong(*arguments: object) -> dict[str, np.ndarray]:
        values = dict(true_run(*arguments))  # type: ignore[arg-type]
        values["conv1"] = values["conv1"] + 1
        return values

    monkeypatch.setattr(verify_reference, "run", wrong)
    report = run_verification(small, tmp_path)
    assert report.first is not None
    assert (report.first.kind, report.first.stream) == ("model", "conv1")
    assert (
        "the integer graph differs from the PyTorch model: frame 0, pixel (x 0, y 0), channel 0"
        in report.first.message
    )


def test_a_difference_is_known_whatever_the_simulator_does(
    small: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    true_run = verify_reference.run

    def wrong(*arguments: object) -> dict[str, np.ndarray]:
        values = dict(true_run(*arguments))  # type: ignore[arg-type]
        values["conv1"] = values["conv1"] + 1
        return values

    def killed(*arguments: object, **options: object) -> None:
        raise runner.SimulationError("the simulator", "a run that comes to its end", "signal 9 (SIGKILL)")

    monkeypatch.setattr(verify_module, "simulate", killed)
    with pytest.raises(runner.SimulationError):
        run_verification(small, tmp_path / "none")
    monkeypatch.setattr(verify_reference, "run", wrong)
    assert verify(small, junit=tmp_path / "junit.xml") == 1
    said = capsys.readouterr().err
    assert "the integer graph differs from the PyTorch model" in said and "signal 9 (SIGKILL)" in said
    assert xml.parse(tmp_path / "junit.xml").getroot()[0].get("failures") == "1"


def test_frames_beyond_memory_are_refused_at_once(small: Request, tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match=r"^--frames: wanted at most \d+ of this size, \d+ bytes each, in"):
        run_verification(replace(small, frames=10_000_000), tmp_path)


def test_a_design_that_does_not_build_is_no_difference(small: Request, tmp_path: Path) -> None:
    broken = edited(small, tmp_path, r"endmodule", "nonsense endmodule")
    with pytest.raises(runner.SimulationError, match="the simulator's build: wanted Verilog that .* syntax error"):
        verify(broken, out=tmp_path / "out", junit=tmp_path / "junit.xml")
    assert not (tmp_path / "out").exists()
    (error,) = xml.parse(tmp_path / "junit.xml").iter("error")
    assert "syntax error" in error.get("message", "")


def test_designs_that_are_refused(small: Request, tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match="manifest.json: wanted the manifest of an emitted design, got No such file"):
        run_verification(replace(small, design=tmp_path), tmp_path / "run")
    (tmp_path / "manifest.json").write_text("[")
    with pytest.raises(HwgenError, match="manifest.json: wanted a JSON object, got Expecting value: line 1"):
        run_verification(replace(small, design=tmp_path), tmp_path / "run")
    assert small.design is not None
    manifest = json.loads((small.design / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"format_version": 2}))
    with pytest.raises(HwgenError, match="format_version: wanted 1, got 2"):
        run_verification(replace(small, design=tmp_path), tmp_path / "run")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"streams": [{"name": "conv0"}]}))
    with pytest.raises(HwgenError, match=r"manifest.json: streams\.0\.path: wanted this key, got nothing"):
        run_verification(replace(small, design=tmp_path), tmp_path / "run")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(HwgenError, match=r"manifest.json: sources: wanted files that are there, got no hwgen_tx\.v"):
        run_verification(replace(small, design=tmp_path), tmp_path / "run")
    (tmp_path / "hwgen_tx.v").write_text("")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"streams": manifest["streams"][:-1]}))
    with pytest.raises(HwgenError, match="streams: wanted 4 layers, got 3"):
        run_verification(replace(small, design=tmp_path), tmp_path / "run")
    manifest["streams"][0]["bits"] = 7
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(HwgenError, match=r"streams: wanted \('conv0', 8, .* as the model has, got \('conv0', 7"):
        run_verification(replace(small, design=tmp_path), tmp_path / "run")


def test_what_is_missing_on_the_machine_is_named(small: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        HwgenError, match=r"PATH: wanted g\+\+, make and perl to build the simulation, got no g\+\+, no make, no perl"
    ):
        verify(small)


def test_a_wrong_prediction_is_a_failure(small: Request, tmp_path: Path) -> None:
    assert small.design is not None
    design = tmp_path / "design"
    shutil.copytree(small.design, design)
    manifest = json.loads((design / "manifest.json").read_text())
    manifest["predicted"]["latency_cycles"] += 1
    (design / "manifest.json").write_text(json.dumps(manifest))
    report = run_verification(replace(small, design=design), tmp_path)
    latency = manifest["predicted"]["latency_cycles"]
    assert [finding.message for finding in report.findings] == [
        f"output: latency: predicted {latency} cycles, measured {latency - 1}"
    ]
    assert not report.proven
