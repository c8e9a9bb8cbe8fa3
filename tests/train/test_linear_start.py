"""Networks that start as the linear code: the same pictures, whatever their layers are called; what has none in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hwgen.errors import HwgenError
from hwgen.linear_code import Components, LinearCode, linear_code
from hwgen.spec.model import ModelSpec, load
from hwgen.train.data import to_network
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.linear_start import components, find, parameters, start
from hwgen.train.network import dense

PATCHES = """
  - {name: latent, kernel: 8, stride: 8, channels: 64, activation: none}"""
CORRECTED = """
  - {name: values, kind: space_to_depth, factor: 4}
  - {name: matrix, kernel: 2, stride: 2, channels: 64, activation: none}
  - {name: seen, kernel: 3, channels: 5, inputs: [values]}
  - {name: more, kernel: 2, stride: 2, channels: 64, activation: none}
  - {kind: add, inputs: [matrix, more]}"""
LAPPED = """
  - {kind: space_to_depth, factor: 2}
  - {kind: space_to_depth, factor: 4}
  - {kernel: 3, channels: 64, activation: none}"""
SUM = """
  - {name: linear, kind: conv, kernel: 1, channels: 192, activation: clamp}
  - {name: picture, kind: depth_to_space, factor: 4}
  - {kind: conv, kernel: 3, channels: 6}
  - {name: correction, kind: conv, kernel: 3, channels: 12, activation: none}
  - {name: sum, kind: add, inputs: [correction, picture], activation: clamp}
  - {kind: depth_to_space, factor: 2}"""
ALONE = """
  - {kind: conv, kernel: 3, channels: 192, activation: clamp}
  - {kind: depth_to_space, factor: 8}"""


def specification(folder: Path, encoder: str = PATCHES, decoder: str = SUM) -> ModelSpec:
    path = folder / "spec.yaml"
    path.write_text(f"""
format_version: 1
description: starts as the linear code
frame: {{width: 32, height: 32}}
encoder:{encoder}
decoder:{decoder}
pruning: {{criterion: none}}
channel: {{kind: awgn, snr_db: [8, 12], power: 2.0}}
data: {{license: CC0, source: noise}}
training:
  crop: 16
  batch: 2
  start: linear_code
  power: average
  float: {{steps: 4, lr: 0.001, linear_lr: 0.0001}}
  finetune: {{steps: 3, lr: 0.001}}
  qat: {{steps: 2, lr: 0.001}}
""")
    return load(path)


def smooth(count: int = 5) -> list[np.ndarray]:
    """Random walks in both directions: neighbouring pixels are alike."""
    random = np.random.default_rng(0)
    walks = random.normal(size=(count, 32, 48, 3)).cumsum(1).cumsum(2)
    return list(np.clip(128 + 3 * walks, 0, 255).astype(np.uint8))


def started(spec: ModelSpec) -> tuple[DeepJSCC, Components, LinearCode]:
    torch.manual_seed(3)
    network, found = dense(spec), components(spec, smooth())
    return network, found, start(network, found, 10.0)


def symbols_of(latent: Tensor) -> np.ndarray:
    """(1, K, h, w) -> (h, w, K)."""
    return latent[0].permute(1, 2, 0).detach().numpy()


@pytest.mark.parametrize("decoder", [SUM, ALONE])
@pytest.mark.parametrize("encoder", [PATCHES, CORRECTED, LAPPED])
def test_a_started_network_is_the_linear_code(tmp_path: Path, encoder: str, decoder: str) -> None:
    """Symbols to the rounding of float64, and every pixel of what is received, over noise too."""
    network, found, code = started(specification(tmp_path, encoder, decoder))
    network.double().eval()
    noise = np.random.default_rng(1)
    for image in smooth():
        sent = code.transmit(image)
        latent = network.encoder(to_network([image]).double())
        assert symbols_of(latent) == pytest.approx(sent, abs=1e-6), "weights are float32"
        received = sent + noise.normal(size=sent.shape) * 0.3
        values = network.decoder(torch.from_numpy(received).permute(2, 0, 1)[None])
        seen = (values[0].permute(1, 2, 0) * 256).round().clamp(0, 255).detach().numpy()
        wanted = code.receive(received)
        assert np.abs(seen - wanted).max() <= 1, "ties, for weights are float32"
        assert np.mean(seen != wanted) < 1e-3


def test_the_code_is_the_best_one_for_the_snr_and_the_power(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    network, found, code = started(spec)
    wanted = linear_code(found, 64, 10.0, 2.0, "optimal", rotated=True)
    assert np.array_equal(code.transmitter, wanted.transmitter)
    assert network.latent_power == 2.0
    powers = [2 * np.square(code.transmit(image)).mean() for image in smooth()]
    assert np.mean(powers) == pytest.approx(2.0, rel=0.01)


def test_what_is_beside_the_code_adds_nothing_but_learns(tmp_path: Path) -> None:
    network, _, _ = started(specification(tmp_path, CORRECTED))
    for name in ("encoder.3", "decoder.3"):
        assert not any(parameter.any() for parameter in network.get_submodule(f"{name}.conv").parameters())
    assert network.get_submodule("encoder.2.conv").get_parameter("weight").any()
    network(to_network(smooth())[..., :32], torch.full((5,), 10.0), torch.Generator()).sum().backward()
    for name in ("encoder.3", "decoder.3", "encoder.1", "decoder.0"):
        gradient = network.get_submodule(f"{name}.conv").get_parameter("weight").grad
        assert gradient is not None and gradient.any()


@pytest.mark.parametrize("end", ["batch_norm: true", "groups: 64"])
def test_normalised_and_grouped_layers_beside_the_code_learn_too(tmp_path: Path, end: str) -> None:
    encoder = CORRECTED.replace("name: more, kernel: 2, stride: 2, channels: 64, activation: none",
                                "name: less, kernel: 2, stride: 2, channels: 64}\n"
                                f"  - {{name: more, kernel: 3, channels: 64, activation: none, {end}")  # fmt: skip
    network, _, code = started(specification(tmp_path, encoder))
    network.train()
    images = smooth()
    latent = network.encoder(to_network(images)[..., :32])
    wanted = np.concatenate([code.transmit(image[:, :32]).reshape(-1, 64) for image in images])
    found = latent.detach().permute(0, 2, 3, 1).reshape(-1, 64).numpy()
    assert found == pytest.approx(wanted, abs=1e-4), "weights are float32"
    (latent * torch.randn(latent.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    last = network.get_submodule("encoder.4")
    first = last.get_parameter("norm.weight" if "norm" in end else "conv.weight")
    assert first.grad is not None and first.grad.any()
    assert network.get_submodule("encoder.3.conv").get_parameter("weight").any()


def test_parameters(tmp_path: Path) -> None:
    spec = specification(tmp_path, CORRECTED)
    network = dense(spec)
    wanted = [network.get_parameter(f"{name}.conv.{kind}") for name in ("encoder.1", "decoder.0")
              for kind in ("weight", "bias")]  # fmt: skip
    assert [id(one) for one in parameters(spec, network)] == [id(one) for one in wanted]


def test_blocks_of_different_sizes(tmp_path: Path) -> None:
    assert find(specification(tmp_path, LAPPED).encoder_network).size == 8
    assert find(specification(tmp_path).decoder_network).size == 8


@pytest.mark.parametrize("encoder", [
    PATCHES.replace("none", "relu"),
    PATCHES.replace("activation: none", "activation: none, batch_norm: true"),
    PATCHES + "\n  - {kernel: 1, channels: 64, activation: none}",
    CORRECTED.replace("inputs: [matrix, more]", "inputs: [matrix, more], activation: relu"),
    LAPPED.replace("kernel: 3, channels", "kernel: 3, dilation: 2, channels"),
])  # fmt: skip
def test_encoders_without_a_matrix(tmp_path: Path, encoder: str) -> None:
    spec = specification(tmp_path, encoder)
    with pytest.raises(HwgenError) as caught:
        find(spec.encoder_network)
    assert str(caught.value) == (
        "encoder: wanted one convolution of pixels or space_to_depth that reaches the symbols directly or through sums "
        "(training.start is linear_code), got none"
    )


@pytest.mark.parametrize("decoder", [
    SUM.replace("channels: 192, activation: clamp", "channels: 192, activation: relu"),
    """
  - {kernel: 5, stride: 2, channels: 8}
  - {kernel: 5, stride: 2, channels: 8}
  - {kernel: 5, stride: 2, channels: 3, activation: clamp}""",
])  # fmt: skip
def test_decoders_without_a_matrix(tmp_path: Path, decoder: str) -> None:
    spec = specification(tmp_path, decoder=decoder)
    with pytest.raises(HwgenError) as caught:
        find(spec.decoder_network)
    assert str(caught.value) == (
        "decoder: wanted one convolution of the symbols that reaches the image through depth_to_space and sums alone "
        "(training.start is linear_code), got none"
    )


def test_two_matrices(tmp_path: Path) -> None:
    twice = """
  - {name: first, kernel: 8, stride: 8, channels: 64, activation: none}
  - {name: second, kernel: 8, stride: 8, channels: 64, activation: none, inputs: [pixels]}
  - {kind: add, inputs: [first, second]}"""
    with pytest.raises(HwgenError, match="got first, second"):
        find(specification(tmp_path, twice).encoder_network)
