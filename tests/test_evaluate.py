"""`hwgen evaluate`: the figures of the card and of `fit`, for what is there."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from support.train_samples import specification

from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.evaluate import evaluate, link_fps
from hwgen.fit import Fit, fit
from hwgen.spec.model import load
from hwgen.train import data
from hwgen.train.card import measure


def test_a_shipped_model(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = evaluate("tiny", "skimage", snrs_db=(10.0, 1.0, 10.0))
    assert list(found["networks"]) == ["float", "pruned", "quantised"] and found["images"] == 1
    spec = load("tiny")
    images = {split: data.load("skimage", split) for split in ("train", "val")}
    card = measure(spec, "qat", images["train"], images["val"], spec.folder, (10.0, 1.0))
    for power, qualities in card.qualities.items():
        points = found["networks"]["quantised"]["power"][power]
        assert points == [{"snr_db": snr_db} | asdict(quality) for snr_db, quality in qualities.items()]
    assert found["circuit"]["rx"] == fit(DesignOptions("tiny", "rx")).record()
    assert found["circuit"]["link_fps"] == min(found["circuit"][side]["fps"] for side in ("tx", "rx"))
    assert found["counts"]["tx"]["macs"] == 70848

    monkeypatch.setattr("hwgen.evaluate.evaluate", lambda *arguments: found)
    words = ["evaluate", "--model", "tiny", "--data", "skimage"]
    assert main(words) == 0
    table = capsys.readouterr().out
    assert "tiny: mean over 1 validation images" in table and "70,848" in table and "quantised" in table
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found))


def test_a_rate_of_a_link() -> None:
    sides = [Fit("b", "p", 1.0, None, 1, rate, {}, {}) for rate in (3.0, 2.0)]
    assert link_fps(sides) == 2.0
    assert link_fps([*sides, Fit("b", "p", 1.0, "dsp", None, None, {}, {})]) is None


def test_nothing_to_evaluate(tmp_path: Path) -> None:
    specification(tmp_path)
    with pytest.raises(HwgenError, match="wanted a checkpoint: float.safetensors, .* got none of them"):
        evaluate(tmp_path, "skimage")
    with pytest.raises(HwgenError, match="--frame: wanted width and height that are multiples of 4"):
        evaluate("tiny", "skimage", frame=(33, 32))
