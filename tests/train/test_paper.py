"""The paper's network: its shape, its measurement and its run, on a handful of small images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hwgen.train import paper
from hwgen.train.paper import main, measure, paper_network


def images(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asarray(Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((32, 32)))
            for _ in range(count)]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split, count in (("train", 5), ("val", 3)):
        (tmp_path / "data" / split).mkdir(parents=True)
        for index, image in enumerate(images(count, count)):
            Image.fromarray(image).save(tmp_path / "data" / split / f"{index}.png")
    return tmp_path / "data"


def test_the_network_is_the_papers() -> None:
    network = paper_network()
    latent = network.encode(torch.zeros(1, 3, 32, 32))
    assert latent.numel() / 2 / (3 * 32 * 32) == 1 / 12
    assert [layer.get_submodule("conv").out_channels for layer in network.encoder] == [16, 32, 32, 32, 8]
    assert network.decode(latent).shape == (1, 3, 32, 32)


def test_measured_mean_and_its_error() -> None:
    network, some = paper_network(), images(6, 1)
    alone = [measure(network, [image], 300.0).mean for image in some]
    together = measure(network, some, 300.0)  # without noise nothing depends on the batch
    assert together.images == 6
    assert together.mean == pytest.approx(np.mean(alone), abs=1e-3)
    assert together.error == pytest.approx(np.std(alone, ddof=1) / math.sqrt(6), abs=1e-3)


def test_runs_goes_on_and_refuses(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("START_STEPS", "OWN_STEPS"):
        monkeypatch.setattr(paper, name, 2)
    out = tmp_path / "out"
    arguments = ["--data", str(data), "--out", str(out), "--snr", "7", "--snr", "2.5", "--device", "cpu"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "over the first 3 test images; the paper's figure: 25.85 dB, difference" in text
    assert [text.count(f"{snr} dB: PSNR") for snr in ("7", "2.5")] == [1, 1]
    before = {path.name: path.read_bytes() for path in out.glob("*.safetensors")}
    assert set(before) == {"start.safetensors", "snr7.safetensors", "snr2.5.safetensors"}
    assert main(arguments) == 0
    assert {path.name: path.read_bytes() for path in out.glob("*.safetensors")} == before
    assert capsys.readouterr().out == text, "measured again, each once"
    assert main([*arguments, "--snr", "9"]) == 2, "the common start saw 2.5 to 7 dB"
    told = capsys.readouterr().err
    assert "start.safetensors: snr_db: wanted [2.5, 9], the range of --snr" in told
    assert "got [2.5, 7.0]" in told
    (out / "snr7.safetensors").write_bytes(before["snr7.safetensors"][:100])
    assert main(arguments) == 2
    assert "snr7.safetensors: wanted" in capsys.readouterr().err


def test_a_models_seed_is_its_snrs() -> None:
    """Not its place's among those that are trained with it; the default SNRs have the first ones."""
    assert [paper.own_seed(snr) for snr in (7.0, 13.0, 1.0)] == [paper.SEED + 1, paper.SEED + 2, paper.SEED + 3]
    others = [paper.own_seed(snr) for snr in (-20.0, -3.0, 1.001, 4.0, 19.0, 60.0)]
    assert others == [1001, 18001, 22002, 25001, 40001, 81001]


@pytest.mark.parametrize("snr", ["nan", "inf", "-inf", "61", "-20.5", "loud"])
def test_an_snr_out_of_range_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], snr: str) -> None:
    assert main(["--data", "none", "--out", str(tmp_path), f"--snr={snr}"]) == 2
    assert f"error: --snr: wanted a number from -20 to 60, got '{snr}'" in capsys.readouterr().err
