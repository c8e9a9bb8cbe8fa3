"""The float network of a specification, in a row and with branches: shapes, names, sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.spec_graphs import GRAPHS, graph_spec
from support.train_samples import branched, specification

from hwgen.spec.counts import parameters
from hwgen.train.network import dense, pruned


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "grey"])
@torch.no_grad()
def test_shapes_and_sizes(tmp_path: Path, name: str) -> None:
    spec = graph_spec(tmp_path, name)
    network = dense(spec).eval()
    images = torch.rand(2, 3, 16, 32)
    latent = network.encode(images)
    scale = spec.encoder_network.last.given.scale
    assert latent.shape == (2, 4, 16 * scale, 32 * scale)
    decoded = network.decode(latent)
    assert decoded.shape == images.shape
    assert decoded.min() >= 0.0 and decoded.max() <= 1.0
    for side, layers in ((spec.encoder_network, network.encoder), (spec.decoder_network, network.decoder)):
        assert sum(p.numel() for p in layers.parameters()) == parameters(side)


def test_names_are_those_of_a_row(tmp_path: Path) -> None:
    names = ["conv.weight", "conv.bias", "activation.weight"]
    assert list(dense(specification(tmp_path)).state_dict())[:5] == [
        *(f"encoder.0.{name}" for name in names), *(f"encoder.1.{name}" for name in names[:2])
    ]  # fmt: skip


def test_names_are_indices_in_the_list(tmp_path: Path) -> None:
    state = pruned(branched(tmp_path)).state_dict()
    layers = sorted({name.rsplit(".", 2)[0] for name in state if name.startswith("decoder.") and ".conv." in name})
    assert layers == ["decoder.0", "decoder.3", "decoder.4"], "1, 2, 5 and 6 have no weights"


def test_surviving_channels(tmp_path: Path) -> None:
    network = pruned(branched(tmp_path))
    assert [layer.conv.out_channels for layer in network.encoder if hasattr(layer, "conv")] == [6, 5, 6, 4]
    assert network.decoder[3].conv.weight.shape == (3, 12, 3, 3)  # type: ignore[union-attr]
