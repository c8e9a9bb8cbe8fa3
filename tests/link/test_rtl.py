"""Whole links in Verilog, simulated: small random networks over every kind of channel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen.cli.main import main

SPEC = """
format_version: 1
description: two small layers on each side
frame: {width: 16, height: 8}
encoder:
  - {kernel: 3, stride: 2, channels: 5, activation: prelu}
  - {kernel: 3, stride: 1, channels: 4, activation: none, weight_bits: 4}
decoder:
  - {kernel: 3, stride: 1, channels: 3, activation: prelu}
  - {kernel: 3, stride: 2, channels: 3, activation: clamp}
channel: {kind: %s, snr_db: [0, 20], power: 1.0}
gain: {mode: %s}
data: {license: none, source: random}
"""
SYMBOLS = 8 * 4 * 4 // 2


CASES = {
    "awgn": ("awgn", "static", 0.3),
    "svd": ("mimo2x2", "per_image", 0.2),
    "alamouti": ("mimo2x2, scheme: alamouti, equaliser: zf", "static", 0.0),
    "ofdm": ("ofdm, subcarriers: 16", "static", 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_every_pixel_is_the_models(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    channel, gain, stall = CASES[case]
    (tmp_path / "spec.yaml").write_text(SPEC % (channel, gain))
    status = main([
        "link", "--model", str(tmp_path / "spec.yaml"), "--init", "random:4", "--fps", "1000", "--frames", "3",
        "--stall", str(stall), "--out", str(tmp_path / "out"), "--json", *(["--waveform"] if case == "awgn" else []),
    ])  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    assert status == 0 and found["first_mismatch"] is None
    assert (found["pixels_compared"], found["pixel_mismatches"]) == (3 * 128, 0)
    sent = 2 * SYMBOLS if case == "alamouti" else SYMBOLS
    assert (found["symbols_compared"], found["symbol_mismatches"]) == (3 * sent, 0)
    assert found["psnr_rtl_db"] == found["psnr_model_db"]
    if case == "awgn":
        for side in ("tx", "rx"):
            assert (tmp_path / "out" / f"{side}.vcd").read_text().startswith("$version")
