"""Fresh weights keep activations of one size along branches, and an image starts at its mean."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hwgen.spec.model import ModelSpec, load
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import dense

ACTIVATIONS = ("none", "relu", "prelu", "leaky_relu", "relu6", "tanh", "silu")

RESIDUAL = """
format_version: 1
description: residual
frame: {width: 32, height: 32}
encoder:
  - {kernel: 4, stride: 4, channels: 64, activation: none}
decoder:
  - {name: picture, kind: conv, kernel: 1, channels: 48, activation: relu}
  - {name: broad, kind: depth_to_space, factor: 4}
  - {name: stem, kind: conv, kernel: 3, channels: 64, inputs: [picture]}
  - {kind: conv, kernel: 3, channels: 64}
  - {name: inner, kind: conv, kernel: 3, channels: 64, activation: none}
  - {name: sum, kind: add, inputs: [stem, inner]}
  - {name: grouped, kind: conv, kernel: 3, channels: 64, groups: 64}
  - {name: both, kind: concat, inputs: [sum, grouped]}
  - {name: up, kernel: 4, stride: 2, channels: 64}
  - {name: detail, kernel: 4, stride: 2, channels: 3, activation: none}
  - {name: image, kind: add, inputs: [broad, detail], activation: clamp}
"""


def written(folder: Path, text: str) -> ModelSpec:
    (folder / "spec.yaml").write_text(text)
    return load(folder)


def mean_squares(network: DeepJSCC, latent: torch.Tensor) -> dict[str, float]:
    return {name: float(x.square().mean()) for name, x in network.decoder.outputs(latent).items()}


@torch.no_grad()
def test_mean_squares_along_branches(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = dense(written(tmp_path, RESIDUAL)).train()
    for layer in network.decoder:  # the image's mean is none of the sizes
        if hasattr(layer, "conv"):
            layer.conv.bias.zero_()  # type: ignore[union-attr, operator]
    found = mean_squares(network, torch.randn(4, 64, 8, 8))
    wanted = {"picture": 0.5, "broad": 0.5, "stem": 1, "conv3": 1, "inner": 1, "sum": 2, "grouped": 1, "both": 1.5,
              "up": 1, "detail": 0.5}  # fmt: skip
    wanted = {name: size for name, size in wanted.items() if name in found}
    assert len(wanted) == 9, "all but the one that has no name of its own"
    for name, size in wanted.items():
        assert 0.6 * size < found[name] < 1.6 * size, (name, found[name])


@torch.no_grad()
def test_the_first_branch_of_an_image_has_its_mean(tmp_path: Path) -> None:
    network = dense(written(tmp_path, RESIDUAL))
    means = {placed.name: set(layer.conv.bias.tolist())  # type: ignore[union-attr, operator]
             for placed, layer in zip(network.decoder.network.layers, network.decoder, strict=True)
             if hasattr(layer, "conv")}  # fmt: skip
    assert [name for name, values in means.items() if values != {0.0}] == ["picture"]
    assert means["picture"] == set(torch.tensor([0.4]).tolist())


@pytest.mark.parametrize("activation", ACTIVATIONS)
@torch.no_grad()
def test_every_activation_keeps_the_size_through_eight_layers(tmp_path: Path, activation: str) -> None:
    layer = f"  - {{kind: conv, kernel: 3, channels: 64, activation: {activation}}}\n"
    text = RESIDUAL.split("decoder:")[0] + "decoder:\n" + 8 * layer + "  - {kernel: 4, stride: 2, channels: 8}\n"
    spec = written(tmp_path, text + "  - {kernel: 4, stride: 2, channels: 3, activation: clamp}\n")
    torch.manual_seed(2)
    sizes = list(mean_squares(dense(spec), torch.randn(4, 64, 12, 12)).values())
    assert 0.2 < sizes[8] < 4.0, sizes
