"""`bench semantic` on scenes of two classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.labelled import pack

from hwgen.cli.main import main
from hwgen.metrics.semantic import REFERENCE, esc
from hwgen.train import segmentation, segmentation_network
from hwgen.train.labelled import Labelled


@pytest.fixture
def scenes(tmp_path: Path) -> Labelled:
    """Bright sky above a dark road, in train.zip and val.zip of tmp_path."""
    images, labels = np.zeros((6, 32, 32, 3), np.uint8), np.zeros((6, 32, 32), np.uint8)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        horizon = 8 + 3 * index
        image[:horizon], image[horizon:] = (200, 210, 240), (60, 60, 60)
        label[horizon:] = 3
    for split in ("train", "val"):
        pack(tmp_path / f"{split}.zip", images, labels)
    return Labelled(images, labels)


def test_measured(
    scenes: Labelled, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = segmentation.train(scenes, 25, 1)
    monkeypatch.setattr(segmentation_network, "load", lambda: network)
    arguments = ["bench", "semantic", "--data", str(tmp_path), "--model", "tiny", "--snr", "0", "19"]
    assert main([*arguments, "--every", "2", "--cycles", "10240", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["frame"], found["model"]) == (3, "32x32", "tiny")
    assert found["costs"].keys() == found["references"].keys() == found["weights"].keys() == REFERENCE.keys()
    assert found["costs"]["cycles_per_pixel"] == 10.0 and sum(found["weights"].values()) == 1.0
    none, best = found["accuracy_mean_colour"], found["accuracy_float_noiseless"]
    assert none < best <= 1 and found["accuracy_originals"] > none
    for point in found["points"]:
        assert point["usc"] == min(max((point["accuracy"] - none) / (best - none), 0), 1)
        assert point["esc"] == esc(point["usc"], found["costs"])
        assert "digital_usc" not in point, "no block of a code fits so small a frame"
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "mean colour (Q0)" in printed and "weight_bits:" in printed and "cycles_per_pixel" not in printed


def test_trained_anew(scenes: Labelled, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "weights.safetensors"
    assert main(["bench", "semantic", "--data", str(tmp_path), "--train", str(out), "--steps", "3"]) == 0
    assert "3 steps: pixel accuracy 0." in capsys.readouterr().out
    first = out.read_bytes()
    assert main(["bench", "semantic", "--data", str(tmp_path), "--train", str(out), "--steps", "3"]) == 0
    assert out.read_bytes() == first
    segmentation_network.load(out)
