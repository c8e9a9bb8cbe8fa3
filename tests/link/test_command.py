"""The link on its command line, with the integer graph in the Verilog's place."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.fake_link import FakeEnd

from hwgen.cli.main import main
from hwgen.images import load_images
from hwgen.link import command
from hwgen.link.sheet import CAPTION
from hwgen.metrics.psnr import psnr
from hwgen.sim import runner
from hwgen.sim.check import Finding
from hwgen.sim.frames import DesignError


def test_command_line(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    arguments = ["link", "--model", "tiny", "--snr", "10", "--frames", "2", "--out", str(out), "--seed", "3"]
    assert main([*arguments, "--json", "--csv", str(tmp_path / "a.csv"), "--waveform"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert found["frames"] == 2 and found["pixels_compared"] == 2048 and found["pixel_mismatches"] == 0
    assert found["psnr_rtl_db"] == found["psnr_model_db"] and found["nmse_db"] < -5 and found["evm_percent"] > 0
    assert (found["snr_db"], found["channel"], found["seed"]) == (10.0, "awgn", 3)
    assert json.loads((out / "results.json").read_text()) == found
    (row,) = csv.DictReader((tmp_path / "a.csv").read_text().splitlines())
    assert float(row["psnr_rtl_db"]) == found["psnr_rtl_db"] and row["model"] == "tiny"
    assert (out / "results.csv").read_text() == (tmp_path / "a.csv").read_text()
    names = {path.name for path in out.iterdir()}
    assert {"frame_000.png", "frame_001.png", "frame_000_10dB.png", "frame_001_10dB.png", "tx.vcd", "rx.vcd"} <= names
    sheet = np.asarray(Image.open(out / "sheet.png"))
    assert sheet.shape == (2 * (32 + CAPTION), 2 * 32, 3)
    assert (sheet[CAPTION : CAPTION + 32, :32] == load_images(None, 1, 32, 32)[0]).all()
    assert (sheet[CAPTION : CAPTION + 32, 32:] == np.asarray(Image.open(out / "frame_000_10dB.png"))).all()
    seen = np.asarray(Image.open(out / "frame_001_10dB.png"))
    assert psnr(load_images(None, 2, 32, 32)[1], seen) < 40
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "2,048 pixels and 256 symbols equal the PyTorch model's" in printed.out
    assert printed.err == ""


def test_a_folder_used_again_holds_the_last_run_alone(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["link", "--model", "tiny", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--snr", "10", "20", "--frames", "2", "--waveform"]) == 0
    assert main([*arguments, "--snr", "5", "--frames", "1"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frame_000.png", "frame_000_5dB.png", "results.csv", "results.json", "sheet.png",
    ]  # fmt: skip
    (tmp_path / "out" / "notes.txt").write_text("mine")
    capsys.readouterr()
    assert main([*arguments, "--snr", "5", "--frames", "1"]) == 2
    assert "one that link wrote, got " in capsys.readouterr().err
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_trouble_keeps_what_was_measured_and_a_signal_does_not(
    ends: dict[str, FakeEnd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FakeEnd.run
    trouble: list[BaseException] = [runner.SimulationError("the simulator", "an end", "signal 9 (SIGKILL)")]

    def second(end: FakeEnd, *rest: object) -> object:
        calls.append(end.side)
        if calls.count("rx") == 2:
            raise trouble[0]
        return run(end, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEnd, "run", second)
    arguments = ["link", "--model", "tiny", "--frames", "1", "--snr", "1", "10", "--out", str(tmp_path / "a" / "out")]
    calls: list[str] = []
    assert main(arguments) == 2
    assert [point["snr_db"] for point in [json.loads((tmp_path / "a" / "out" / "results.json").read_text())]] == [1.0]
    trouble[0], arguments[-1] = KeyboardInterrupt(), str(tmp_path / "b" / "out")
    calls.clear()
    assert main(arguments) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("calls_before", [0, 1])
def test_trouble_hides_no_difference(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    calls_before: int,
) -> None:  # fmt: skip
    """A transmitter that differs, and a disk that is full at the first or second SNR of the receiver."""
    run, calls = FakeEnd.run, 0

    def full(end: FakeEnd, *rest: object) -> object:
        nonlocal calls
        if end.side == "tx":
            words = run(end, *rest)  # type: ignore[arg-type]
            words[0, 0] ^= 1
            return words
        calls += 1
        if calls > calls_before:
            raise OSError(errno.ENOSPC, "No space left on device", "input.bin")
        return run(end, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEnd, "run", full)
    out = tmp_path / "out"
    arguments = ["link", "--model", "tiny", "--frames", "1", "--snr", "1", "10", "--out", str(out), "--json"]
    assert main(arguments) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "differs"
    assert found["first_mismatch"].startswith("tx: frame 0, symbol 0: expected ")
    assert out.exists() == (calls_before > 0)


def test_sweep_draws_the_curve(ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["link", "--model", "tiny", "--snr", "1", "10", "--snr", "19", "--frames", "2", "--simulate", "1"]
    arguments.append("--json")
    assert main([*arguments, "--out", str(tmp_path / "a")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["snr_db"] for point in found["points"]] == [1.0, 10.0, 19.0]
    assert found["pixels_compared"] == 3 * 1024 and found["frames"] == 1
    assert main([*arguments, "--out", str(tmp_path / "b")]) == 0
    for name in command.CURVES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert len(list(csv.DictReader((tmp_path / "a" / "results.csv").read_text().splitlines()))) == 3


def test_sweep_beside_a_digital_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A frame with room for a block: the chain for its SNR in the points, the fixed ones as curves of their own."""
    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(load_images(None, 1, 320, 192)[0]).save(images / "a.png")
    arguments = ["link", "--model", "tiny", "--frame", "320x192", "--images", str(images), "--frames", "1"]
    assert main([*arguments, "--simulate", "0", "--snr", "4", "10", "--json", "--out", str(tmp_path / "a")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["symbols_per_frame"] == 7680
    for point, speed in zip(found["points"], (1.176, 2.73), strict=True):
        bits, rate = {"QPSK": 2, "64-QAM": 6}[point["digital_scheme"].split()[0]], point["digital_scheme"].split()[1]
        assert bits * float(rate) == pytest.approx(speed, abs=0.01) and point["digital_lost"] <= 0.01
        for name in ("model", "float", "digital"):
            assert 0 < point[f"all_ms_ssim_{name}"] <= 1 and 0 < point[f"all_ssim_{name}"] <= 1
    (low, high) = found["points"]
    assert low["all_psnr_digital_db"] < high["all_psnr_digital_db"]
    made, late = found["digital_designs"]
    assert (late["made_for_snr_db"], [point["lost"] for point in late["points"]]) == (13.0, [1.0, 1.0])
    assert made["made_for_snr_db"] == 7.0
    assert [point["lost"] for point in made["points"] if point["snr_db"] in (4.0, 10.0)] == [1.0, 0.0]
    drawn = (tmp_path / "a" / "curve.svg").read_text()
    assert "LDPC, made for each SNR" in drawn and "made for 7 dB: 16-QAM 0.479" in drawn


def test_exit_status_1(
    ends: dict[str, FakeEnd], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends["wrong"]["rx"] = (0, 0, 0)  # type: ignore[index]
    assert main(["link", "--model", "tiny", "--frames", "1", "--json", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["pixel_mismatches"] == 1 and found["first_mismatch"] in printed.err
    assert found["verdict"] == "differs" and found["error"] is None
    assert printed.err.startswith("tiny: differs. rx: SNR 10 dB, frame 0, pixel (x 0, y 0): expected")

    def hang(*arguments: object) -> None:
        raise DesignError(Finding("hang", "output", "output: hang"), "rx")

    monkeypatch.setattr(FakeEnd, "run", hang)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["link", "--model", "tiny", "--frames", "1", "--json", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verdict"] == "differs" and "rx: output: hang" in printed.err

    assert sorted(path.name for path in tmp_path.iterdir()) == before

    def killed(*arguments: object) -> None:
        raise runner.SimulationError("the simulator", "a run that comes to its end", "signal 9 (SIGKILL)")

    monkeypatch.setattr(FakeEnd, "run", killed)
    assert main(["link", "--model", "tiny", "--frames", "1", "--json", "--out", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["verdict"] == "not run" and found["error"] in printed.err and "SIGKILL" in printed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "tiny", "--snr", "5", "5"], "--snr: wanted each SNR once, got 5 5"),
        (["--model", "tiny", "--snr", "x"], "--snr: wanted a number from -20 to 60, got 'x'"),
        (["--model", "tiny", "--frame", "30x32"], "--frame: wanted width and height that are multiples of 4"),
        (["--model", "tiny", "--channel", "ofdm", "--frame", "12x12"], "a multiple of 64 (channel ofdm), got 12x12"),
        (["--model", "tiny", "--board", "none"], "--board: wanted a path or one of"),
        (["--model", "tiny", "--csv", "nowhere/a.csv"], "--csv: wanted a file in a folder that is there"),
        (["--model", "tiny", "--images", "nowhere"], "--images: wanted an image or a folder of images"),
        (["--model", "none"], "none"),
    ],
)
def test_exit_status_2(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["link", *arguments, "--out", str(tmp_path / "out"), "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verdict"] == "not run"
    assert message in printed.err and printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
