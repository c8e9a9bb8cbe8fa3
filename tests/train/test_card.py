"""The card of a complex model over a fading channel, from a warm start."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.train_samples import branched

from hwgen.spec.model import Channel, load
from hwgen.train import phases
from hwgen.train.card import channel_text, schedule_section
from hwgen.train.checkpoint import write
from hwgen.train.evaluate import evaluate
from hwgen.train.network import pruned

SPEC = """
format_version: 1
description: test
frame: {width: 32, height: 32}
encoder:
  - {kernel: 5, stride: 2, channels: 6}
  - {kernel: 3, channels: 4, complex: true, activation: none, imag_weight_bits: 6, imag_activation_bits: 6}
decoder:
  - {kernel: 3, channels: 3, complex: true, weight_bits: 7, imag_weight_bits: 5}
  - {kernel: 4, stride: 2, channels: 3, activation: clamp}
pruning: {channels: {encoder: [4, 4], decoder: [2, 3]}}
channel: {kind: mimo2x2, snr_db: [0, 20]}
gain: {mode: GAIN}
data: {license: CC0, source: noise}
training:
  crop: 16
  batch: 2
  float: {steps: 4, lr: 0.001}
  finetune: {steps: 3, lr: 0.001}
  qat: {steps: 2, lr: 0.001}
"""


def photographs(folder: Path) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(3):
        corner = random.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(corner).resize((48, 32), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize("gain", ["static", "per_image"])
def test_card(tmp_path: Path, gain: str) -> None:
    torch.set_num_threads(1)
    (tmp_path / "spec.yaml").write_text(SPEC.replace("GAIN", gain))
    spec = load(tmp_path)
    torch.manual_seed(0)
    state = pruned(spec).state_dict()
    del state["decoder.0.conv.bias"]
    write(tmp_path / "start.safetensors", state, {"model": "other", "phase": "finetune"})
    phases.train(tmp_path, photographs(tmp_path / "images"), "cpu", start=tmp_path / "start.safetensors")
    card = (tmp_path / "CARD.md").read_text()
    way = "static" if gain == "static" else "per image"
    for text in (
        "- Encoder channels 6-4c, surviving 4-4c",
        "bits of real/imaginary weights and activations: encoder[1] 8/6 and 8/6, decoder[0] 7/5 and 8/8",
        "2x2 slow Rayleigh fading, SVD precoding, MMSE combining, SNR 0 to 20 dB",
        "it starts from other's finetune network (SHA-256 ",
        "layers encoder.0, encoder.1, decoder.1; fresh are decoder.0.",
        "Averages over 2 realisations of the channel for each image, drawn with seed 0",
        f"| quantised | {way} |",
        "| standard error of the PSNR in dB | power |",
        "- Not trained: dense float, dense control.",
    ):
        assert text in card, text
    assert ("A static gain gives" in card) == (gain == "static")
    assert not (tmp_path / "float.safetensors").exists()
    network = phases.trained(spec, "finetune", tmp_path).eval()
    images = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "images").glob("*.png"))]
    (quality,) = evaluate(network, images[:1], 2, (10.0,), draws=2).values()
    assert (quality.psnr, quality.ssim) == (quality.psnr, quality.ssim) and quality.psnr_error > 0


def test_a_kept_transmitter_in_words(tmp_path: Path) -> None:
    """Its own training is not in the table, and the control is compared with nothing."""
    torch.set_num_threads(1)
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("GAIN", "static"))
    data = photographs(tmp_path / "images")
    phases.train(tmp_path, data, "cpu")
    card = (tmp_path / "CARD.md").read_text()
    assert "The control saw 14 crops, the pruned network and its parent 14: as many." in card
    assert "The transmitter is that of" not in card
    for name in ("state/finetune", "state/qat", "state/control", "control"):
        (tmp_path / f"{name}.safetensors").unlink()
    kept = (tmp_path / "checkpoint.safetensors").rename(tmp_path / "kept.safetensors")
    path.write_text(path.read_text().replace("decoder: [2, 3]", "decoder: [3, 3]"))
    phases.train(tmp_path, data, "cpu", keep=kept)
    phases.train(tmp_path, data, "cpu", phase="control")
    phases.train(tmp_path, data, "cpu", phase="card")
    card = (tmp_path / "CARD.md").read_text()
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()[:16]
    for text in (
        f"The transmitter is that of an earlier checkpoint, {tmp_path.name}'s qat network (SHA-256 {digest}...), "
        "trained before with the receiver it had then; its own finetune and qat are not in the table. The receiver "
        "starts from that checkpoint's channels: decoder.0, decoder.1 as far as both have channels. finetune and qat "
        "trained the receiver alone.\n",
        "- The control saw 14 crops; the pruned network begins with weights that were trained before, on crops that "
        "are not counted here: no comparison at equal samples.",
    ):
        assert text in card, text
    assert "as many" not in card and "not made from a dense parent" not in card


def test_the_kept_transmitter_of_other_headers(tmp_path: Path) -> None:
    """Older ones of qat name no file; the two phases may have kept different ones, or one of them none."""
    (tmp_path / "spec.yaml").write_text(SPEC.replace("GAIN", "static"))
    spec = load(tmp_path)
    plan = {"steps": 1, "batch": 1, "crop": 16, "lr": 0.1, "seed": 1, "bfloat16": False}
    start = {"model": "m", "phase": "qat", "sha256": "1" * 64, "layers": ["encoder.0", "decoder.1"], "partly": []}
    finetune, qat = {"schedule": plan, "kept": "encoder", "start": start}, {"schedule": plan, "kept": "encoder"}
    one, two = "1" * 16 + "...", "2" * 16 + "..."
    channels = "The receiver starts from that checkpoint's channels: decoder.1 whole; decoder.0 fresh."
    for headers, wanted in (
        ({"finetune": finetune, "qat": qat}, (f"m's qat network (SHA-256 {one}), trained", channels)),
        ({"finetune": finetune, "qat": qat | {"kept_sha256": "2" * 64}}, (f"(SHA-256 {one}, then {two}), trained",)),
        ({"finetune": finetune, "qat": {"schedule": plan}}, ("alone. qat trained the transmitter too.",)),
        ({"finetune": {"schedule": plan}, "qat": qat}, ("(SHA-256 not recorded)", " qat trained the receiver alone.")),
        ({"finetune": {"schedule": plan, "start": start}, "qat": qat}, ("not recorded", "from a dense parent: it st")),
        ({"finetune": {"schedule": plan}, "qat": {"schedule": plan, "start": start | {"steps": 9}}},
         (f"went on from a quantised checkpoint (SHA-256 {one}), which had 9 steps of it before.",)),
    ):
        told = schedule_section(spec, headers)
        assert all(text in told for text in wanted), told


def test_a_branched_network(tmp_path: Path) -> None:
    """All phases, then a warm start of another one from its layers: the card names those that have weights."""
    torch.set_num_threads(1)
    spec, data = branched(tmp_path), photographs(tmp_path / "images")
    phases.train(spec.path, data, "cpu")
    card = (tmp_path / "CARD.md").read_text()
    parameters = (8 * 49 + 7 * 74 + 8 * 64 + 4 * 9, 6 * 49 + 5 * 56 + 6 * 46 + 4 * 7)
    for text in (
        "- Encoder channels 8-7-8-4, surviving 6-5-6-4\n- Decoder channels 48-5-12, surviving 48-3-12",
        "| encoder parameters | {:,} | {:,} |".format(*parameters),
        "| encoder MACs per 32x32 frame | 91,136 | 54,528 |",
        "| encoder: sum | add, output 8 bits | stem, branch | 8 | 6 | 0 |",
        "| decoder: add6 | add, clamp, output 8 bits | picture, detail | 3 | 3 | 0 |",
        "| quantised | static |",
        "- The control saw 14 crops, the pruned network and its parent 14: as many.",
    ):
        assert text in card, text
    assert len(pruned(spec).state_dict()) == len(phases.trained(spec, "control", tmp_path).state_dict())
    (tmp_path / "next").mkdir()
    text = spec.path.read_text().replace("decoder: [48, 3, 12]", "decoder: [48, 4, 12]")
    (tmp_path / "next/spec.yaml").write_text(text)
    phases.train(tmp_path / "next", data, "cpu", start=tmp_path / "finetune.safetensors")
    card = (tmp_path / "next/CARD.md").read_text()
    assert "layers encoder.0, encoder.1, encoder.2, encoder.4, decoder.0; fresh are decoder.3, decoder.4." in card


def test_every_snr_sees_the_same_fading(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("GAIN", "static"))
    network = pruned(load(tmp_path))
    image = [np.zeros((16, 16, 3), np.uint8)]
    both = evaluate(network, image, 2, (4.0, 10.0), with_ssim=False)
    alone = evaluate(network, image, 2, (10.0,), with_ssim=False)
    assert both[10.0] == alone[10.0] and both[4.0].psnr < both[10.0].psnr


def test_channels_in_words() -> None:
    assert channel_text(Channel()) == "AWGN"
    assert channel_text(Channel(kind="rayleigh", equaliser="zf")) == "slow Rayleigh fading, zero forcing"
    two = channel_text(Channel(kind="mimo2x2", scheme="alamouti"))
    assert two == "2x2 slow Rayleigh fading, Alamouti, MMSE combining"
    many = channel_text(Channel(kind="ofdm", equaliser="none"))
    assert many == "OFDM of 64 subcarriers over 4 Rayleigh taps, no equaliser"
