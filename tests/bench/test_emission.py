"""`bench emit`: what it measures of a run, boards that double, the table's ratios."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen import board
from hwgen.bench import emission
from hwgen.bench.emission import Measured, measure, write_board
from hwgen.cli.main import main
from hwgen.errors import HwgenError
from hwgen.spec import model as spec
from hwgen.spec.model import ModelSpec


def test_a_run_is_measured(tmp_path: Path) -> None:
    found = measure(spec.load("tiny"), board.load("pynq_z2").path, tmp_path, ["--frame", "16x8"])
    (out,) = tmp_path.iterdir()
    assert found.name == "5-7-4"
    assert found.multipliers == json.loads((out / "manifest.json").read_text())["predicted"]["multipliers"]
    assert found.weights == 9 * (3 * 5 + 5 * 7 + 7 * 4)
    assert found.verilog_mb == (out / "hwgen_tx.v").stat().st_size / 1e6
    assert found.cpu_seconds > 0
    assert found.seconds > 0
    assert 30 < found.peak_mb < 1000


def test_a_failure_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HwgenError, match=r"hwgen emit .*: wanted exit status 0, got error: .*no\.yaml"):
        measure(spec.load("tiny"), tmp_path / "no.yaml", tmp_path, [])
    assert capfd.readouterr() == ("", "")


def test_a_wrong_frame_is_told_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(emission, "measure", None)  # nothing is
    assert main(["bench", "emit", "--frame", "511x256"]) == 2
    error = "error: --frame: wanted width and height that are multiples of 4 (the encoder's strides), got 511x256\n"
    assert capsys.readouterr() == ("", error)


def test_boards_double(tmp_path: Path) -> None:
    small = board.load("pynq_z2")
    large = board.load(write_board(tmp_path, small, 4))
    assert large.resources.model_dump() == {k: 4 * v for k, v in small.resources.model_dump().items()}
    assert (large.name, large.family, large.clock_mhz, large.usable) == (
        "pynq_z2_times_4", small.family, small.clock_mhz, small.usable
    )  # fmt: skip


def test_the_encoder_doubles(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    runs = []

    def measured(model: ModelSpec, path: Path, folder: Path, options: list[str]) -> Measured:
        runs.append((model.encoder_channels, board.load(path).resources.dsp, options))
        n = len(runs)
        return Measured("-".join(map(str, model.encoder_channels)), 100 * n, 1000, 2.0 * n, 3.0, 150, 1.25)

    monkeypatch.setattr(emission, "measure", measured)
    assert main(["bench", "emit", "--frame", "32x16"]) == 0
    random = ["--init", "random:1", "--frame", "32x16"]
    assert runs == [
        ((20, 38, 40, 30, 16), 220, []),
        ((16, 32, 32, 32, 16), 220, random),
        ((23, 45, 45, 45, 23), 440, random),
        ((32, 64, 64, 64, 32), 880, random),
        ((45, 91, 91, 91, 45), 1760, random),
    ]
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "45-91-91-91-45" in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == ["45-91-91-91-45", "500 (2.5)", "1,000 (1.0)", "10.0 (2.5)", "3.0 (1.0)", "150 (1.0)", "1.25 (1.0)"]
