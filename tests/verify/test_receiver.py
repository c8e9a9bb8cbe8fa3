"""`hwgen verify --side rx` end to end, and transmitters with coefficients: proven as they are, wrong ones found."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.verification import asked, copied, emit_with_another_rule

from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.sim import design as designs
from hwgen.verify.command import verify
from hwgen.verify.run import Request, run_verification

SPEC = """
format_version: 1
description: an equaliser, a transposed layer and a plain one
frame: {width: 12, height: 8}
encoder:
  - {kernel: 3, stride: 2, channels: 3, activation: none}
decoder:
  - {kernel: 5, stride: 2, channels: 5, weight_bits: 6}
  - {kernel: 3, channels: 3, activation: clamp}
channel: {kind: rayleigh, snr_db: [0, 20]}
"""
SYMBOLS = (6 * 4 * 3 + 1) // 2
VALUES = SYMBOLS + 6 * 4 * 3 + 12 * 8 * (5 + 3) + 12 * 8
"""Values of all streams in one frame: equaliser, received, deconv0, deconv1, output."""


def made(folder: Path) -> Request:
    (folder / "spec.yaml").write_text(SPEC)
    options = DesignOptions(folder / "spec.yaml", "rx", fps=2000, init=1)
    emit(options, folder / "design", quiet=True)
    return Request(options, design=folder / "design", directed=0, waveform=False)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """The specification's receiver with random weights."""
    return made(tmp_path_factory.mktemp("small"))


def test_proven_and_as_predicted(small: Request, tmp_path: Path) -> None:
    report = run_verification(small, tmp_path)
    assert report.proven and report.first is None
    assert report.streams == ["equaliser", "received", "deconv0", "deconv1", "output"]
    assert report.values_compared == 3 * VALUES
    assert report.interval == report.design.prediction("frame_interval_cycles")
    assert report.latency == report.design.prediction("latency_cycles")
    assert report.psnr_db is None


@pytest.mark.parametrize(("stall", "seed", "frames"), [(0.1, 1, 3), (0.5, 2, 4), (0.95, 3, 2)])
def test_proven_with_stalls(small: Request, tmp_path: Path, stall: float, seed: int, frames: int) -> None:
    report = run_verification(replace(small, stall=stall, seed=seed, frames=frames), tmp_path)
    assert report.proven and report.values_compared == frames * VALUES
    assert report.interval is None and report.latency is None


def test_other_noise_is_proven_too(small: Request, tmp_path: Path) -> None:
    report = run_verification(replace(small, snr_db=-5.0, seed=9), tmp_path)
    assert report.proven and "--snr -5.0" in report.command and "--side rx" in report.command


def test_a_flipped_weight_bit_of_a_phase_names_its_layer(small: Request, tmp_path: Path) -> None:
    broken = copied(small, tmp_path)
    assert broken.design is not None
    file = broken.design / "hwgen_rx.v"
    text = file.read_text()
    memory = r"(module \\hwgen_rx\.deconv0\.mac\.weights0 .*?memory\w*\[7\] = \d+'h[0-9a-f]*)([0-9a-f])(;)"
    found = re.search(memory, text, flags=re.DOTALL)
    assert found is not None, "no weight memory in deconv0"
    file.write_text(f"{text[: found.start(2)]}{int(found[2], 16) ^ 1:x}{text[found.end(2) :]}")
    report = run_verification(broken, tmp_path / "run")
    assert report.first is not None
    assert (report.first.kind, report.first.stream) == ("value", "deconv0")
    assert report.edited == ("hwgen_rx.v",)


@pytest.mark.parametrize(
    ("file", "right", "wrong", "kind", "stream"),
    [
        (
            "rtl/polyphase_reader.py", "(self.next_column.place ^", "(self.next_row.place ^", {"value", "hang"},
            "deconv0",
        ),
        ("rtl/matrix_product.py", "bank.eq(bank ^ done)", "bank.eq(bank)", {"value"}, "equaliser"),
        ("rtl/pixels.py", "pixel.last.eq(last)", "pixel.last.eq(0)", {"tlast"}, "output"),
    ],
    ids=["column phase from the row", "one bank of coefficients", "no TLAST"],
)
def test_a_wrong_rule_in_a_copy_is_caught(
    small: Request, tmp_path: Path, file: str, right: str, wrong: str, kind: set[str], stream: str
) -> None:
    emit_with_another_rule(small, tmp_path, file, right, wrong)
    report = run_verification(replace(small, design=tmp_path / "design"), tmp_path / "run")
    assert report.first is not None
    assert report.first.kind in kind and report.first.stream == stream


def test_json_and_the_command_line(small: Request, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["verify", "--model", str(small.options.model), "--side", "rx", "--init", "random:1", "--design",
               str(small.design), "--channel", "rayleigh", "--snr", "3", "--json"]  # fmt: skip
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["mismatches"], found["values_compared"]) == (0, 3 * VALUES)
    assert found["frame_interval_cycles"] == found["predicted_interval_cycles"]
    assert verify(small) == 0
    printed = capsys.readouterr().out
    assert f"proven. {3 * VALUES:,} values of 5 streams in 3 frames of 12x8" in printed


def test_designs_that_are_refused(small: Request, tmp_path: Path) -> None:
    with pytest.raises(HwgenError, match=r"manifest.json: side: wanted tx \(--side\), got rx"):
        run_verification(asked(small, side="tx"), tmp_path / "run")
    with pytest.raises(HwgenError, match=r"streams: wanted \('received', .* as the model has, got \('equaliser', 32"):
        run_verification(asked(small, channel="awgn"), tmp_path / "run")
    with pytest.raises(HwgenError, match="--side: wanted tx or rx, got both"):
        run_verification(asked(small, side="both"), tmp_path / "run")
    with pytest.raises(HwgenError, match=f"input.beats: wanted {SYMBOLS}, got 35"):
        run_verification(copied(small, tmp_path / "a", input={"bits": 32, "beats": 35}), tmp_path / "run")
    with pytest.raises(HwgenError, match="coefficients.beats: wanted 1, got 0"):
        run_verification(copied(small, tmp_path / "b", coefficients=None), tmp_path / "run")


def test_a_transmitter_with_complex_layers_power_and_precoder(tmp_path: Path) -> None:
    """Coefficients at the other end; the channel is not the specification's."""
    (tmp_path / "spec.yaml").write_text(
        "format_version: 1\ndescription: complex\nframe: {width: 16, height: 8}\nencoder:\n"
        "  - {kernel: 3, stride: 2, channels: 4}\n"
        "  - {kernel: 1, channels: 3, activation: none, complex: true, imag_weight_bits: 6, imag_activation_bits: 6}\n"
        "gain: {mode: per_image}\n"
    )
    options = DesignOptions(tmp_path / "spec.yaml", init=1, fps=2000)
    base = Request(replace(options, channel="mimo2x2"), directed=0)
    report = run_verification(base, tmp_path)
    assert report.first is None and report.streams == ["conv0", "conv1", "power", "precoder", "output"]
    assert report.design.coefficient_beats == 4 and report.interval is not None
    assert "--channel mimo2x2" in report.command
    # Without --channel a folder is verified for the channel that it was emitted for.
    stalled = Request(options, stall=0.3, directed=0, design=designs.load(tmp_path / "design").folder)
    assert run_verification(stalled, tmp_path / "stalled").first is None
