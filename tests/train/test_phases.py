"""Phases of a branched specification: the float network learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.train_samples import branched

from hwgen.train import phases
from hwgen.train.checkpoint import read


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(3):
        corner = random.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(corner).resize((48, 32), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


def test_a_branched_float_phase_learns(
    tmp_path: Path, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    spec = branched(tmp_path)
    spec.path.write_text(spec.path.read_text().replace("float: {steps: 4, lr: 0.001}", "float: {steps: 4, lr: 0.02}"))

    def psnr(steps: int) -> float:
        phases.train(spec.path, photographs, "cpu", tmp_path / str(steps), "float", steps)
        return float(capsys.readouterr().out.split("PSNR ")[1].split(" dB")[0])

    assert psnr(60) > psnr(1) + 3.0
    tensors, header = read(tmp_path / "60/float.safetensors")
    assert header["phase"] == "float" and "decoder.4.conv.weight" in tensors
