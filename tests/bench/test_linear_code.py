"""`bench linear_code`: what it measures, its table and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hwgen.cli.main import main


def pictures(count: int, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    corners = [Image.fromarray(random.integers(0, 256, (3, 4, 3), dtype=np.uint8)) for _ in range(count)]
    return [np.asarray(corner.resize((40, 24), Image.Resampling.BICUBIC)) for corner in corners]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split, count in (("train", 6), ("val", 3)):
        (tmp_path / split).mkdir()
        for index, picture in enumerate(pictures(count, len(split))):
            Image.fromarray(picture).save(tmp_path / split / f"{index}.png")
    return tmp_path


def test_json(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "linear_code", "--data", str(data), "--block", "4", "--snr", "0", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["block"], found["ratio"], found["allocation"]) == (3, 4, "1/6", "quarter")
    assert found["channels"] == 16
    low, high = found["points"]
    assert (low["snr_db"], high["snr_db"]) == (0, 20)
    assert low["sent"] <= high["sent"]
    assert low["psnr_db"] < high["psnr_db"]


def test_table(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "linear_code", "--data", str(data), "--block", "8", "--allocation", "optimal"]) == 0
    text = capsys.readouterr().out
    assert "linear code of 8x8 blocks, k/n = 1/6, 3 images" in text
    assert "of 64" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ratio", "1/0"], "--ratio: wanted k/n, such as 1/6, got '1/0'"),
        (["--ratio", "1/7"], "a k/n that gives 1 to 768 real symbols for a block's 768 values, got 1536/7"),
        (["--ratio", "2/3"], "1 to 768 real symbols for a block's 768 values, got 1024"),
        (["--block", "32"], "train/0.png: wanted images of at least 32x32 (the linear code's block), got 40x24"),
    ],
)
def test_refusals(data: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "linear_code", "--data", str(data), *arguments]) == 2
    assert message in capsys.readouterr().err
