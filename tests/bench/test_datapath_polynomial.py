"""`bench datapath` with an engine and random weights: 4-bit weights by products of polynomials beside their bound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwgen.bench.datapath import bench
from hwgen.spec import model as specs

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SPEC = """\
format_version: 1
description: 4-bit weights
frame: {width: 32, height: 4}
encoder:
  - {kernel: 4, stride: 2, padding: 1, channels: 4, activation: none, weight_bits: 4}
"""


def test_random_weights_by_products_of_polynomials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A layer alone, 4 MACs a DSP: 16 outputs a row take nine blocks where there are eight pairs."""
    path = tmp_path / "four.yaml"
    path.write_text(SPEC, encoding="utf-8")
    assert bench([path], synth=False, as_json=True, engine="polynomial", init=1, fps=150e6 / 144) == 0
    (found,) = json.loads(capsys.readouterr().out)["designs"]
    assert found["mismatches"] == 0
    macs = 16 * 3 * 4 * 16 * 2
    assert (found["macs_per_frame"], found["bound_dsp"]) == (macs, 4 * 220)
    assert found["frame_interval_cycles"] == found["predicted_interval_cycles"] == 2 * 9 * 8
    assert found["multipliers"] == 4 * 3 * 4


@pytest.mark.parametrize(("name", "bits"), [("w4a8", 8), ("w4a4", 4)])
def test_the_examples_are_of_the_bits_that_they_say(name: str, bits: int) -> None:
    """Every layer of both sides, but for what comes in and the picture."""
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    layers = [line for line in text.splitlines() if "kernel:" in line]
    assert all("weight_bits: 4" in line for line in layers)
    inner = [line for line in layers if "clamp" not in line]
    assert all((f"activation_bits: {bits}" in line) == (bits != 8) for line in inner)
    assert specs.load(EXAMPLES / f"{name}.yaml").name == name
