"""Designs by products of polynomials, from a specification to every value in the simulated Verilog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen.cli.main import main

SPEC = """\
format_version: 1
description: 4-bit weights
frame: {width: 16, height: 8}
encoder:
  - {kernel: 4, stride: 2, padding: 1, channels: 4, activation: relu, weight_bits: 4, activation_bits: 4}
  - {kernel: 3, channels: 5, activation: prelu, weight_bits: 4, activation_bits: 4}
  - {kernel: 3, channels: 4, activation: none, weight_bits: 4, activation_bits: 4}
decoder:
  - {kernel: 3, channels: 5, activation: relu, weight_bits: 4, activation_bits: 4}
  - {kernel: 5, stride: 2, channels: 3, activation: clamp, weight_bits: 4}
"""


@pytest.mark.parametrize(("side", "together"), [("tx", [2, 3, 3]), ("rx", [2, 3])])
def test_every_value_and_predicted_cycles(
    side: str, together: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """8 and 4 bits, strides of 1 and 2, a PReLU; transposed convolutions of both strides."""
    spec = tmp_path / "four.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    words = ["--model", str(spec), "--side", side, "--engine", "polynomial", "--init", "random:3"]
    assert main(["emit", *words, "--out", str(tmp_path / "design")]) == 0
    manifest = json.loads((tmp_path / "design" / "manifest.json").read_text())
    layers = [layer["taps_together"] for layer in manifest["predicted"]["layers"] if "pe" in layer]
    assert layers == together
    assert manifest["engine"] == "polynomial"
    capsys.readouterr()
    for stall in ("0", "0.3"):
        assert main(["verify", *words, "--design", str(tmp_path / "design"), "--stall", stall, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["verdict"], found["mismatches"]) == ("proven", 0)
        if stall == "0":
            assert found["frame_interval_cycles"] == found["predicted_interval_cycles"]
            assert found["latency_cycles"] == found["predicted_latency_cycles"]
