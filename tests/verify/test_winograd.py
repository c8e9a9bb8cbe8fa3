"""Designs by Winograd's products, from a specification to every value in the simulated Verilog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen.cli.main import main


@pytest.mark.parametrize("side", ["tx", "rx"])
def test_every_value_and_predicted_cycles(side: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Strides of 1 and 2 and a PReLU; transposed convolutions of both strides."""
    words = ["--model", "tiny", "--side", side, "--engine", "winograd", "--frame", "16x16"]
    assert main(["emit", *words, "--out", str(tmp_path / "design")]) == 0
    manifest = json.loads((tmp_path / "design" / "manifest.json").read_text())
    layers = [layer for layer in manifest["predicted"]["layers"] if "pe" in layer]
    assert {layer["form"] for layer in layers} == {"1-D"}
    assert all(layer["products"] < layer["macs"] for layer in layers)
    assert manifest["engine"] == "winograd"
    capsys.readouterr()
    assert main(["verify", *words, "--engine", "direct", "--design", str(tmp_path / "design")]) == 2
    assert "--engine: wanted winograd, as " in capsys.readouterr().err
    for stall in ("0", "0.3"):
        assert main(["verify", *words, "--design", str(tmp_path / "design"), "--stall", stall, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["verdict"], found["mismatches"]) == ("proven", 0)
        if stall == "0":
            assert found["frame_interval_cycles"] == found["predicted_interval_cycles"]
            assert found["latency_cycles"] == found["predicted_latency_cycles"]
