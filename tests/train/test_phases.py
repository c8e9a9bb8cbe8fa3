"""Phases of a branched specification: the float network learns."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.train_samples import branched

from hwgen.errors import HwgenError
from hwgen.spec.model import load
from hwgen.train import data as image_data, phases
from hwgen.train.channel import symbol_power
from hwgen.train.checkpoint import read
from hwgen.train.data import to_network
from hwgen.train.evaluate import batches
from hwgen.train.quantised import from_checkpoint


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
        return float(capsys.readouterr().out.split(" dB at 10 dB")[0].split()[-1])

    assert psnr(60) > psnr(1) + 3.0
    tensors, header = read(tmp_path / "60/float.safetensors")
    assert header["phase"] == "float" and "decoder.4.conv.weight" in tensors


LINEAR = """
format_version: 1
description: a start from the linear code
frame: {width: 32, height: 32}
encoder:
  - {kernel: 8, stride: 8, channels: 64, activation: none}
decoder:
  - {name: linear, kind: conv, kernel: 1, channels: 192, activation: clamp}
  - {name: picture, kind: depth_to_space, factor: 4}
  - {kind: conv, kernel: 3, channels: 6}
  - {name: correction, kind: conv, kernel: 3, channels: 12, activation: none}
  - {name: sum, kind: add, inputs: [picture, correction], activation: clamp}
  - {kind: depth_to_space, factor: 2}
pruning: {criterion: none}
channel: {snr_db: [0, 20]}
data: {license: CC0, source: noise}
training:
  crop: 16
  batch: 2
  start: linear_code
  power: average
  smoothing: 0.9
  float: {steps: 4, lr: 0.001, linear_lr: 0.0001}
  finetune: {steps: 3, lr: 0.001}
  qat: {steps: 2, lr: 0.001}
"""


def test_a_float_phase_starts_as_the_linear_code(
    tmp_path: Path, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Begins at its PSNR, writes its curve, and another range of SNRs starts from what it leaves."""
    torch.set_num_threads(1)
    path = tmp_path / "spec.yaml"
    path.write_text(LINEAR)
    out = tmp_path / "out"
    phases.train(path, photographs, "cpu", out, "float", snr_db=(9.0, 11.0))
    before, after = capsys.readouterr().out.splitlines()
    assert before.startswith("float: PSNR ") and before.endswith("on 1 validation images, before training")
    with (out / "state/float.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "4"]
    assert f"PSNR {float(rows[1]['psnr_10_db']):.2f} dB at 10 dB (linear code" in after
    tensors, header = read(out / "float.safetensors")
    assert header["schedule"]["snr_db"] == [9.0, 11.0]
    assert header["schedule"]["linear_lr"] == 0.0001
    assert tensors["latent_power"].item() == pytest.approx(1.0, rel=0.1)
    again = tmp_path / "again"
    phases.train(path, photographs, "cpu", again, "float", 1, start=out / "float.safetensors", snr_db=(1.0, 4.0))
    found = read(again / "float.safetensors")[1]["start"]
    assert found["phase"] == "float"
    assert found["layers"] == ["encoder.0", "decoder.0", "decoder.2", "decoder.3"]
    with (again / "state/float.csv").open(newline="") as file:
        assert file.readline().startswith("step,seconds,psnr_1_db,linear_1_db,psnr_4_db,linear_4_db,power")


def test_a_range_the_wrong_way_round(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(LINEAR)
    with pytest.raises(HwgenError, match="--snr: wanted the lower end first, got 11 9"):
        phases.train(path, tmp_path, "cpu", tmp_path, "float", snr_db=(11.0, 9.0))


def test_the_place_is_tried_before_the_work(tmp_path: Path) -> None:
    """No image is looked for yet."""
    path = tmp_path / "spec.yaml"
    path.write_text(LINEAR)
    (tmp_path / "file").touch()
    with pytest.raises(HwgenError, match="^--out: wanted a file that can be written, got .*file is no folder"):
        phases.train(path, tmp_path / "no data", "cpu", tmp_path / "file" / "out", "float")


def test_quantised_from_the_linear_code(
    tmp_path: Path, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The quantised network keeps one factor for all images; its power is measured on the training images."""
    torch.set_num_threads(1)
    path = tmp_path / "spec.yaml"
    path.write_text(LINEAR)
    (tmp_path / "graph.json").touch()
    for phase in ("float", "finetune", "qat"):
        assert "earlier checkpoint's" not in capsys.readouterr().err
        phases.train(path, photographs, "cpu", tmp_path, phase)
    assert f"note: {tmp_path}/graph.json is an earlier checkpoint's" in capsys.readouterr().err
    spec = load(path)
    network = from_checkpoint(spec, tmp_path / "checkpoint.safetensors")
    powers = [symbol_power(network.encode(batch)) for batch in batches(image_data.load(photographs, "train"), 8)]
    assert network.latent_power.item() == pytest.approx(torch.cat(powers).mean().item())
    images = to_network(image_data.load(photographs, "val"))
    symbols = network.transmit(torch.cat([images, images / 4]))
    assert symbol_power(symbols)[1] != symbol_power(symbols)[0], "dark images are sent with another power"
    network.train()
    before = network.latent_power.clone()
    network(images, torch.full((1,), 10.0), torch.Generator())
    moved = (network.latent_power - before) / (symbol_power(network.encode(images)).mean() - before)
    assert moved.item() == pytest.approx(0.001, rel=0.01), "a running average, as in the float network"


def test_a_quantised_network_goes_on_with_other_bits(tmp_path: Path, photographs: Path) -> None:
    """With --rescale its weights are taken and scales chosen anew; without, the scales stay."""
    torch.set_num_threads(1)
    for name, text in (("parent", LINEAR), ("child", LINEAR.replace("channels: 6}", "channels: 6, weight_bits: 4}"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.yaml").write_text(text)
    parent, child = tmp_path / "parent/spec.yaml", load(tmp_path / "child/spec.yaml")
    for phase in ("float", "finetune", "qat"):
        phases.train(parent, photographs, "cpu", tmp_path / "parent", phase)
    file = tmp_path / "parent/checkpoint.safetensors"
    network, begun = phases.quantised_start(child, file, rescale=True)
    tensors = read(file)[0]
    own = network.state_dict()
    assert begun["start"]["rescaled"] and begun["start"]["steps"] == 2
    assert all(torch.equal(own[name], tensors[name]) for name in own if name.endswith("conv.weight"))
    assert not bool(own["calibrated"])
    scale = "decoder.2.conv.weight_quant.tensor_quant.scaling_impl.value"
    assert not torch.equal(own[scale], tensors[scale]), "four bits fit other scales than eight"
    phases.train(child.path, photographs, "cpu", tmp_path / "child", "qat", 1, start=file, rescale=True)
    assert read(tmp_path / "child/checkpoint.safetensors")[1]["start"]["rescaled"]
    with pytest.raises(HwgenError, match="--rescale: wanted phase qat and --start, got no --start"):
        phases.train(child.path, photographs, "cpu", tmp_path / "child", "qat", rescale=True)
